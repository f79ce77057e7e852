import pytest

from ppgan_lite.data import options
from ppgan_lite.data.base import Dataset
from ppgan_lite.data.spec import from_record, to_record

WITHOUT_FILES = {
    "rendered_digits": {"num_images": 12},
    "fake": {"num_images": 3, "size": 8},
    "gaussians": {"num_images": 5, "dims": 2},
}


@pytest.mark.parametrize("name", options.DATASETS)
def test_every_name_is_built_by_a_function(name):
    assert callable(options.DATASETS[name](name=name, batch_size=8).builder())


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
    assert all(values.shape == (2, *dataset.spec[key].shape) for key, values in batch.items())


def test_fields_are_recorded_and_read_back():
    chosen = options.DATASETS["gaussians"](name="gaussians", batch_size=8, modes=2, num_images=3)
    spec = chosen.builder()(chosen, "train").spec
    assert from_record(to_record(spec)) == spec
    assert spec["label"].names == ("0", "1")
