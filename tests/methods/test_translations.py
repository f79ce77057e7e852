import numpy as np
import paddle
import pytest
from method_twin import build
from test_cyclegan import config as cyclegan
from test_pix2pix import config as pix2pix
from test_stargan import config as stargan

from ppgan_lite.methods.translations import columns, targets, way_back

NAMES = ("colour=red", "colour=green", "smiling", "colour=blue")


def pictures(*names):
    rng = np.random.default_rng(0)
    return {name: rng.uniform(-1, 1, [3, 3, 32, 32]).astype("float32") for name in names}


def test_the_target_of_a_group_replaces_the_others_and_one_alone_is_flipped():
    own = np.array([[1, 0, 1, 0], [0, 0, 0, 1]], "float32")
    np.testing.assert_array_equal(targets(NAMES, own, 1), [[0, 1, 1, 0], [0, 1, 0, 0]])
    np.testing.assert_array_equal(targets(NAMES, own, 2), [[1, 0, 0, 0], [0, 0, 1, 1]])
    np.testing.assert_array_equal(own, [[1, 0, 1, 0], [0, 0, 0, 1]])


def test_only_a_method_that_goes_both_ways_has_a_way_back():
    both, one, attributes = (build(config()).samplers() for config in (cyclegan, pix2pix, stargan))
    assert way_back(both, "a_to_b") is both["b_to_a"]
    assert way_back(both, "b_to_a") is both["a_to_b"]
    assert way_back(one, "a_to_b") is None
    assert way_back(attributes, "to_attributes") is attributes["to_attributes"]


@pytest.mark.parametrize("paired", [True, False])
def test_pix2pix_shows_the_truth_if_there_is_one(paired):
    method, data = build(pix2pix()), pictures("a", "b")
    shown = columns(method.samplers(), "a_to_b", data, paired)
    assert len(shown) == 2 + paired
    np.testing.assert_array_equal(shown[0], data["a"])
    method.networks["g"].eval()
    np.testing.assert_allclose(shown[1], method.networks["g"](paddle.to_tensor(data["a"])), atol=1e-6)
    if paired:
        np.testing.assert_array_equal(shown[2], data["b"])


def test_cyclegan_shows_the_cycle():
    method, data = build(cyclegan()), pictures("a", "b")
    source, there, back = columns(method.samplers(), "b_to_a", data, paired=True)
    method.networks["g_ab"].eval()
    np.testing.assert_array_equal(source, data["b"])
    np.testing.assert_allclose(back, method.networks["g_ab"](paddle.to_tensor(there)), atol=1e-5)


def test_stargan_shows_each_attribute():
    method = build(stargan())
    own = np.tile([1, 0, 0, 1, 0], (3, 1)).astype("float32")
    shown = columns(method.samplers(), "to_attributes", pictures("image") | {"attributes": own}, paired=True)
    assert len(shown) == 6
    assert np.abs(shown[1] - shown[2]).max() > 0
    np.testing.assert_array_equal(shown[1], shown[4])  # both are the picture's own attributes
