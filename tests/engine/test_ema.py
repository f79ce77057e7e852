"""The average of G's weights: by its closed form, and in whole runs."""

import copy
import json
import os
import shutil
import signal

import numpy as np
import paddle
import pytest
from conftest import SMALL, lasting
from paddle import nn
from PIL import Image

from ppgan_lite.commands import export as exporting
from ppgan_lite.commands.infer import Network
from ppgan_lite.commands.sample import Request, sample
from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import check_config
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.data.spec import Field
from ppgan_lite.device import seed_paddle
from ppgan_lite.engine.ema import follow
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import ConfigError
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.generators import GeneratorEvaluation
from ppgan_lite.methods.gan import GAN
from ppgan_lite.pictures.grid import grid
from ppgan_lite.runs.checkpoint import list_steps, load_step
from ppgan_lite.runs.trained import open_trained

DECAY = 0.4  # reached in step 5


def start(tree, folder, resume=False):
    return train(check_config(tree), folder, resume=resume, overwrite=False, device="cpu", dry_run=False)


def weights(network):
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="module")
def averaged_run(tmp_path_factory):
    """The small experiment with an average. Not to be changed."""
    folder = tmp_path_factory.mktemp("averaged") / "run"
    tree = SMALL | {"train": SMALL["train"] | {"ema": DECAY, "save_every": 1, "keep": 20}}
    assert start(tree, folder) == 0
    return folder


def layers():
    """A network with weights and with batch statistics."""
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1D(4))


def set_all(network, value):
    for tensor in network.state_dict().values():
        tensor.set_value(paddle.full(tensor.shape, value))


@pytest.mark.parametrize("decay", [0, 0.2, 0.999])
def test_each_step_is_the_sum_with_the_decay_of_that_step(decay):
    average, network = layers(), layers()
    set_all(average, 8.0)
    expected = 8.0
    for step in range(1, 6):
        set_all(network, float(step**2))
        follow(average, network, decay, step)
        own = min(decay, [2 / 11, 3 / 12, 4 / 13, 5 / 14, 6 / 15][step - 1])
        expected = own * expected + (1 - own) * step**2
        for name, tensor in average.state_dict().items():
            np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-6, err_msg=name)


def test_late_the_decay_is_that_of_the_config():
    average, network = layers(), layers()
    set_all(average, 1.0)
    set_all(network, 0.0)
    for step in range(20_000, 20_010):
        follow(average, network, 0.9, step)
    np.testing.assert_allclose(average[0].weight.numpy(), 0.9**10, rtol=1e-5)


def spectral(seed):
    """Layers with spectral norms, as a generator may have them."""
    paddle.seed(seed)
    made = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5))
    for layer in (made[0], made[2]):
        nn.utils.spectral_norm(layer)
    return made


def used_sigma(layer, weight):
    """The singular value by which a layer divides its weight in evaluation mode."""
    return float(weight.norm() / layer.weight.norm())


def test_under_a_spectral_norm_the_averaged_weight_is_divided_by_its_own_largest_singular_value():
    """The power iteration's vectors are copied: the network's are good enough for its average, which is near."""
    network = spectral(0)
    average, of_vectors = copy.deepcopy(network), {}
    optimizer = paddle.optimizer.Adam(1e-3, beta1=0.0, beta2=0.9, parameters=network.parameters())
    for step in range(1, 301):
        x = paddle.randn([64, 6])
        ((network(x) - x[:, :5]) ** 2).mean().backward()
        optimizer.step()
        optimizer.clear_grad()
        follow(average, network, 0.99, step)
        decay = min(0.99, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            if name.endswith(("_u", "_v")):
                of_vectors[name] = decay * of_vectors.get(name, value.numpy()) + (1 - decay) * value.numpy()
    average.eval()
    average(x)
    for i in (0, 2):
        weight = average[i].weight_orig
        assert float((weight - network[i].weight_orig).abs().max()) > 1e-3
        exact = np.linalg.norm(weight.numpy(), 2)
        assert used_sigma(average[i], weight) == pytest.approx(exact, rel=5e-3)
    # Averaged vectors have no unit length: the divisor would be too small.
    u, v = (of_vectors[f"0.weight_{name}"] for name in "uv")
    assert u @ average[0].weight_orig.numpy().T @ v < 0.98 * np.linalg.norm(average[0].weight_orig.numpy(), 2)


def test_what_is_followed_stays():
    average, network = layers(), layers()
    before = weights(network)
    follow(average, network, 0.5, 1)
    for name, tensor in network.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])


def test_a_run_keeps_the_average_of_its_generators(averaged_run):
    steps = [load_step(averaged_run / "checkpoints", step).arrays for step in range(1, 13)]
    expected = None
    for step, arrays in enumerate(steps, 1):
        if expected is not None:
            own = min(DECAY, (1 + step) / (10 + step))
            expected = {name: own * value + (1 - own) * arrays["network_g"][name] for name, value in expected.items()}
            for name, value in expected.items():
                np.testing.assert_allclose(arrays["network_g_ema"][name], value, rtol=1e-4, atol=1e-6, err_msg=name)
        expected = arrays["network_g_ema"]
    assert expected.keys() == steps[-1]["network_g"].keys()
    assert any((expected[name] != steps[-1]["network_g"][name]).any() for name in expected)


def test_the_training_itself_is_the_same_to_the_bit(averaged_run, small_run):
    ours, plain = (load_step(run / "checkpoints", 12).arrays for run in (averaged_run, small_run))
    assert ours.keys() - plain.keys() == {"network_g_ema"}
    for group, arrays in plain.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(ours[group][name], array, err_msg=f"{group} {name}")
    step_lines = [[line for line in lasting(run, 12)[1] if "loss/g" in line] for run in (averaged_run, small_run)]
    assert step_lines[0] == step_lines[1]


def test_resumed_equals_uninterrupted(averaged_run, small_tree, tmp_path, monkeypatch):
    plain = GAN.train_step

    def interrupted(self, batches, step):
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)  # the step ends and is saved
        return plain(self, batches, step)

    small_tree["train"] |= {"ema": DECAY, "save_every": 100}
    with monkeypatch.context() as patch:
        patch.setattr(GAN, "train_step", interrupted)
        assert start(small_tree, tmp_path / "run") == 128 + signal.SIGTERM
    assert list_steps(tmp_path / "run" / "checkpoints") == [3]
    assert start(small_tree, tmp_path / "run", resume=True) == 0
    ours, theirs = (lasting(run, 12) for run in (tmp_path / "run", averaged_run))
    assert any("g_ema" in name for name in ours[0])
    assert ours == theirs


@pytest.fixture
def trained(averaged_run):
    """The finished method, and what its g and its average make of the same noise."""
    _, method, _ = open_trained(averaged_run, None)

    def images(name, z, batch_statistics=False):
        network = method.averages["g"] if name == "g_ema" else method.networks[name]
        before = weights(network)
        network.train() if batch_statistics else network.eval()
        with paddle.no_grad():
            made = network(z).numpy()
        network.train()
        network.set_state_dict(before)
        return made

    return method, images


def test_the_average_makes_the_images(trained):
    method, images = trained
    z = method.draw_z(9)
    for batch_statistics in (False, True):
        made = method.samplers()["g"]({"z": z}, batch_statistics).numpy()
        np.testing.assert_array_equal(made, images("g_ema", z, batch_statistics))
        assert abs(made - images("g", z, batch_statistics)).max() > 1e-3


def test_samples_and_previews_are_of_the_average_and_say_so(averaged_run, small_run, trained, tmp_path):
    method, images = trained
    sample(averaged_run, tmp_path / "x.npz", None, Request(num=9), "cpu")
    with np.load(tmp_path / "x.npz") as file:
        expected = to_uint8(images("g_ema", paddle.to_tensor(file["z"])))
        np.testing.assert_array_equal(file["images"], expected)
        assert file["Weights"] == ["moving average, decay 0.4"]
    seed_paddle(3, 0, 1)
    z = method.draw_z(128)
    with Image.open(averaged_run / "samples" / "step_00000012.png") as picture:
        assert picture.text["Weights"] == "moving average, decay 0.4"
        expected = grid(images("g_ema", z, batch_statistics=True), 16)[:, :, 0]
        np.testing.assert_array_equal(np.asarray(picture), expected)
        assert (expected != grid(images("g", z, batch_statistics=True), 16)[:, :, 0]).any()
    with Image.open(small_run / "samples" / "step_00000012.png") as picture:
        assert "Weights" not in picture.text


def test_the_export_is_the_average(averaged_run, trained, tmp_path, monkeypatch):
    _, images = trained
    monkeypatch.setattr(exporting, "_check", lambda *arguments: {})  # half a minute; see test_export.py
    exporting.export(averaged_run, tmp_path / "exported", step=None, formats=["paddle"], overwrite=False)
    assert json.loads((tmp_path / "exported" / "signature.json").read_text())["networks"].keys() == {"g", "d"}
    z = np.random.default_rng(0).standard_normal([5, 8], "float32")
    made = Network(tmp_path / "exported", "g", "paddle")({"z": z})["images"]
    np.testing.assert_allclose(made, images("g_ema", paddle.to_tensor(z)), atol=1e-5)
    assert abs(made - images("g", paddle.to_tensor(z))).max() > 1e-3


def test_the_average_is_measured_and_the_protocol_says_so(averaged_run, small_run):
    config = check_config(SMALL | {"data": SMALL["data"] | {"num_images": 720}})
    data = [build_dataset(config, split) for split in ("train", "test")]
    evaluation = GeneratorEvaluation(
        *data, load_features("auto", "rendered_digits", Field("image", (1, 28, 28))), 100, seed=0
    )
    (_, averaged, _), (_, plain, _) = (open_trained(run, None) for run in (averaged_run, small_run))
    averaged_result, plain_result = evaluation(averaged, 12), evaluation(plain, 12)
    assert (averaged_result.protocol["ema"], plain_result.protocol["ema"]) == (True, False)
    assert averaged_result.figures != plain_result.figures
    plain.networks["g"].set_state_dict(averaged.averages["g"].state_dict())
    assert evaluation(plain, 12).figures == averaged_result.figures


def test_a_run_cannot_go_on_with_another_average(averaged_run, small_tree, tmp_path):
    copy = shutil.copytree(averaged_run, tmp_path / "copy")
    small_tree["train"] |= {"ema": None, "steps": 13}
    with pytest.raises(ConfigError, match="train.ema: nothing, not 0.4"):
        start(small_tree, copy, resume=True)
