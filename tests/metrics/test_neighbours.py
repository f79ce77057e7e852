import functools
import tracemalloc
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics import neighbours
from ppgan_lite.metrics.neighbours import GROUPS, Overlap, memorisation, nearest, prdc


def all_distances(x, y):
    return np.linalg.norm(x[:, None].astype("float64") - y, axis=2)


def by_definition(real, fake, k):
    real_radii, fake_radii = (np.sort(all_distances(s, s))[:, k] for s in (real, fake))  # column 0 is the sample itself
    distances = all_distances(real, fake)
    inside = distances <= real_radii[:, None]
    return Overlap(
        precision=inside.any(0).mean(),
        recall=(distances <= fake_radii).any(1).mean(),
        density=inside.sum() / (k * len(fake)),
        coverage=inside.any(1).mean(),
    )


@pytest.mark.parametrize("k", [1, 5, 200])
@pytest.mark.parametrize(("num_real", "num_fake"), [(300, 700), (1029, 201)])
def test_overlap_is_that_of_the_definition(num_real, num_fake, k, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK_DISTANCES", 10_000)  # several blocks, and a short last one
    rng = np.random.default_rng(0)
    real = rng.standard_normal((num_real, 6)).astype("float32")
    fake = rng.standard_normal((num_fake, 6)).astype("float32") * 0.8 + 0.5
    result = prdc(real, fake, k)
    # A pair that is within 1e-6 of a surface may fall on either side, a sample of the other metrics may not.
    assert astuple(result) == pytest.approx(astuple(by_definition(real, fake, k)), abs=1e-5)
    assert len({result.precision, result.recall, result.density, result.coverage}) == 4 or k == 200


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 6), side=st.integers(1, 30), num=st.integers(7, 300))
def test_ties_and_copies_are_inside(seed, k, side, num):
    """Points of a lattice have many equal distances, or are all the same; far from 0, where rounding errors are."""
    real, fake = np.random.default_rng(seed).integers(0, side, (2, num, 3)) + 1000
    assert astuple(prdc(real, fake, k)) == pytest.approx(astuple(by_definition(real, fake, k)), rel=1e-12)


def test_published_values():
    """For two samples of 10,000 from N(0, I) in 1,000 dimensions (README of clovaai/generative-evaluation-prdc).

    Over seeds, these values have standard deviations of about 0.011, 0.006, 0.04 and 0.004.
    """
    rng = np.random.default_rng(0)
    result = prdc(*(rng.standard_normal((10_000, 1000), dtype="float32") for _ in range(2)))
    assert result.precision == pytest.approx(0.4772, abs=0.03)
    assert result.recall == pytest.approx(0.4705, abs=0.03)
    assert result.density == pytest.approx(1.0555, abs=0.1)
    assert result.coverage == pytest.approx(0.9735, abs=0.012)


def clustered(rng, num):
    """Half of the samples around 0, and half of them within 1e-4 of a point far away."""
    x = rng.standard_normal((num, 4))
    x[::2] = x[::2] * 1e-4 + 50
    return x


def test_a_tight_cluster_is_resolved():
    rng = np.random.default_rng(1)
    real, fake = clustered(rng, 300), clustered(rng, 301)
    assert astuple(prdc(real, fake)) == pytest.approx(astuple(by_definition(real, fake, 5)), rel=1e-12)


def test_a_tight_cluster_in_one_of_the_sets_is_resolved():
    """Five samples of the other set are in its middle, and outside of its balls; their own balls are wide."""
    rng = np.random.default_rng(10)
    tight, wide = rng.standard_normal((2, 300, 20))
    tight[:150] = 3 + 1e-6 * tight[:150]
    wide[:5] = 3 + 1e-4 * wide[:5]
    for real, fake in ((tight, wide), (wide, tight)):
        assert astuple(prdc(real, fake)) == pytest.approx(astuple(by_definition(real, fake, 5)), rel=1e-12)


def test_a_collapsed_generator():
    rng = np.random.default_rng(2)
    real = rng.standard_normal((400, 8)).astype("float32")
    assert prdc(real, np.repeat(real[:1] + 20, 300, axis=0)) == Overlap(0, 0, 0, 0)
    result = prdc(real, np.repeat(real[:1], 300, axis=0))
    assert (result.precision, result.recall) == (1, 1 / 400)  # balls of radius 0 hold their copy among the real ones
    assert result == by_definition(real, np.repeat(real[:1], 300, axis=0), 5)


def test_images_are_compared_as_vectors():
    images = np.random.default_rng(3).integers(0, 256, (2, 50, 3, 4, 4), dtype="uint8")
    flat = images.reshape(2, 50, -1)
    assert prdc(*images) == prdc(*flat) == by_definition(*flat.astype(float), 5)
    np.testing.assert_array_equal(nearest(*images)[0], nearest(*flat)[0])


@pytest.mark.parametrize("make", [clustered, lambda rng, num: rng.integers(0, 256, (num, 9), dtype="uint8")])
def test_nearest_is_that_of_all_distances(make, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK_DISTANCES", 5_000)
    monkeypatch.setattr(neighbours, "REFERENCES", 70)
    rng = np.random.default_rng(4)
    x, reference = make(rng, 200), make(rng, 320)
    reference[250] = x[20]
    distances, indices = nearest(x, reference)
    expected = all_distances(x, reference)
    np.testing.assert_allclose(distances, expected.min(1), rtol=1e-9)
    np.testing.assert_array_equal(expected[np.arange(200), indices], expected.min(1))
    assert (distances[20], indices[20]) == (0, 250)


@pytest.mark.parametrize("function", [prdc, functools.partial(prdc, k=GROUPS), nearest])
def test_memory_stays_in_blocks(function):
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 5000, 32), dtype="float32")  # a matrix of all distances has 100 MB in float32
    tracemalloc.start()
    function(x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6


def digits(rng, num):
    return rng.standard_normal((num, 10)).astype("float32")


def test_new_samples_are_no_copies():
    rng = np.random.default_rng(6)
    train, test, fake = digits(rng, 6000), digits(rng, 2000), digits(rng, 2000)
    result = memorisation(fake, train, test)
    assert result.nearer_train == pytest.approx(0.5, abs=0.04)  # 6000 training samples would give 0.75
    assert memorisation(fake, test, train).nearer_train == pytest.approx(0.5, abs=0.04)
    assert result.exact_copies == 0
    assert result.near_distance == pytest.approx(np.median(nearest(test, train)[0]) / 4)
    assert result.near_copies_test == (nearest(test, train)[0] <= result.near_distance).sum()
    assert result.near_copies < 10
    assert result == memorisation(fake, train, test, seed=0) != memorisation(fake, train, test, seed=1)


def test_copies_are_found():
    rng = np.random.default_rng(7)
    train, test = digits(rng, 1000), digits(rng, 1000)
    test[:7] = train[500:507] + 0.01
    fake = np.concatenate([train[:30], train[30:80] + 1e-4, train[80:400] + 0.05 * digits(rng, 320), digits(rng, 100)])
    result = memorisation(fake, train, test)
    assert result.exact_copies == 30
    assert result.near_copies >= 400
    assert result.near_copies < 500
    assert result.near_copies_test == 7
    assert result.nearer_train == pytest.approx(0.9, abs=0.03)  # 400 of 500, and half of the rest


def test_copies_are_looked_for_in_all_of_a_larger_training_set():
    rng = np.random.default_rng(8)
    train, test = digits(rng, 1000), digits(rng, 50)
    result = memorisation(train, train, test)
    assert (result.exact_copies, result.near_copies) == (1000, 1000)


def test_equal_distances_count_half():
    same = digits(np.random.default_rng(9), 40)
    assert memorisation(same + 1, same, same).nearer_train == 0.5


def test_errors_name_the_thing():
    x = np.zeros([6, 2])
    with pytest.raises(EvaluationError, match="precision and recall: 5 samples; it needs at least 6"):
        prdc(x, x[:5])
    with pytest.raises(EvaluationError, match="precision and recall: 6 of 6 samples hold NaN"):
        prdc(x * np.nan, x)
    with pytest.raises(EvaluationError, match="nearest neighbours: 0 samples; it needs at least 1"):
        memorisation(x, x, x[:0])
    with pytest.raises(EvaluationError, match="nearest neighbours: 6 of 6 samples hold NaN"):
        nearest(x, x * np.nan)
