"""Inception-v3 with Paddle's ImageNet weights, as a feature network.

The original FID (Heusel et al. 2017) uses other weights, TensorFlow's Inception of 2015, and other resizing and
normalisation. So distances measured here can be compared with each other, but not with published FIDs.

The weights come from PaddleClas (github.com/PaddlePaddle/Paddle, issue 35998 and pull request 36064, which measured
79.1 % top-1 with them). The preprocessing is the one of their training, PaddleClas' configs/ImageNet/Inception/
InceptionV3.yaml: pixels in [0, 1], minus ImageNet's mean, over its standard deviation, at 299x299 pixels. One
departure: there the images are cropped from photographs of 320 pixels; here a whole image of any size is resized.

The file is a pickle, and unpickling could run any code. It is read only if its MD5 is the one in Paddle's own table,
and then by a reader that accepts nothing but plain data and numbers.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle.vision.models.inceptionv3 import InceptionV3, model_urls

from ppgan_lite.data import safe_pickle
from ppgan_lite.data.download import MAX_BYTES, NoMirrorError, download
from ppgan_lite.errors import EvaluationError, RunError
from ppgan_lite.evaluation.feature_network import INCEPTION, FeatureNetwork
from ppgan_lite.files import expand_home, read_file, sha256

FILE = "inception_v3.pdparams"
CACHE = Path("~/.cache/paddle/hapi/weights")  # the same as paddle.utils.download

SIDE = 299  # pixels
MEAN = (0.485, 0.456, 0.406)  # ImageNet's red, green and blue in [0, 1]
STD = (0.229, 0.224, 0.225)
CHUNK_IMAGES = 32  # images passed through the network at once: 256 need 5 GB

PREPROCESSING = (
    f"for Paddle's ImageNet weights (not those of the original FID): one channel repeated to three; resized to "
    f"{SIDE}x{SIDE} (bilinear, align_corners=False, no antialiasing); from [-1, 1] to [0, 1], less the mean {MEAN}, "
    f"over the standard deviation {STD}"
)


def load_inception() -> FeatureNetwork:
    """Inception-v3: features [N, 2048] after the global pooling (before the dropout) and logits [N, 1000].

    The weights are read from $PPGAN_DATA/inception_v3.pdparams or from Paddle's cache. If they are in neither place,
    they are downloaded into the cache.

    Raises:
        EvaluationError: the file is missing and cannot be downloaded into the cache, is not the published one, or does
            not fit the network.
    """
    path = _find_or_download()
    try:
        content = read_file(path, MAX_BYTES)
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read: {error.strerror}") from error
    _, md5 = model_urls["inception_v3"]
    if hashlib.md5(content).hexdigest() != md5:  # noqa: S324 (Paddle publishes no other checksum)
        raise EvaluationError(f"{path}: not Paddle's file (checksum mismatch); delete it to download it again")
    arrays = _read_arrays(content, path)
    network = InceptionV3()
    _set_arrays(network, arrays, path)
    network.eval()

    def forward(images):
        chunks = [images[start : start + CHUNK_IMAGES] for start in range(0, len(images), CHUNK_IMAGES)]
        features = paddle.concat([_features(network, chunk) for chunk in chunks])
        # Paddle's dropout is `downscale_in_infer`: in eval mode it scales by 0.8, which the last layer expects.
        return features, network.fc(network.dropout(features))

    return FeatureNetwork(INCEPTION, sha256(content), PREPROCESSING, forward)


def _features(network: InceptionV3, images: paddle.Tensor) -> paddle.Tensor:
    images = images.expand([-1, 3, -1, -1])  # [N, 1 or 3, H, W] -> [N, 3, H, W]
    images = F.interpolate(images, size=[SIDE, SIDE], mode="bilinear", align_corners=False)
    mean, std = (paddle.to_tensor(values).reshape([1, 3, 1, 1]) for values in (MEAN, STD))
    hidden = network.inception_stem(((images + 1) / 2 - mean) / std)
    for block in network.inception_block_list:
        hidden = block(hidden)
    return network.avg_pool(hidden).flatten(1)  # [N, 2048, 1, 1] -> [N, 2048]


def _find_or_download() -> Path:
    for place in (os.environ.get("PPGAN_DATA"), CACHE):
        if not place:
            continue
        try:
            path = expand_home(place) / FILE
            if path.exists():
                return path
        except (OSError, RunError) as error:  # no permission, a name too long, ~nobody
            raise EvaluationError(f"{place}: cannot be searched for {FILE}: {error}") from error
    url, md5 = model_urls["inception_v3"]
    try:
        download(FILE, [url.removesuffix(FILE)], path.parent, md5, "md5")
    except (NoMirrorError, RunError) as error:
        advice = f"download {url} elsewhere and put it there, or into the folder that PPGAN_DATA names"
        raise EvaluationError(f"{error}; {advice}") from error
    return path


def _set_arrays(network: paddle.nn.Layer, arrays: dict[str, np.ndarray], path: Path):
    """Copy the arrays into the network's tensors.

    Raises:
        EvaluationError: an array is missing, surplus or of another shape.
    """
    tensors = network.state_dict()
    for key in tensors | arrays:
        expected, given = (list(group[key].shape) if key in group else "nothing" for group in (tensors, arrays))
        if expected != given:
            raise EvaluationError(f"{path}: {key}: the network needs {expected}, the file holds {given}")
    for key, tensor in tensors.items():
        tensor.set_value(arrays[key])


def _read_arrays(content: bytes, path: Path) -> dict[str, np.ndarray]:
    """The arrays in a file written by `paddle.save(layer.state_dict(), path)`, by name.

    Paddle writes a dict of arrays, or of (name, array) pairs if not all values are tensors. It splits arrays of 1 GiB
    and more; Inception's largest has 8 MB.

    Raises:
        EvaluationError: the content is anything else.
    """
    try:
        state = safe_pickle.loads(content)
        state.pop("StructuredToParameterName@@", None)  # Paddle's own names for the same tensors
        values = {key: value[1] if isinstance(value, tuple) else value for key, value in state.items()}
        return {key: value.array.astype("<f4", casting="no", copy=False) for key, value in values.items()}
    except safe_pickle.RefusedError as error:
        raise EvaluationError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle can raise anything
        raise EvaluationError(f"{path}: not a state dict of float32 arrays ({error!r})") from error
