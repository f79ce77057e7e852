import math

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from method_twin import NUM, SHAPE, assert_equals, build, make_batches, tree, use_colour_pictures

from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.losses.likelihood import bits_per_dim

NETWORK = {"density": {"name": "pixelcnn", "features": 4, "blocks": 1, "head": 4}}
SLOW = {"name": "sgd", "lr": 0.01}


def config(**keys):
    made = tree("pixelcnn", NETWORK, SLOW, names=("p",), **keys)
    del made["method"]["z_dim"]
    return made


@pytest.mark.parametrize("classes", [False, True])
def test_a_step_equals_the_algorithm_written_out(classes):
    def algorithm(twin, batches):
        images, labels = batches[0]["image"], batches[0]["label"]
        logits = twin.networks["p"](images, *([labels] if classes else []))  # [N, 256, H, W]
        levels = ((images + 1) * 127.5).round().astype("int64")
        chosen = (F.one_hot(levels[:, 0], 256) * F.log_softmax(logits.transpose([0, 2, 3, 1]))).sum(-1)
        bits = -chosen.mean() / math.log(2)
        twin.apply("p", bits)
        return {"loss/bits": bits}

    assert_equals(config(classes=classes), algorithm)


def test_bits_in_colour_are_of_all_values(monkeypatch):
    use_colour_pictures(monkeypatch)
    method = build(config(num_mixtures=2))
    images = from_uint8(np.random.default_rng(0).integers(0, 256, [NUM, 3, 32, 32]))
    log_probability = method.log_probability(method.networks, {"image": paddle.to_tensor(images)})
    assert log_probability.shape == [NUM]
    bits = bits_per_dim(log_probability, (3, 32, 32))
    assert 5 < float(bits.mean()) < 20


def test_a_draw_has_uniform_numbers_a_temperature_and_each_class_in_turn():
    sampler = build(config(classes=True)).samplers()["p"]
    inputs = sampler.draw(6)
    assert list(inputs) == ["z", "truncation", "labels"]
    assert inputs["z"].shape == [6, math.prod(SHAPE)]
    assert 0 <= float(inputs["z"].min()) < float(inputs["z"].max()) <= 1
    assert inputs["labels"].tolist() == [0, 1, 2, 3, 0, 1]
    images = sampler(inputs)
    assert images.shape == [6, *SHAPE]
    cold = sampler.truncated(0.1)
    assert cold.draw(2)["truncation"].flatten().tolist() == pytest.approx([0.1, 0.1])


def test_the_weights_that_are_measured_are_those_that_are_deployed():
    method = build(config())
    method.averages["p"] = build(config()).networks["p"]
    for parameter in method.averages["p"].parameters():
        parameter.set_value(parameter + 1)
    batch = make_batches()[0]
    trained, deployed = (method.log_probability(networks, batch) for networks in (method.networks, method.deployed()))
    assert (trained != deployed).all()
