"""A sampler draws each input as its port says: at random or in turn."""

import math

import numpy as np
import paddle
import pytest
from conftest import spec_of
from paddle import nn

from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import RunError
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.methods.samplers import BATCH_IMAGES, Sampler, arrays_of, slerp, straight

Z = Port("z", (5,), "noise", distribution="normal")
LABELS = Port("labels", (), "the class", "int64", (0, 2), distribution="uniform", names=("a", "b", "c"))
CODES = Port("codes", (2,), "codes", range=(-1, 1), distribution="uniform")
TRUNCATION = Port("truncation", (), "1: none", range=(0, 1), value=1.0)
IMAGES = picture_port(spec_of((1, 4, 4), 3)["image"])


class Recorder(nn.Layer):
    """Returns the sum of its inputs as pictures; its batch norm has running statistics."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1D(1)

    def forward(self, *inputs):
        total = sum(x.astype("float32").reshape([len(x), -1]).sum(1, keepdim=True) for x in inputs)
        return self.norm(total).reshape([-1, 1, 1, 1]).expand([-1, 1, 4, 4])


def sampler(*ports):
    return Sampler(Recorder(), Interface("a test", ports, (IMAGES,)))


def test_noise_is_random_and_integers_come_in_turn():
    tested = sampler(Z, LABELS, CODES)
    seed_paddle(1)
    inputs = tested.draw(7)
    assert list(inputs) == ["z", "labels", "codes"]
    assert inputs["labels"].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert (inputs["z"].shape, inputs["codes"].shape) == ([7, 5], [7, 2])
    assert float(inputs["codes"].abs().max()) <= 1
    assert tested.num_kinds == 3
    seed_paddle(1)
    np.testing.assert_array_equal(tested.draw(7)["z"].numpy(), inputs["z"].numpy())


@pytest.mark.parametrize("training", [True, False])
def test_sampling_leaves_the_network_as_it_was(training):
    tested = sampler(Z)
    network = tested.network
    network.train() if training else network.eval()
    before = {name: value.numpy() for name, value in network.state_dict().items()}
    inputs = tested.draw(6)
    assert (tested(inputs).numpy() != tested(inputs, batch_statistics=True).numpy()).any()
    assert network.training == training
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_many_are_made_in_batches():
    tested = sampler(Z)
    inputs = arrays_of(tested.draw(BATCH_IMAGES + 3))
    whole = tested({"z": paddle.to_tensor(inputs["z"])}).numpy()
    np.testing.assert_allclose(tested.in_batches(inputs), whole, rtol=1e-5, atol=1e-6)


def test_strips_go_from_noise_to_noise_and_keep_the_rest():
    tested = sampler(Z, LABELS)
    start = arrays_of(tested.draw(2))
    strips = tested.strips(start, 4)
    np.testing.assert_array_equal(strips["labels"], [0] * 4 + [1] * 4)
    np.testing.assert_allclose(strips["z"][[0, 4]], start["z"], rtol=1e-6)
    assert (strips["z"][[3, 7]] != start["z"]).all()
    with pytest.raises(RunError, match="takes no noise"):
        sampler(LABELS).strips({"labels": np.zeros(2)}, 4)


def test_only_a_category_with_codes_can_be_swept():
    category = Port("category", (), "a code", "int64", (0, 3), distribution="uniform")
    assert sampler(Z, category, CODES).codes == ["category", "code1", "code2"]
    assert sampler(Z, LABELS).codes == []


@pytest.mark.parametrize("limit", [1e-3, 0.5, 2.0, 100.0])
def test_truncated_noise_is_drawn_again_until_it_is_within_the_limit(limit):
    tested = sampler(Z, LABELS, CODES).truncated(limit)
    seed_paddle(1)
    inputs = arrays_of(tested.draw(4000))
    drawn, places = np.sort(inputs["z"].ravel()), np.linspace(-min(limit, 3), min(limit, 3), 41)
    assert np.abs(drawn).max() <= np.float32(limit)
    shares = np.searchsorted(drawn, places) / len(drawn)
    erf = np.vectorize(math.erf)
    expected = (1 + erf(places / 2**0.5) / math.erf(limit / 2**0.5)) / 2
    assert np.abs(shares - expected).max() < 2 / len(drawn) ** 0.5  # Kolmogorov's test: fails once in 1,500
    assert inputs["labels"].tolist() == [i % 3 for i in range(4000)]
    assert np.abs(inputs["codes"]).max() > 0.9  # uniform noise stays


def test_under_truncation_running_statistics_are_those_of_such_noise():
    tested = sampler(Z)
    before = {name: value.numpy() for name, value in tested.network.state_dict().items()}
    truncated = tested.truncated(0.5)
    inside = arrays_of(truncated.draw(100_000))["z"]
    norm = truncated.network.norm
    assert norm._mean.item() == pytest.approx(0, abs=0.05)
    assert norm._variance.item() == pytest.approx(inside.sum(1).var(), rel=0.1)  # one element has 0.08 instead of 1
    pictures = truncated.in_batches({"z": inside[:1000]})
    assert pictures.std() == pytest.approx(1, rel=0.1)
    assert not truncated.network.training
    assert tested.network.training
    for name, value in tested.network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_truncation_gives_the_same_statistics_whatever_was_drawn_before():
    tested, seen = sampler(Z), []
    for seed in (1, 2):
        seed_paddle(seed)
        seen.append(tested.truncated(0.5).network.norm._variance.item())
    assert seen[0] == seen[1]


def test_strips_end_within_the_limit():
    tested = sampler(Z).truncated(0.1)
    strips = tested.strips(arrays_of(tested.draw(50)), 3)["z"].reshape(50, 3, 5)
    assert np.abs(strips[:, [0, 2]]).max() <= 0.1 + 1e-6


def test_an_input_with_a_value_has_it_and_nothing_is_drawn_for_it():
    seed_paddle(1)
    inputs = sampler(Z, TRUNCATION).draw(3)
    assert (inputs["truncation"].tolist(), inputs["truncation"].dtype) == ([1.0] * 3, paddle.float32)
    seed_paddle(1)
    np.testing.assert_array_equal(sampler(Z).draw(3)["z"].numpy(), inputs["z"].numpy())


def test_a_network_that_truncates_by_itself_gets_the_limit_and_any_noise():
    tested = sampler(Z, TRUNCATION)
    truncated = tested.truncated(0.0)
    assert truncated.network is tested.network
    inputs = arrays_of(truncated.draw(1000))
    assert set(inputs["truncation"]) == {0.0}
    assert np.abs(inputs["z"]).max() > 2
    assert set(arrays_of(tested.draw(2))["truncation"]) == {1.0}


def test_without_batch_norms_no_statistics_are_computed_again():
    without = Sampler(nn.Linear(5, 1), Interface("a test", (Z,), (IMAGES,)))
    assert without.truncated(0.5).network is without.network
    seen = [tested.recomputes_statistics for tested in (without, sampler(Z), sampler(Z, TRUNCATION))]
    assert seen == [False, True, False]


class Echo(nn.Layer):
    """Returns its first input as pictures, and keeps all others."""

    def forward(self, z, *others):
        self.others = [x.numpy() for x in others]
        return z.reshape([len(z), 1, 1, -1])


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_walk_goes_through_random_vectors_back_to_the_first(distribution):
    z = Port("z", (5,), "noise", range=(-1, 1) if distribution == "uniform" else None, distribution=distribution)
    tested = Sampler(Echo(), Interface("a test", (z, LABELS), (IMAGES,)))
    start = arrays_of(tested.draw(2))
    seed_paddle(1)
    moments = np.stack([images[:, 0, 0] for images in tested.walk(start, 3, 4)])  # [12, 2, 5]
    seed_paddle(1)
    second, third = (tested.draw(2)["z"].numpy() for _ in range(2))
    np.testing.assert_allclose(moments[[0, 4, 8]], [start["z"], second, third], rtol=1e-5, atol=1e-6)
    path = slerp if distribution == "normal" else straight
    last = path(third, start["z"], 5).reshape(2, 5, 5).swapaxes(0, 1)[:-1]
    np.testing.assert_allclose(moments[8:], last, rtol=1e-5, atol=1e-6)
    assert tested.network.others[0].tolist() == [0, 1]


def test_only_normal_noise_can_be_truncated():
    assert sampler(LABELS, Z).has_normal_noise
    assert not sampler(LABELS, CODES).has_normal_noise


def test_large_pictures_are_made_a_few_at_once():
    large = picture_port(spec_of((3, 128, 128), 3)["image"])
    seen = []

    class Large(nn.Layer):
        def forward(self, z):
            seen.append(len(z))
            return paddle.zeros([len(z), 3, 128, 128])

    tested = Sampler(Large(), Interface("a test", (Z,), (large,)))
    assert tested.in_batches(arrays_of(tested.draw(35))).shape == (35, 3, 128, 128)
    assert seen == [16, 16, 3]
