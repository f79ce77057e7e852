import pytest

from ppgan_lite.data import options
from ppgan_lite.data.base import Dataset
from ppgan_lite.data.spec import from_record, to_record
from ppgan_lite.errors import ConfigError

WITHOUT_FILES = {
    "rendered_digits": {"num_images": 12},
    "fake": {"num_images": 3, "size": 8},
    "gaussians": {"num_images": 5, "dims": 2},
    "coloured_digits": {"num_images": 4},
    "derived": {"images": "rendered_digits", "num_images": 12},
}


@pytest.mark.parametrize("name", options.DATASETS)
def test_every_name_is_built_by_a_function(name):
    assert callable(options.DATASETS[name](name=name, batch_size=8, **WITHOUT_FILES.get(name, {})).builder())


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_the_options_know_the_fields_before_the_data_is_built(name):
    chosen = options.DATASETS[name](name=name, batch_size=8, **WITHOUT_FILES[name])
    dataset = chosen.builder()(chosen, "train")
    assert isinstance(dataset, Dataset)
    assert {key: (field.kind, field.shape) for key, field in dataset.spec.items()} == {
        key: (field.kind, field.shape) for key, field in chosen.spec().items()
    }
    batch = dataset.batch([0, 1])
    assert batch.keys() == dataset.spec.keys()
    for key, values in batch.items():
        field = dataset.spec[key]
        assert values.shape == (2, *(field.shape if field.kind != "attributes" else [len(field.names)]))


def test_fields_are_recorded_and_read_back():
    chosen = options.DATASETS["gaussians"](name="gaussians", batch_size=8, modes=2, num_images=3)
    spec = chosen.builder()(chosen, "train").spec
    assert from_record(to_record(spec)) == spec
    assert spec["label"].names == ("0", "1")


@pytest.mark.parametrize("name", ["pairs", "unpaired"])
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"size": 64, "load_size": 63}, "data.load_size: 63 is less than data.size: 64"),
        ({"root": "x", "root_a": "y"}, "data.root and data.root_a: give either root, or root_a and root_b"),
        ({"root": "x", "root_b": "y"}, "data.root and data.root_b: give either"),
        ({"root": "x", "root_a": "y", "root_b": "z"}, "data.root and data.root_a: give either"),
        ({"root_a": "y"}, "data.root_b: missing; data.root_a is"),
        ({"root_b": "y"}, "data.root_a: missing; data.root_b is"),
    ],
)
def test_two_domains_are_in_one_root_or_in_two(name, keys, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        options.DATASETS[name](name=name, batch_size=1, **keys).check()
    for fine in ({"root": "x"}, {"root_a": "x", "root_b": "y"}, {}):
        options.DATASETS[name](name=name, batch_size=1, **fine).check()


def test_only_training_has_a_margin():
    chosen = options.Unpaired(name="unpaired", batch_size=1, size=64, load_size=72)
    assert (chosen.margin("train"), chosen.margin("test")) == (8, 0)
    assert options.Unpaired(name="unpaired", batch_size=1).margin("train") == 0


def test_data_that_was_moved():
    one = options.Pairs(name="pairs", batch_size=1, root="x")
    assert one.moved("new") == options.Pairs(name="pairs", batch_size=1, root="new")
    two = options.Unpaired(name="unpaired", batch_size=1, root_a="old/horses", root_b="zebras.zip/")
    moved = two.moved("new")
    assert (moved.root, moved.root_a, moved.root_b) == (None, "new/horses", "new/zebras.zip")
    assert options.MNIST(name="mnist", batch_size=1).moved("new").root == "new"
