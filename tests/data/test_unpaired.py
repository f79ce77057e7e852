import itertools
import zipfile

import numpy as np
import pytest
from picture_folder import SIZE, make_bad, numbers, write_pictures

from ppgan_lite.data import unpaired
from ppgan_lite.data.loader import batches
from ppgan_lite.data.options import Unpaired
from ppgan_lite.errors import DataError

FOLDERS = {"trainA": 5, "trainB": 3, "testA": 2, "testB": 4}


def options(root=None, **keys):
    keys = {"size": SIZE, "cache": "none", "workers": 0, "test_share": 0.0, "batch_size": 4} | keys
    keys = {key: str(value) if key.startswith("root") else value for key, value in keys.items()}
    return Unpaired(name="unpaired", root=root and str(root), **keys)


def write(root, folders):
    for folder, num in folders.items():
        write_pictures(root / folder, num)
    return root


def lengths(dataset):
    return {field: len(domain) for field, domain in dataset.domains.items()}


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    monkeypatch.setenv("PPGAN_CACHE", str(tmp_path / "caches"))


@pytest.mark.parametrize(
    "names",
    [
        ("trainA", "trainB", "testA", "testB"),
        ("TrainA", "trainb", "TESTA", "testb"),
        ("train_A", "train_B", "test_A", "test_B"),
        ("train/A", "train/B", "test/A", "test/B"),
        ("flowers/train/a", "flowers/train/b", "flowers/val/a", "flowers/val/b"),
        ("x/trainA", "x/trainB", "x/validationA", "x/validationB"),
    ],
)
def test_four_folders(tmp_path, names):
    root = write(tmp_path / "root", dict(zip(names, FOLDERS.values(), strict=True)))
    chosen = options(root)
    train, test = unpaired.build(chosen), unpaired.build(chosen, "test")
    assert (lengths(train), len(train), lengths(test), len(test)) == ({"a": 5, "b": 3}, 5, {"a": 2, "b": 4}, 4)
    assert train.spec == chosen.spec()
    assert train.source.title == "unpaired root"
    assert numbers(train.batch(np.arange(5))["a"]) == [0, 1, 2, 3, 4]
    assert numbers(train.batch(np.arange(5))["b"]) == [0, 1, 2, 0, 1]
    assert train.pixels("b", [4]).shape == (1, 3, SIZE, SIZE)


def test_a_zip_file_equals_its_folder(tmp_path):
    root = write(tmp_path / "root", FOLDERS)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as file:
        for path in root.rglob("*.png"):
            file.write(path, path.relative_to(tmp_path))
    for split in ("train", "test"):
        a, b = (unpaired.build(options(place), split) for place in (root, tmp_path / "packed.zip"))
        for field in "ab":
            np.testing.assert_array_equal(a.pixels(field, np.arange(5)), b.pixels(field, np.arange(5)))


def test_without_test_folders_a_share_of_each_domain_is_held_out(tmp_path):
    root = write(tmp_path / "root", {"trainA": 30, "trainB": 40})
    train, test = (lengths(unpaired.build(options(root, test_share=0.3), split)) for split in ("train", "test"))
    assert {field: train[field] + test[field] for field in "ab"} == {"a": 30, "b": 40}
    assert min(test.values()) > 3
    assert lengths(unpaired.build(options(root))) == {"a": 30, "b": 40}
    with pytest.raises(DataError, match=r"none of its 30 pictures is in the test split"):
        unpaired.build(options(root), "test")


def test_two_roots_have_splits_of_their_own(tmp_path):
    a = write(tmp_path / "horses", {"train": 5, "test": 2})
    b = write(tmp_path / "zebras", {".": 40})
    chosen = options(root_a=a, root_b=b, test_share=0.3)
    train, test = unpaired.build(chosen), unpaired.build(chosen, "test")
    assert (lengths(train)["a"], lengths(test)["a"]) == (5, 2)
    assert lengths(train)["b"] + lengths(test)["b"] == 40
    assert (train.source.title, len(train)) == ("unpaired horses and zebras", lengths(train)["b"])
    with pytest.raises(DataError, match=r"^data.root_b: .*: no such folder"):
        unpaired.build(options(root_a=a, root_b=tmp_path / "none"))


@pytest.mark.parametrize("cache", ["none", "disk"])
def test_domains_are_mirrored_and_cut_on_their_own(tmp_path, cache):
    root = write(tmp_path / "root", {"trainA": 12, "trainB": 12})
    dataset = unpaired.build(options(root, load_size=2 * SIZE, flip=True, cache=cache))
    assert [(domain.margin, domain.flip) for domain in dataset.domains.values()] == [(SIZE, True)] * 2
    whole = list(itertools.islice(batches(dataset, 5, seed=0), 12))
    looks = {field: np.concatenate([batch[field].numpy() for batch in whole]) for field in "ab"}
    assert looks["a"].shape == looks["b"].shape == (60, 3, SIZE, SIZE)
    # a white edge at the left of the window or (mirrored) at its right, or none: in both domains, but not together
    edges = {field: np.stack([images[:, 0, 0, side] > 0.9 for side in (0, -1)], 1) for field, images in looks.items()}
    for field in "ab":
        assert edges[field].any(0).all()
        assert not edges[field].all()
    assert (edges["a"] != edges["b"]).any(1).sum() > 5
    for start in (1, 3, 7):
        later = itertools.islice(batches(dataset, 5, 0, start), 12 - start)
        for batch, expected in zip(later, whole[start:], strict=True):
            for field in "ab":
                np.testing.assert_array_equal(batch[field].numpy(), expected[field].numpy())


def test_bad_files_are_left_out_of_their_domain(tmp_path, capfd):
    root = write(tmp_path / "root", FOLDERS)
    make_bad(root / "trainA", 2)
    with pytest.raises(DataError, match=r"1 of 5 files cannot be decoded \(trainA/002.png"):
        unpaired.build(options(root, cache="memory"))
    dataset = unpaired.build(options(root, cache="memory", on_bad_image="skip"))
    assert lengths(dataset) == {"a": 4, "b": 3}
    assert "trainA/002.png" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("folders", "missing", "found"),
    [
        ({"trainA": 2, "testA": 2, "testB": 2}, "trainB", "the folders testA, testB, trainA"),
        ({"trainA": 2, "trainB": 2, "testA": 2}, "testB", "the folders testA, trainA, trainB"),
        ({"trainA": 2, "trainB": 2, "valB": 2}, "valA", "the folders trainA, trainB, valB"),
        ({"testA": 2, "testB": 2}, "trainA", "the folders testA, testB"),
        ({"horses": 2, "zebras": 2}, "trainA", "the folders horses, zebras"),
        ({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}, "trainA", "the folders a, b, c, d, ..."),
        ({".": 2}, "trainA", "no folders"),
    ],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_missing_folders_are_named(tmp_path, folders, missing, found, split):
    root = write(tmp_path / "root", folders)
    with pytest.raises(DataError) as caught:
        unpaired.build(options(root), split)
    assert f"data.root: {root}: no pictures in a folder {missing}, found {found}; needed are" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_pictures_are_reported_once(tmp_path, capfd):
    root = write(tmp_path / "root", FOLDERS | {"valA": 1, "more": 2})
    unpaired.build(options(root), "test")
    assert capfd.readouterr().err == ""
    unpaired.build(options(root))
    assert (
        "3 pictures outside the folders of the two domains are not used (more/000.png, ...)" in capfd.readouterr().err
    )


def test_daisy_to_sunflower():
    chosen = options("unpaired-daisy2sunflower", cache="memory", size=64, load_size=72, flip=True)
    try:
        train, test = unpaired.build(chosen), unpaired.build(chosen, "test")
    except DataError as error:
        if "no such folder" not in str(error):
            raise
        pytest.skip("needs unpaired-daisy2sunflower/ below PPGAN_DATA")
    assert (lengths(train), lengths(test)) == ({"a": 200, "b": 200}, {"a": 50, "b": 50})
    batch = next(batches(train, 4, seed=0))
    assert batch["a"].shape == batch["b"].shape == [4, 3, 64, 64]
    colours = {field: test.pixels(field, np.arange(50)).mean((0, 2, 3)) for field in "ab"}
    yellow = {field: (red + green) / 2 - blue for field, (red, green, blue) in colours.items()}
    assert yellow["b"] > yellow["a"]  # sunflowers
