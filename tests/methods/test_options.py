import pytest

from ppgan_lite.methods import options
from ppgan_lite.methods.base import Method


@pytest.mark.parametrize("name", options.METHODS)
def test_every_name_builds_a_method_with_consistent_options(name):
    method = options.METHODS[name](name=name)
    assert issubclass(method.builder(), Method)
    assert method.trains
    assert set(method.NEEDS) <= set(method.NETWORKS)
    assert set(method.AVERAGES) <= {network for trained in method.trains.values() for network in trained}


def test_every_file_of_methods_is_registered():
    from conftest import ROOT

    shared = {"__init__", "base", "interface", "modes", "optimizers", "options", "points", "samplers", "updates"}
    shared |= {"augment", "image_pool", "translations"}
    files = {path.stem for path in (ROOT / "ppgan_lite" / "methods").glob("*.py")} - shared
    assert files == {cls.BUILT_BY.split(".")[-2] for cls in options.METHODS.values()}


def test_steps_with_equal_numbers_of_batches():
    gan, classifier = options.GAN(name="gan", d_updates=3), options.Classifier(name="classifier")
    assert [gan.batches_in(steps) for steps in (0, 1, 7)] == [0, 3, 21]
    assert {gan.num_batches(step) for step in range(1, 30)} == {3}
    assert [gan.steps_in(batches) for batches in (0, 2, 3, 5, 6, 10_000)] == [0, 0, 1, 1, 2, 3333]
    assert (classifier.batches_in(7), classifier.num_batches(7), classifier.steps_in(7)) == (7, 1, 7)


def test_the_warm_up_takes_its_batches_and_no_others():
    """100 in each of the steps 1 to 25, 501, 1001 and so on, d_updates in the others; counted one by one."""
    wgan = options.WGAN(name="wgan", d_updates=4)
    long = {*range(1, 26), *range(501, 3000, 500)}
    total = 0
    for step in range(1, 3000):
        assert wgan.num_batches(step) == (100 if step in long else 4), step
        total += wgan.num_batches(step)
        assert wgan.batches_in(step) == total, step
    cold = options.WGAN(name="wgan", d_updates=4, warm_up=False)
    assert [cold.batches_in(steps) for steps in (0, 1, 25, 501)] == [0, 4, 100, 2004]


@pytest.mark.parametrize("warm_up", [False, True])
def test_steps_last_for_the_batches_that_they_take(warm_up):
    wgan = options.WGAN(name="wgan", d_updates=7, warm_up=warm_up)
    for steps in (0, 1, 2, 24, 25, 26, 499, 500, 501, 502, 1000, 1001, 1499):
        batches = wgan.batches_in(steps)
        assert wgan.steps_in(batches) == steps
        assert wgan.steps_in(batches + wgan.num_batches(steps + 1) - 1) == steps
        assert not batches or wgan.steps_in(batches - 1) == steps - 1
