import numpy as np
import pytest
from idx_files import IMAGES, LABELS, small

from ppgan_lite.data import kmnist, options
from ppgan_lite.errors import DataError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data root with small files in place of the published ones."""
    monkeypatch.setattr(kmnist, "KMNIST", small(kmnist.KMNIST, tmp_path / "root" / "kmnist", monkeypatch))
    return tmp_path / "root"


def build(root, **keys):
    return kmnist.build(options.KMNIST(name="kmnist", batch_size=8, root=str(root), **keys))


def test_its_files_are_read(root):
    dataset = build(root)
    assert dataset.source.name == "kmnist"
    np.testing.assert_array_equal(dataset.pixels("image", np.arange(3))[:, 0], IMAGES)
    assert dataset.labels.tolist() == LABELS
    assert [dataset.spec["label"].names[label] for label in LABELS] == ["ya", "o", "wo"]


def test_its_options_know_its_fields():
    spec = options.KMNIST(name="kmnist", batch_size=8).spec()
    assert (spec["image"].kind, spec["image"].shape) == ("image", (1, 28, 28))


def test_digits_stand_in_if_offline_names_them(root, capsys):
    for path in (root / "kmnist").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="not available from any mirror"):
        build(root)
    assert build(root, offline="rendered_digits").source.stands_in_for == "kmnist"
    assert "NOT KMNIST: RENDERED DIGITS instead." in capsys.readouterr().err


def test_both_splits_have_images_and_labels():
    for files in kmnist.KMNIST.checksums.values():
        assert ["images" in name for name in files] == [True, False]
        assert all(len(digest) == 64 for digest in files.values())
