"""The feature networks: the evaluators shipped with this package, and Inception-v3.

An evaluator is a classifier of one data set, trained by this suite from configs/evaluator_*.yml. It is stored in
`evaluators/` as NAME.safetensors, with a card NAME.json: what it was trained on, how well it classifies, and the sha256
of its file. The evaluators of CIFAR-10 also measure photographs of other data sets, resized to their own image size:
`cifar10` by default, and `cifar10_jpeg`, which is older and less accurate, for comparison with older results.
"""

from pathlib import Path

import paddle.nn.functional as F
import safetensors.numpy

from ppgan_lite.data.spec import Field
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation.feature_network import INCEPTION, FeatureNetwork
from ppgan_lite.files import sha256, unseal
from ppgan_lite.networks import options

FOLDER = Path(__file__).parent / "evaluators"
PHOTOGRAPHS = ("cifar10", "cifar10_jpeg")  # for colour images of data sets without their own evaluator; default first


def load_features(name: str, data: str, field: Field) -> FeatureNetwork:
    """The feature network for images of a data set.

    Args:
        name: an evaluator's name, `inception`, or `auto` for the data set's own evaluator (CIFAR-10's for colour
            images without one).
        data: the data set's name.
        field: the field of the images.

    Raises:
        EvaluationError: there is no such network, it is for another data set, its file has been changed, or the data is
            points.
    """
    if field.kind == "point":
        raise EvaluationError(f"{data}: points cannot be evaluated: the metrics are for images")
    if name == INCEPTION:
        from ppgan_lite.evaluation.inception import load_inception

        return load_inception()
    shipped, image_shape = list_evaluators(), field.shape
    in_colour = image_shape[0] == 3
    if name == "auto" and data not in shipped and not in_colour:
        raise EvaluationError(
            f"{data}: no evaluator for this data (there are: {', '.join(shipped)}); "
            "only `ppgan evaluate --features inception` can measure it"
        )
    if name == "auto":
        name = data if data in shipped else PHOTOGRAPHS[0]
    if name not in shipped:
        raise EvaluationError(f"--features {name}: no such evaluator; give auto, {', '.join(shipped)} or inception")
    if name != data and not (name in PHOTOGRAPHS and in_colour):
        others = f"auto, {', '.join(PHOTOGRAPHS)} or inception" if in_colour else "auto or inception"
        raise EvaluationError(f"--features {name}: for another data set; the run was trained on {data}: give {others}")
    card = read_card(name)
    shape = tuple(card["image_shape"])
    if shape != image_shape and (name == data or min(image_shape[1:]) < shape[1]):
        fitting = f"measures images of shape {list(shape)}, not {list(image_shape)}"
        raise EvaluationError(f"{name}: {fitting}; give --features inception")
    return _load_evaluator(name, card, image_shape)


def list_evaluators() -> list[str]:
    """The names of the evaluators shipped with this package."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_card(name: str) -> dict:
    """Read the card of an evaluator.

    Raises:
        EvaluationError: it cannot be read or has been changed.
    """
    path = FOLDER / f"{name}.json"
    card = unseal(_read(path))
    if card is None:
        raise EvaluationError(f"{path}: damaged (checksum mismatch); install ppgan_lite again")
    return card


def _load_evaluator(name: str, card: dict, image_shape: tuple[int, int, int]) -> FeatureNetwork:
    path = FOLDER / card["file"]["name"]
    content = _read(path)
    if sha256(content) != card["file"]["sha256"]:
        raise EvaluationError(f"{path}: damaged (checksum mismatch); install ppgan_lite again")
    own_shape = tuple(card["image_shape"])
    is_resized = own_shape != image_shape
    network_options = options.CLASSIFIERS[card["network"]["name"]](**card["network"])
    network = network_options.builder()(network_options, own_shape, len(card["class_names"]))
    arrays = safetensors.numpy.load(content)
    for key, tensor in network.state_dict().items():
        tensor.set_value(arrays[key])
    network.eval()

    def forward(images):
        features = network.features(F.adaptive_avg_pool2d(images, own_shape[1:]) if is_resized else images)
        return features, network.classify(features)

    resizing = f"; averaged to {own_shape[1]}x{own_shape[2]}" if is_resized else ""
    return FeatureNetwork(name, card["file"]["sha256"], f"pixels in [-1, 1]{resizing}", forward)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read: {error.strerror}; install ppgan_lite again") from error
