import hashlib
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections import OrderedDict

import cv2
import numpy as np
import paddle
import pytest
from paddle.vision.models.inceptionv3 import InceptionV3, model_urls

from ppgan_lite.data import download
from ppgan_lite.data.download import NoMirrorError
from ppgan_lite.data.spec import Field
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation import inception
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.files import sha256

URL, MD5 = model_urls["inception_v3"]
FILE = "inception_v3.pdparams"


@pytest.fixture(scope="module")
def model():
    """Paddle's own network with made-up weights and statistics, in eval mode."""
    paddle.seed(0)
    model = InceptionV3()
    for key, tensor in model.state_dict().items():
        if key.endswith(("_mean", "_variance", "bias")):
            low = 0.5 if key.endswith("_variance") else -0.1
            tensor.set_value(paddle.uniform(tensor.shape, min=low, max=low + 1))
    model.eval()
    return model


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    """What paddle.save makes of its weights."""
    path = tmp_path_factory.mktemp("saved") / FILE
    paddle.save(model.state_dict(), str(path))
    return path.read_bytes()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Puts a file where a user would, as if it were the published one; no other place, and no network."""
    monkeypatch.setenv("PPGAN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(inception, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(inception, "download", lambda *arguments: pytest.fail(f"download{arguments}"))
    (tmp_path / "data").mkdir()

    def put(content, folder="data", md5=None):
        path = tmp_path / folder / FILE
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        monkeypatch.setitem(model_urls, "inception_v3", (URL, md5 or hashlib.md5(content).hexdigest()))
        return path

    return put


@pytest.fixture
def small_network(monkeypatch):
    """A small layer in the place of Inception-v3, for what does not depend on the network."""
    monkeypatch.setattr(inception, "InceptionV3", lambda: paddle.nn.Conv2D(3, 4, 3))


def refusal(of=inception.load_inception):
    """The one line of the error, after checking that nothing else was said."""
    with warnings.catch_warnings(), pytest.raises(EvaluationError) as caught:
        warnings.simplefilter("error")
        of()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def reference(model, images):
    """Features and logits of uint8 images, by OpenCV's resizing, numpy and the model's own forward."""
    photos = [np.atleast_3d(cv2.resize(image.transpose(1, 2, 0), (299, 299))) for image in images.astype("float32")]
    photos = [photo if photo.shape[2] == 3 else photo.repeat(3, axis=2) for photo in photos]  # [299, 299, 3]
    pixels = np.stack([(photo / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225] for photo in photos])
    pooled = []
    hook = model.avg_pool.register_forward_post_hook(lambda layer, inputs, output: pooled.append(output.numpy()))
    with paddle.no_grad():
        logits = model(paddle.to_tensor(pixels.transpose(0, 3, 1, 2).astype("float32")))
    hook.remove()
    return pooled[0].reshape(len(images), 2048), logits


def assert_near(found, expected, relative):
    """Equal within a part of what differs between the images."""
    assert found.shape == expected.shape
    spread = expected.std(0).mean()
    assert spread > 1e-3 * np.abs(expected).mean(), "the images have the same features, so nothing is tested"
    assert np.abs(found - expected).max() < relative * spread


@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (3, 3, 20, 32)])
def test_features_and_logits_are_those_of_paddles_network(model, saved, place, monkeypatch, shape):
    place(saved)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
    features, logits = reference(model, images)
    network = load_features("inception", "mnist", Field("image", shape[1:]))
    monkeypatch.setattr(inception, "CHUNK_IMAGES", 2)
    assert (network.name, network.sha256) == ("inception", sha256(saved))
    assert "299x299" in network.preprocessing
    values, probabilities = network(images)
    assert values.dtype == probabilities.dtype == np.float32
    assert values.shape == (3, 2048)
    assert probabilities.shape == (3, 1000)
    assert_near(values, features, 0.02)
    assert_near(probabilities, paddle.nn.functional.softmax(logits).numpy(), 0.02)


def test_the_file_in_the_cache_is_taken_if_the_user_gave_none(place, small_network, tmp_path):
    layer = paddle.nn.Conv2D(3, 4, 3)
    paddle.save(layer.state_dict(), str(tmp_path / "saved"))
    content = (tmp_path / "saved").read_bytes()
    place(content, "cache")
    assert inception.load_inception().sha256 == sha256(content)
    place(b"another, which the user gave", md5="0" * 32)
    assert f"data{os.sep}{FILE}: not Paddle's file (checksum mismatch)" in refusal()


def test_nothing_is_asked_for_at_import(tmp_path):
    """The file is not opened, and no host's name is looked up."""
    program = (
        "import sys\n"
        "import ppgan_lite\n"
        "sys.addaudithook(lambda event, args: event in ('open', 'socket.connect', 'socket.getaddrinfo')\n"
        f"                and ('{FILE}' in str(args[0]) or 'socket' in event) and sys.exit(f'{{event}} {{args}}'))\n"
        "from ppgan_lite.evaluation import features, inception\n"
        "features.list_evaluators()\n"
    )
    (tmp_path / FILE).write_bytes(b"")
    environment = {**os.environ, "PPGAN_DATA": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("form", ["tensors", "mixed", "arrays"])
def test_every_form_that_paddle_saves_is_read(tmp_path, protocol, form):
    paddle.seed(0)
    layer = paddle.nn.Sequential(paddle.nn.Conv2D(3, 4, 3), paddle.nn.BatchNorm2D(4))
    state = layer.state_dict()
    expected = {key: tensor.numpy() for key, tensor in state.items()}
    if form == "mixed":  # tensors become (name, array) by a call of tuple, in an OrderedDict
        expected["more"] = np.ones(2, "float32")
        state = OrderedDict(state, more=expected["more"])
    if form == "arrays":
        state = {key: np.asfortranarray(array) for key, array in expected.items()}
    paddle.save(state, str(tmp_path / "saved"), protocol=protocol)
    content = (tmp_path / "saved").read_bytes()
    assert (b"tuple" in content) == (b"OrderedDict" in content) == (form == "mixed")
    arrays = inception._read_arrays(content, tmp_path / "saved")
    assert arrays.keys() == expected.keys()
    for key, array in expected.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(arrays[key], array, strict=True)


def test_a_wrong_checksum_is_refused_before_it_is_opened(place, monkeypatch):
    monkeypatch.setattr(inception, "_read_arrays", lambda *arguments: pytest.fail("opened"))
    path = place(pickle.dumps({}), md5=MD5)
    assert refusal() == f"{path}: not Paddle's file (checksum mismatch); delete it to download it again"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("bias"), "bias: the network needs [4], the file holds nothing"),
        (lambda state: state.update(more=np.ones(2, "f4")), "more: the network needs nothing, the file holds [2]"),
        (
            lambda state: state.update(weight=np.ones((4, 3, 9), "f4")),
            "weight: the network needs [4, 3, 3, 3], the file holds [4, 3, 9]",
        ),
    ],
    ids=["missing", "unknown", "shape"],
)
def test_the_file_must_fit_the_network(place, small_network, change, message):
    state = {key: tensor.numpy() for key, tensor in paddle.nn.Conv2D(3, 4, 3).state_dict().items()}
    change(state)
    path = place(pickle.dumps(state, 4))
    assert refusal() == f"{path}: {message}"


class Malicious:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    "attack", [Malicious(os.system, "echo > ran"), Malicious(eval, "open('ran', 'w').close()")], ids=["system", "eval"]
)
def test_a_malicious_pickle_is_refused_and_runs_nothing(place, tmp_path, monkeypatch, protocol, attack):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({"weight": attack}, protocol)
    path = place(content)
    assert re.fullmatch(
        re.escape(f"{path}: refused: the pickle refers to ") + r"(posix|nt|builtins|__builtin__)\.(system|eval), .*",
        refusal(),
    )
    assert not (tmp_path / "ran").exists()
    pickle.loads(content)
    assert (tmp_path / "ran").exists(), "harmless, so nothing was tested"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        pickle.dumps({"a": np.ones(9, "f4")})[:-20],
        pickle.dumps([1, 2]),
        pickle.dumps({"a": {"b": 1}}),
        pickle.dumps({"a": np.ones(9)}, 4),
        pickle.dumps({"a": np.ones(9, "u1")}, 4),
    ],
)
def test_what_is_no_state_dict_is_refused(content):
    assert refusal(lambda: inception._read_arrays(content, FILE)).startswith(f"{FILE}: ")


def test_without_a_file_it_is_downloaded_to_the_cache(place, small_network, tmp_path, monkeypatch):
    content = pickle.dumps({key: tensor.numpy() for key, tensor in paddle.nn.Conv2D(3, 4, 3).state_dict().items()}, 4)
    place(content).unlink()

    def download(file, mirrors, folder, checksum, algorithm):
        assert [mirror + file for mirror in mirrors] == [URL]
        assert hashlib.new(algorithm, content).hexdigest() == checksum
        folder.mkdir()
        (folder / file).write_bytes(content)

    monkeypatch.setattr(inception, "download", download)
    assert inception.load_inception().sha256 == sha256(content)
    assert (tmp_path / "cache" / FILE).exists()


def test_without_a_file_and_a_network_it_says_what_to_do(place, tmp_path, monkeypatch):
    def download(file, mirrors, folder, checksum, algorithm):
        raise NoMirrorError(f"{file} is not in {folder}, and no mirror gave it ({mirrors[0]}: no network)")

    monkeypatch.setattr(inception, "download", download)
    message = refusal()
    assert message.startswith(f"{FILE} is not in {tmp_path / 'cache'}, and no mirror gave it")
    assert message.endswith(f"; download {URL} elsewhere and put it there, or into the folder that PPGAN_DATA names")


def test_a_file_that_cannot_be_read_is_named(place, tmp_path):
    (tmp_path / "data" / FILE).mkdir()
    assert refusal().startswith(f"{tmp_path / 'data' / FILE}: cannot be read: ")


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_only_a_regular_file_is_read(place, tmp_path, kind):
    path = tmp_path / "data" / FILE
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    assert refusal() == f"{path}: cannot be read: is not a regular file"


def test_a_cache_that_cannot_be_written_is_one_line(place, tmp_path, monkeypatch):
    content = b"the published file"
    place(content).rename(tmp_path / FILE)
    monkeypatch.setitem(model_urls, "inception_v3", (f"{tmp_path.as_uri()}/{FILE}", hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(inception, "download", download.download)
    (tmp_path / "cache").write_text("")
    assert re.search("cache.*: cannot be written: .*; download .* or into the folder that PPGAN_DATA names", refusal())
