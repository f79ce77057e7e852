import dataclasses
import gzip
import hashlib

import numpy as np
import pytest
from idx_files import pack, small

from ppgan_lite.data import download, mnist, options
from ppgan_lite.errors import DataError


@pytest.fixture
def fake_mnist(tmp_path, monkeypatch):
    """The folder of two small files that replace MNIST's; their checksums replace the published ones."""
    folder = tmp_path / "root" / "mnist"
    monkeypatch.setitem(mnist.PUBLISHED, "mnist", small(mnist.PUBLISHED["mnist"], folder, monkeypatch))
    return folder


def build(**keys):
    return mnist.build(options.MNIST(name="mnist", batch_size=8, **keys))


def test_data_root_comes_first_then_the_variable_then_the_cache(fake_mnist, tmp_path, monkeypatch):
    root = fake_mnist.parent
    assert build(root=str(root)).source.origin == str(fake_mnist)
    monkeypatch.setenv("PPGAN_DATA", str(root))
    assert build().source.origin == str(fake_mnist)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert build(root=str(empty)).source.origin == str(fake_mnist)
    monkeypatch.delenv("PPGAN_DATA")
    monkeypatch.setattr(download, "CACHE", root)
    assert build().source.origin == str(fake_mnist)


def test_images_and_labels_are_read(fake_mnist):
    dataset = build(root=str(fake_mnist.parent))
    assert dataset.spec["image"].shape == (1, 28, 28)
    assert dataset.images.flags["C_CONTIGUOUS"]
    assert dataset.source.name == "mnist"
    assert dataset.source.sha256 == hashlib.sha256(dataset.images.tobytes()).hexdigest()
    np.testing.assert_array_equal(dataset.labels, [7, 0, 9])
    np.testing.assert_array_equal(dataset.images.ravel(), np.arange(3 * 784) % 251)


def test_a_damaged_file_is_never_trained_on(fake_mnist):
    path = fake_mnist / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(pack(np.zeros((3, 28, 28)))))
    with pytest.raises(DataError, match="wrong checksum"):
        build(root=str(fake_mnist.parent), offline="rendered_digits")


def test_a_missing_root_is_an_error():
    with pytest.raises(DataError, match=r"data.root: /none: no such folder; set it to the parent of mnist/"):
        build(root="/none")


@pytest.mark.parametrize("ending", ["-idx{}-ubyte", ".idx{}-ubyte"])
def test_unpacked_files_are_the_same_data(fake_mnist, ending, tmp_path):
    expected = build(root=str(fake_mnist.parent))
    torchvision = tmp_path / "torchvision" / "MNIST" / "raw"
    torchvision.mkdir(parents=True)
    for kind, dims in (("images", 3), ("labels", 1)):
        content = gzip.decompress((fake_mnist / f"train-{kind}-idx{dims}-ubyte.gz").read_bytes())
        (torchvision / f"train-{kind}{ending.format(dims)}").write_bytes(content)
    for root in (tmp_path / "torchvision", torchvision.parent, torchvision):
        dataset = build(root=str(root))
        assert (dataset.source.sha256, dataset.source.origin) == (expected.source.sha256, str(torchvision))
        np.testing.assert_array_equal(dataset.labels, expected.labels)


def test_the_files_of_another_data_set_are_refused(fake_mnist):
    path = fake_mnist / "train-images-idx3-ubyte.gz"
    path.with_suffix("").write_bytes(pack(np.zeros((3, 28, 28))))
    path.unlink()
    with pytest.raises(DataError, match="wrong checksum: damaged, or a file of another data set"):
        build(root=str(fake_mnist), offline="rendered_digits")


def test_the_banner_names_what_was_found(fake_mnist, capsys):
    (fake_mnist / "train-labels-idx1-ubyte.gz").unlink()
    build(root=str(fake_mnist), offline="rendered_digits")
    words = " ".join(capsys.readouterr().err.replace("*", " ").split())
    assert f"found train-images-idx3-ubyte.gz in {fake_mnist}, but not train-labels-idx1-ubyte.gz" in words


@pytest.fixture
def no_mirror(fake_mnist):
    for path in fake_mnist.iterdir():
        path.unlink()


def test_without_a_mirror_rendered_digits_stand_in_loudly(no_mirror, capsys):
    dataset = build(offline="rendered_digits")
    assert (dataset.source.name, dataset.source.stands_in_for) == ("rendered_digits", "mnist")
    assert len(dataset) == 60000
    banner = capsys.readouterr().err
    assert "NOT MNIST: RENDERED DIGITS" in banner
    assert banner.count("*" * 100) == 2


def test_without_a_mirror_and_stand_in_is_an_error(no_mirror):
    with pytest.raises(
        DataError, match="not available from any mirror .*9/a/: .*Connection refused; .*9/b/: .*Connection refused"
    ):
        build(offline=None)


def test_real_files(real_data):
    for name in ("mnist", "fashion_mnist"):
        dataset = mnist.build(options.MNIST(name=name, batch_size=8, root=str(real_data)))
        assert dataset.images.shape == (60000, 1, 28, 28)
        assert len(np.unique(dataset.labels)) == 10
        assert dataset.source.origin == str(real_data / mnist.PUBLISHED[name].folder)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_real_unpacked_files(name, real_data, tmp_path):
    """The test images and labels, in the folder itself."""
    published = mnist.PUBLISHED[name]
    for file in published.checksums["test"]:
        content = gzip.decompress((real_data / published.folder / file).read_bytes())
        (tmp_path / file.removesuffix(".gz")).write_bytes(content)
    unpacked, packed = (
        mnist.build(options.MNIST(name=name, batch_size=8, root=str(root)), "test") for root in (tmp_path, real_data)
    )
    assert unpacked.source.sha256 == packed.source.sha256
    assert unpacked.source.origin == str(tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_test_images_are_the_published_ones(name, real_data):
    dataset = mnist.build(options.MNIST(name=name, batch_size=8, root=str(real_data)), "test")
    assert dataset.images.shape == (10_000, 1, 28, 28)
    assert np.bincount(dataset.labels).sum() == 10_000
    assert len(dataset.spec["label"].names) == len(np.bincount(dataset.labels)) == 10


def test_digits_also_stand_in_for_the_test_images(monkeypatch, tmp_path):
    monkeypatch.delenv("PPGAN_DATA", raising=False)
    monkeypatch.setattr(download, "CACHE", tmp_path)
    monkeypatch.setitem(mnist.PUBLISHED, "mnist", dataclasses.replace(mnist.PUBLISHED["mnist"], mirrors=()))
    dataset = mnist.build(options.MNIST(name="mnist", batch_size=8, offline="rendered_digits"), "test")
    assert (dataset.source.stands_in_for, len(dataset)) == ("mnist", 10_000)
