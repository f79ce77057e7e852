"""LSUN from a small LMDB in LSUN's format: keys of 40 hexadecimal digits, values that are WebP files."""

import builtins
import contextlib
import hashlib
import io
import multiprocessing
import os
import pickle
import random
import shutil
import struct
import zipfile
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from PIL import Image

from ppgan_lite.config.load import check_config
from ppgan_lite.data import lsun, options
from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import DataError, RunError

lmdb = pytest.importorskip("lmdb", reason="needs lmdb: pip install -r requirements-lsun.txt")

COLOURS = {"bedroom_train_lmdb": range(12), "bedroom_val_lmdb": range(20, 23)}


def key_of(number) -> str:
    return hashlib.sha1(b"%d" % number).hexdigest()


def picture(number, kind="WEBP") -> bytes:
    """All pixels have one colour, which identifies the picture. The shorter side has 24 pixels; LSUN's has 256."""
    stream = io.BytesIO()
    Image.new("RGB", (36, 24), (10 * number, 255 - 10 * number, 7)).save(stream, kind, quality=95)
    return stream.getvalue()


def write_lmdb(folder, values):
    with lmdb.open(str(folder), map_size=1 << 22) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key if isinstance(key, bytes) else key.encode(), value)
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A folder with LMDBs of 12 training and 3 test pictures. Tests must not change it, but copy it."""
    root = tmp_path_factory.mktemp("lsun") / "bedroom"
    root.mkdir()
    for name, numbers in COLOURS.items():
        write_lmdb(root / name, {key_of(number): picture(number) for number in numbers})
    return root


def build(root, split="train", **keys):
    keys = {"size": 8, "cache": "memory", "workers": 0} | keys
    return lsun.build(options.LSUN(name="lsun", batch_size=8, root=str(root), **keys), split)


def numbers_in(dataset) -> list[int]:
    """The numbers of the pictures, from the mean red."""
    red = dataset.batch(np.arange(len(dataset)))["image"][:, 0].mean((1, 2))
    return [round(float(value)) for value in (red + 1) * 127.5 / 10]


def in_order_of_keys(numbers):
    return sorted(numbers, key=key_of)


def test_pictures_come_in_the_order_of_their_keys(both):
    source = lsun.LMDB(both / "bedroom_train_lmdb")
    numbers = in_order_of_keys(range(12))
    assert (len(source), source.class_names) == (12, ("bedroom",))
    assert [source.name(i) for i in range(12)] == [key_of(number) for number in numbers]
    assert [source.read(i) for i in range(12)] == [picture(number) for number in numbers]
    np.testing.assert_array_equal(source.labels, np.zeros(12, "int64"), strict=True)


def test_a_copy_is_the_same_data_with_another_fingerprint(both, tmp_path):
    one = lsun.LMDB(both / "bedroom_train_lmdb")
    shutil.copytree(both / "bedroom_train_lmdb", tmp_path / "copy")
    os.utime(tmp_path / "copy" / "data.mdb", (1, 1))
    copy, other = lsun.LMDB(tmp_path / "copy"), lsun.LMDB(both / "bedroom_val_lmdb")
    assert copy.digest == one.digest != other.digest
    assert copy.fingerprint != one.fingerprint
    assert lsun.LMDB(both / "bedroom_train_lmdb").fingerprint == one.fingerprint


def test_other_processes_can_read_it(both):
    """After it was read here: forked processes, with a pickled LMDB."""
    source = lsun.LMDB(both / "bedroom_train_lmdb")
    expected = [source.read(i) for i in range(12)]
    assert len(pickle.dumps(source)) < 2000
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(source.read, range(12))) == expected


@pytest.mark.parametrize("below", [".", "bedroom_train_lmdb"])
def test_both_splits_are_found(both, below):
    training, testing = build(both / below), build(both / below, "test")
    assert numbers_in(training) == in_order_of_keys(range(12))
    assert numbers_in(testing) == in_order_of_keys(range(20, 23))
    assert training.spec["image"].shape == testing.spec["image"].shape == (3, 8, 8)
    assert training.spec["label"].names == testing.spec["label"].names == ("bedroom",)
    assert (training.source.name, training.source.num_images) == ("lsun", 12)


def test_the_root_may_be_below_the_variable(both, monkeypatch):
    monkeypatch.setenv("PPGAN_DATA", str(both.parent))
    assert len(build("bedroom")) == 12


def test_an_export_holds_the_same_pictures(both, tmp_path):
    out = tmp_path / "out"
    assert lsun.export(both / "bedroom_train_lmdb", out / "train") == 12
    assert lsun.export(both / "bedroom_val_lmdb", out / "val") == 3
    key = key_of(5)
    assert (out / "train" / key[0] / key[1] / key[2] / key[3] / f"{key}.webp").read_bytes() == picture(5)
    for split in ("train", "test"):
        exported, original = build(out, split), build(both, split)
        np.testing.assert_array_equal(
            exported.batch(np.arange(len(exported)))["image"], original.batch(np.arange(len(original)))["image"]
        )
        assert exported.spec["label"].names == ("out",)
        assert not exported.labels.any()


def test_an_export_of_one_lmdb_is_split_by_name(both, tmp_path):
    lsun.export(both / "bedroom_train_lmdb", tmp_path / "out")
    parts = [numbers_in(build(tmp_path / "out", split)) for split in ("train", "test")]
    assert sorted(parts[0] + parts[1]) == list(range(12))
    assert all(parts)


def test_an_export_continues(both, tmp_path):
    lsun.export(both / "bedroom_train_lmdb", tmp_path)
    missing, short, *others = files = sorted(tmp_path.rglob("*.webp"))
    contents = {path: path.read_bytes() for path in files}
    missing.unlink()
    short.write_bytes(b"RIFF")
    times = {path: path.stat().st_mtime_ns for path in others}
    assert lsun.export(both / "bedroom_train_lmdb", tmp_path) == 2
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.*"))} == contents
    assert {path: path.stat().st_mtime_ns for path in others} == times


def test_an_interrupted_export_leaves_no_half_file(both, tmp_path, monkeypatch):
    read = lsun.LMDB.read

    def interrupted(self, index):
        if index == 5:
            raise KeyboardInterrupt
        return read(self, index)

    monkeypatch.setattr(lsun.LMDB, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lsun.export(both / "bedroom_train_lmdb", tmp_path)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 5
    monkeypatch.undo()
    assert lsun.export(both / "bedroom_train_lmdb", tmp_path) == 7


def test_exported_files_have_the_suffix_of_their_format(tmp_path):
    values = {key_of(i): picture(i, kind) for i, kind in enumerate(("WEBP", "JPEG", "PNG"))}
    values["short"] = b"not a picture, but exported: reading it reports the error"
    lsun.export(write_lmdb(tmp_path / "a_train_lmdb", values), tmp_path / "out")
    found = {path.name for path in (tmp_path / "out").rglob("*.*")}
    assert found == {f"{key_of(0)}.webp", f"{key_of(1)}.jpg", f"{key_of(2)}.png", "short.webp"}


@pytest.mark.parametrize("key", [b"../../../../etc/x", b"a/b", b"..", b".hidden", b"\xff\xfe", b"a\nb", b"x" * 201])
def test_a_key_cannot_lead_out_of_the_folder(tmp_path, key):
    (tmp_path / "a").mkdir()
    folder = write_lmdb(tmp_path / "a" / "b", {key: picture(1)})
    with pytest.raises(DataError, match="is not a valid file name") as caught:
        lsun.export(folder, tmp_path / "a" / "out")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "data.mdb", "lock.mdb"]


def test_an_export_that_cannot_be_written_is_one_line(both, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(RunError, match="cannot be written: Not a directory"):
        lsun.export(both / "bedroom_train_lmdb", tmp_path / "out")


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def forge(path):
    """Set the last page number in the meta pages far beyond the end of the file."""
    content = bytearray(path.read_bytes())
    for page in (0, 4096):
        struct.pack_into("<Q", content, page + 16 + 8 + 16 + 48 * 2, 10**6)  # after both trees: last_pgno
    path.write_bytes(content)


def zero(path):
    """Set all pages but the first two to zero, as in a copy that broke off: the library lmdb would abort."""
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:8192] + bytes(size - 8192))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b""), "cannot be read as an LMDB: "),
        (lambda path: path.write_bytes(b"no LMDB at all" * 1000), "cannot be read as an LMDB: "),
        (truncate, "truncated: data.mdb has "),
        (forge, "truncated: data.mdb has "),
        (zero, "data.mdb is damaged (page 2 is damaged); copy it again"),
    ],
    ids=["empty", "foreign", "truncated", "forged", "zeros"],
)
def test_a_damaged_lmdb_is_named(both, tmp_path, damage, message):
    folder = tmp_path / "bedroom_train_lmdb"
    shutil.copytree(both / "bedroom_train_lmdb", folder)
    damage(folder / "data.mdb")
    with pytest.raises(DataError) as caught:
        lsun.LMDB(folder)
    assert str(caught.value).startswith(f"{folder}: {message}")
    assert "\n" not in str(caught.value)


def test_an_export_of_a_damaged_lmdb_is_one_line(both, tmp_path, monkeypatch):
    folder = tmp_path / "bedroom_train_lmdb"
    shutil.copytree(both / "bedroom_train_lmdb", folder)
    monkeypatch.setattr(lsun, "tqdm", lambda indices, **_: remove_then(indices, folder))
    with pytest.raises(DataError) as caught:
        lsun.export(folder, tmp_path / "out")
    assert str(caught.value) == f"{folder}: {lsun.LMDB(both / folder.name).name(0)}: no longer in the LMDB"


def remove_then(indices, folder):
    """Remove the first picture after the LMDB was opened."""
    with lmdb.open(str(folder), map_size=1 << 22) as environment, environment.begin(write=True) as transaction:
        transaction.delete(min(map(key_of, range(12))).encode())
    yield from indices


@pytest.mark.parametrize("seed", range(4))
def test_damage_never_ends_the_process(tmp_path, seed):
    """With values on pages of their own, and branch pages."""
    rng = random.Random(seed)
    values = {key_of(number): rng.randbytes(rng.choice([10, 900, 9000])) for number in range(300)}
    path = write_lmdb(tmp_path / "a_train_lmdb", values) / "data.mdb"
    content = path.read_bytes()
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 3, 20])):
            page = rng.randrange(len(content) // 4096) * 4096
            damaged[page + rng.randrange(128)] = rng.randrange(256)
        if rng.random() < 0.3:
            damaged[page : page + 4096] = bytes(4096)
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            source = lsun.LMDB(path.parent)
            for index in range(len(source)):
                with contextlib.suppress(BadImageError):
                    source.read(index)


def test_an_lmdb_with_branch_pages_is_whole(tmp_path):
    values = {key_of(number): bytes(number % 5000) for number in range(5000)}
    with lmdb.open(str(tmp_path / "a"), map_size=1 << 26) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)
    source = lsun.LMDB(tmp_path / "a")
    assert [source.read(i) for i in range(5000)] == [values[key] for key in sorted(values)]


def test_the_root_may_be_the_file(both):
    assert numbers_in(build(both / "bedroom_train_lmdb" / "data.mdb")) == in_order_of_keys(range(12))


def test_an_lmdb_in_another_place_is_named(both, tmp_path):
    below = both / "bedroom_train_lmdb"
    assert refusal(both.parent) == f"data.root: {both.parent}: its LMDB is in {below}; set data.root to this folder"
    path = tmp_path / "bedroom.mdb"
    path.touch()
    assert refusal(path).endswith("bedroom.mdb: rename it to data.mdb, in a folder of its own named *_train_lmdb")
    path = tmp_path / "bedroom.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.write(below / "data.mdb", "bedroom_train_lmdb/data.mdb")
    assert refusal(path).endswith("bedroom.zip: an LMDB is not read from a zip file; unpack it, and name its folder")


def refusal(root):
    with pytest.raises(DataError) as caught:
        build(root)
    return str(caught.value)


def test_an_empty_lmdb_is_named(tmp_path):
    folder = write_lmdb(tmp_path / "bedroom_train_lmdb", {})
    with pytest.raises(DataError, match="bedroom_train_lmdb: the LMDB is empty"):
        build(folder)


def test_a_removed_picture_is_a_bad_one(both, tmp_path):
    folder = write_lmdb(tmp_path / "lmdb", {key_of(0): picture(0), key_of(1): picture(1)})
    source = lsun.LMDB(folder)
    with lmdb.open(str(folder), map_size=1 << 22) as environment, environment.begin(write=True) as transaction:
        transaction.delete(source.name(1).encode())
    source.read(0)
    with pytest.raises(BadImageError, match="no longer in the LMDB"):
        source.read(1)


def test_a_split_without_an_lmdb_or_with_several_is_refused(both, tmp_path):
    shutil.copytree(both / "bedroom_train_lmdb", tmp_path / "bedroom_train_lmdb")
    message = r"the test pictures need exactly one LMDB \*_val_lmdb, found: none"
    for root in (tmp_path, tmp_path / "bedroom_train_lmdb"):
        with pytest.raises(DataError, match=message):
            build(root, "test")
    with pytest.raises(DataError, match=message):
        build(both / "bedroom_val_lmdb", "test")  # the val LMDB does not serve as training pictures
    shutil.copytree(both / "bedroom_train_lmdb", tmp_path / "church_train_lmdb")
    with pytest.raises(DataError, match="found: bedroom_train_lmdb, church_train_lmdb"):
        build(tmp_path)


def test_no_root_is_one_line():
    with pytest.raises(
        DataError, match=r"^data.root: missing; set it to a folder with an LSUN LMDB or with exported pictures"
    ):
        lsun.build(options.LSUN(name="lsun", batch_size=8))


def test_without_the_package_the_install_command_is_given(both, monkeypatch):
    real = builtins.__import__

    def missing(name, *arguments):
        if name == "lmdb":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(DataError) as caught:
        lsun.LMDB(both / "bedroom_train_lmdb")
    assert str(caught.value) == "lsun: reading an LMDB needs the package lmdb: pip install -r requirements-lsun.txt"


def test_a_damaged_picture_is_named_by_its_key(tmp_path):
    values = {key_of(number): picture(number) for number in range(4)}
    values[key_of(2)] = b"RIFF, but no picture"
    folder = write_lmdb(tmp_path / "a_train_lmdb", values)
    with pytest.raises(DataError, match=key_of(2)):
        build(folder)
    assert numbers_in(build(folder, on_bad_image="skip")) == in_order_of_keys([0, 1, 3])


def test_it_is_trained_on_with_workers(both, small_tree, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PPGAN_CACHE", str(tmp_path / "cache"))
    small_tree["generator"] = {"name": "dcgan64", "ngf": 2}
    small_tree["discriminator"] = {"name": "dcgan64", "ndf": 2}
    small_tree["data"] = {"name": "lsun", "root": str(both), "size": 32, "cache": "none", "workers": 1, "batch_size": 4}
    small_tree["train"]["steps"] = 4
    assert train(check_config(small_tree), tmp_path / "run", False, False, "cpu", False) == 0
    assert "data: lsun (12 images from " in capsys.readouterr().out
