import itertools
import multiprocessing
import os
import zipfile

import numpy as np
import pytest
from picture_folder import make_bad, numbers, options, pixels, source, write_pictures
from PIL import Image

from ppgan_lite.data import cache as cache_module
from ppgan_lite.data import listing, picture_set
from ppgan_lite.data.image_array import Source
from ppgan_lite.data.loader import batches
from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.errors import DataError

NUM = 13
MODES = [("none", 0), ("none", 2), ("memory", 0), ("memory", 2), ("disk", 0), ("disk", 2)]


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "pictures", NUM)


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """$PPGAN_CACHE, with chunks of four pictures."""
    monkeypatch.setenv("PPGAN_CACHE", str(tmp_path / "caches"))
    monkeypatch.setattr(cache_module, "CHUNK_PICTURES", 4)
    monkeypatch.setattr(picture_set, "PART", 3)
    return tmp_path / "caches"


def built(folder, **keys):
    return picture_set.build(source(folder), options(folder, **keys), "folder")


@pytest.mark.parametrize(("cache", "workers"), MODES)
def test_the_right_pictures_in_every_mode(folder, caches, cache, workers):
    dataset = built(folder, cache=cache, workers=workers)
    order = [4, 0, 12, 4]
    batch = dataset.batch(np.array(order))
    assert (batch["image"].dtype, batch["image"].shape, batch["label"].dtype) == ("float32", (4, 3, 8, 8), "int64")
    expected = np.stack([pixels(number) for number in order]).astype("float32") / 127.5 - 1
    np.testing.assert_allclose(batch["image"], expected, atol=1e-6)
    np.testing.assert_array_equal(dataset[12]["image"], batch["image"][2])
    assert (len(dataset), dataset.spec["image"].shape, dataset.spec["label"].names, dataset.factors) == (
        NUM,
        (3, 8, 8),
        ("pictures",),
        {},
    )
    assert multiprocessing.active_children() == []


def test_the_source_is_the_same_in_every_mode(folder, caches):
    sources = {built(folder, cache=cache, workers=workers).source for cache, workers in MODES}
    (source,) = sources
    assert source == Source("folder", str(folder), source.sha256, NUM)
    others = [built(folder, **keys).source.sha256 for keys in ({"size": 9}, {"channels": 1})]
    (folder / "000.png").unlink()
    assert len({source.sha256, *others, built(folder).source.sha256}) == 4


def test_shape_and_greyscale(folder, caches):
    for cache in ("none", "memory", "disk"):
        dataset = built(folder, cache=cache, channels=1, size=16)
        assert dataset[3]["image"].shape == dataset.spec["image"].shape == (1, 16, 16)


@pytest.mark.parametrize(("cache", "workers"), MODES)
def test_a_margin_is_in_the_stream_only(folder, caches, cache, workers):
    chosen = options(folder, cache=cache, workers=workers, size=8)
    larger = picture_set.build(source(folder), options(folder, size=13), "folder")
    dataset = picture_set.build(source(folder), chosen, "folder", margin=5)
    assert (dataset.spec["image"].shape, dataset.margin, larger.margin) == ((3, 8, 8), 5, 0)
    (streamed,) = dataset.stream([np.array([3, 1])])
    whole = larger.batch(np.array([3, 1]))["image"]
    np.testing.assert_array_equal(streamed["image"], whole)
    np.testing.assert_array_equal(dataset.batch(np.array([3, 1]))["image"], whole[:, :, 2:10, 2:10])
    np.testing.assert_array_equal(dataset.pixels("image", [3]), larger.pixels("image", [3])[:, :, 2:10, 2:10])


# ---- bad files ----


@pytest.mark.parametrize(("cache", "workers"), MODES[2:])
def test_bad_files_are_named_and_left_out(folder, caches, capfd, cache, workers):
    make_bad(folder, 3, 5, 12)
    for _ in range(2):  # the second time from the cache on disk
        dataset = built(folder, cache=cache, workers=workers, on_bad_image="skip")
        good = [0, 1, 2, 4, 6, 7, 8, 9, 10, 11]
        assert numbers(dataset.batch(np.arange(len(dataset)))["image"]) == good
        assert dataset.source.num_images == len(dataset) == len(dataset.labels) == 10
        lines = capfd.readouterr().err.splitlines()
        assert [line.partition(".png: ")[0] for line in lines[:3]] == [
            f"warning: {name}" for name in ("003", "005", "012")
        ]
        assert lines[1] == "warning: 005.png: empty file"
        assert lines[3:] == [
            f"warning: {folder}: 3 of 13 files cannot be decoded ({lines[0].removeprefix('warning: ')}); left out"
        ]


@pytest.mark.parametrize(("cache", "workers"), MODES[2:])
def test_bad_files_are_an_error_and_skipping_them_needs_no_second_decoding(folder, caches, capfd, cache, workers):
    make_bad(folder, 5, 12)
    with pytest.raises(
        DataError,
        match=r"2 of 13 files cannot be decoded \(005.png: .*\); remove them, or skip them with -o data.on_bad",
    ):
        built(folder, cache=cache, workers=workers)
    assert "warning: 012.png: empty file" in (captured := capfd.readouterr()).err
    assert "decoding 13 pictures" in captured.out
    built(folder, cache=cache, workers=workers, on_bad_image="skip")
    assert ("decoding" in capfd.readouterr().out) == (cache == "memory")


def test_at_most_ten_bad_files_are_named(folder, caches, capfd):
    make_bad(folder, *range(12))
    assert numbers(built(folder, cache="disk", on_bad_image="skip").batch([0])["image"]) == [12]
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 11
    assert "12 of 13 files cannot be decoded" in lines[-1]


@pytest.mark.parametrize(("cache", "workers"), MODES)
def test_only_bad_files_are_an_error(folder, caches, cache, workers):
    make_bad(folder, *range(NUM))
    with pytest.raises(DataError, match="13 of 13 files cannot be decoded"):
        built(folder, cache=cache, workers=workers, on_bad_image="skip").batch(np.arange(5))


@pytest.mark.parametrize("workers", [0, 2])
def test_on_demand_a_bad_file_is_an_error_when_it_is_first_read(folder, workers):
    make_bad(folder, 7)
    stream = batches(built(folder, workers=workers), 5, seed=0)
    with pytest.raises(DataError, match=r"^/.*/pictures: 007.png: .*; remove it, or skip it with -o data.on_bad"):
        list(itertools.islice(stream, 6))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_on_demand_the_next_good_picture_replaces_a_bad_one(folder, workers, capfd):
    make_bad(folder, 3, 4, 12)
    dataset = built(folder, workers=workers, on_bad_image="skip")
    shown = [0, 1, 2, 5, 5, 5, 6, 7, 8, 9, 10, 11, 0]
    orders = [np.arange(13), np.arange(13)[::-1]]
    for order, batch in zip(orders, dataset.stream(orders), strict=True):
        assert numbers(batch["image"]) == [shown[number] for number in order]
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 3  # each file once
    assert lines[1] == "warning: 004.png: empty file; the next picture is used instead"


def test_on_demand_bad_files_are_counted_when_ten_are_named(tmp_path, capfd):
    for number in range(1, 111):
        (write_pictures(tmp_path / "pictures", 1) / f"{number:03d}.png").write_bytes(b"")
    dataset = built(tmp_path / "pictures", on_bad_image="skip")
    assert numbers(dataset.batch(np.arange(100))["image"]) == [0] * 100
    lines = capfd.readouterr().err.splitlines()
    assert [line.partition(": ")[2].split("; ")[0] for line in lines[10:]] == [
        f"{tmp_path}/pictures: {count} files so far cannot be decoded" for count in (11, 100)
    ]


@pytest.mark.parametrize("workers", [0, 2])
def test_building_on_demand_decodes_nothing(folder, capfd, workers):
    make_bad(folder, *range(NUM))
    built(folder, workers=workers)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("cache", "workers"), MODES)
def test_nearly_black_pictures_of_sixteen_bits_are_reported_once(folder, caches, capfd, cache, workers):
    for number in (3, 7):
        Image.fromarray(np.full((8, 8), 16 * number, "uint16")).save(folder / f"{number:03d}.png")
    for _ in range(2):  # the second time from the cache on disk
        dataset = built(folder, cache=cache, workers=workers)
        list(dataset.stream([np.arange(8), np.arange(8)]))
        (line,) = capfd.readouterr().err.splitlines()
        count = "pictures such as 003.png" if cache == "none" else "2 of 13 pictures, such as 003.png,"
        assert line.startswith(f"warning: {folder}: {count} have 16 bits but stay below an eighth of their range, so ")


def test_a_replacement_keeps_its_own_label(tmp_path):
    for number in (0, 1):
        write_pictures(tmp_path / "pictures" / "ab"[number], 1)
    (tmp_path / "pictures" / "a" / "000.png").write_bytes(b"")
    from ppgan_lite.data import folder

    dataset = folder.build(options(tmp_path / "pictures", on_bad_image="skip"))
    assert dataset.batch(np.arange(2))["label"].tolist() == [1, 1]


def test_a_removed_file_is_a_bad_one(folder):
    dataset = built(folder)
    (folder / "002.png").unlink()
    with pytest.raises(DataError, match=r"002.png: No such file or directory"):
        dataset.batch(np.arange(5))


# ---- the cache on disk ----


def decodes(folder, capfd, **keys):
    """Whether building the data set decodes anything; its pictures are compared with the files."""
    capfd.readouterr()
    dataset = built(folder, cache="disk", **keys)
    fresh = built(folder, cache="none", **keys)
    everything = np.arange(len(fresh))
    np.testing.assert_array_equal(dataset.batch(everything)["image"], fresh.batch(everything)["image"])
    return "decoding" in capfd.readouterr().out


def add(folder):
    write_pictures(folder / "more", 1)


def change(folder):
    """Put another picture of the same size into a file."""
    path = folder / "003.png"
    size = path.stat().st_size
    path.write_bytes((folder / "004.png").read_bytes())
    assert path.stat().st_size == size


def touch(folder):
    os.utime(folder / "003.png", ns=(0, 0))


def rename(folder):
    (folder / "003.png").rename(folder / "003a.png")


@pytest.mark.parametrize("change", [add, change, touch, rename, lambda folder: (folder / "003.png").unlink()])
def test_a_changed_folder_is_decoded_again(folder, caches, capfd, change):
    assert decodes(folder, capfd)
    assert not decodes(folder, capfd)
    change(folder)
    assert decodes(folder, capfd)
    assert not decodes(folder, capfd)


def test_another_transform_is_decoded_again_and_other_options_are_not(folder, caches, capfd):
    assert decodes(folder, capfd)
    assert decodes(folder, capfd, size=9)
    assert decodes(folder, capfd, channels=1)
    assert not decodes(folder, capfd, flip=True, workers=2, batch_size=3, on_bad_image="skip")


def test_a_changed_zip_file_is_decoded_again(folder, tmp_path, caches, capfd):
    path = tmp_path / "pictures.zip"
    for shown in ("001.png", "002.png"):
        with zipfile.ZipFile(path, "w") as file:
            file.write(folder / shown, "a.png")
        os.utime(path, ns=(0, 0))
        assert decodes(path, capfd)
        assert not decodes(path, capfd)


def test_a_full_disk_is_reported_and_the_pictures_are_decoded_on_demand(folder, caches, capfd, monkeypatch):
    def fsync(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    dataset = built(folder, cache="disk", workers=2)
    (line,) = capfd.readouterr().err.splitlines()
    assert "cannot be written: No space left on device; continuing without a cache" in line
    assert numbers(dataset.batch(np.arange(NUM))["image"]) == list(range(NUM))
    assert list(caches.iterdir()) == []
    assert multiprocessing.active_children() == []


def test_without_a_home_folder_the_pictures_are_decoded_on_demand(folder, capfd, monkeypatch):
    monkeypatch.setenv("PPGAN_CACHE", "~nobody-of-this-name/cache")
    dataset = built(folder, cache="disk")
    (line,) = capfd.readouterr().err.splitlines()
    assert "the home folder is not known; set the variable HOME, or give a full path; continuing without a" in line
    assert numbers(dataset.batch(np.arange(NUM))["image"]) == list(range(NUM))


@pytest.mark.parametrize("place", ["caches", "caches/key"])
def test_a_file_in_the_place_of_the_cache_is_reported_and_kept(folder, caches, capfd, place, monkeypatch):
    monkeypatch.setattr(picture_set, "cache_folder", lambda *arguments: caches / "key")
    path = caches.parent / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    dataset = built(folder, cache="disk")
    (line,) = capfd.readouterr().err.splitlines()
    assert "cannot be written" in line
    assert "; continuing without a cache" in line
    assert numbers(dataset.batch(np.arange(NUM))["image"]) == list(range(NUM))
    assert path.read_text() == "mine"


def test_an_interrupted_build_continues_where_it_stopped(folder, caches, capfd, monkeypatch):
    real = listing.read_picture

    def interrupted(content, *arguments):
        if content == (folder / "009.png").read_bytes():
            raise KeyboardInterrupt
        return real(content, *arguments)

    monkeypatch.setattr(listing, "read_picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        built(folder, cache="disk")
    monkeypatch.setattr(listing, "read_picture", real)
    capfd.readouterr()
    built(folder, cache="disk")
    assert "decoding 5 pictures" in capfd.readouterr().out


def test_a_file_that_can_be_read_again_is_decoded_again(folder, caches, capfd, monkeypatch):
    real = listing.read_picture

    def failing(content, *arguments):
        if content == (folder / "009.png").read_bytes():
            raise BadImageError("Input/output error")
        return real(content, *arguments)

    make_bad(folder, 1)
    monkeypatch.setattr(listing, "read_picture", failing)
    assert len(built(folder, cache="disk", on_bad_image="skip")) == NUM - 2
    monkeypatch.setattr(listing, "read_picture", real)
    capfd.readouterr()
    assert numbers(built(folder, cache="disk", on_bad_image="skip").batch(np.arange(12))["image"]) == [0, *range(2, 13)]
    assert "decoding 4 pictures" in capfd.readouterr().out
