import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, flip_a_byte

from ppgan_lite.data import cache as cache_module
from ppgan_lite.data.cache import CacheError, Decoded, PictureCache, cache_folder
from ppgan_lite.files import locked, seal

SHAPE = (3, 2, 2)
NUM = 10
PICTURES = np.random.default_rng(0).integers(0, 256, (NUM, *SHAPE), dtype=np.uint8)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(cache_module, "CHUNK_PICTURES", 4)  # so three chunks of 4, 4 and 2


class Decoder:
    """Yields the pictures in parts of three; file 5 is bad. Records the files asked for, and fails at `fail_at`."""

    def __init__(self, fail_at=None):
        self.asked, self.fail_at = [], fail_at

    def __call__(self, ranges):
        for files in ranges:
            for first in range(files.start, files.stop, 3):
                part = range(first, min(first + 3, files.stop))
                if self.fail_at in part:
                    raise KeyboardInterrupt
                self.asked += part
                yield Decoded(PICTURES[part.start : part.stop], {5: "truncated"} if 5 in part else {})


def built(folder, decoder=None):
    """A complete cache, and the files that were decoded for it."""
    cache, decoder = PictureCache(folder, NUM, SHAPE), decoder or Decoder()
    assert cache.build(decoder) == bool(decoder.asked)
    np.testing.assert_array_equal(cache[np.arange(NUM)], PICTURES)
    assert cache.bad == {5: "truncated"}
    return cache, decoder.asked


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_pictures_are_decoded_once(tmp_path):
    cache, asked = built(tmp_path / "key")
    assert asked == list(range(NUM))
    assert names(tmp_path / "key") == ["00000.npy", "00001.npy", "00002.npy", "index.json"]
    cache, asked = built(tmp_path / "key")
    assert asked == []
    assert cache.num_bytes == PICTURES.nbytes
    order = np.random.default_rng(1).integers(0, NUM, 30)
    np.testing.assert_array_equal(cache[order], PICTURES[order])
    assert cache[np.array([], int)].shape == (0, *SHAPE)


def test_chunks_are_limited_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "CHUNK_BYTES", 25)  # two pictures of 12
    built(tmp_path / "key")
    assert names(tmp_path / "key")[-2:] == ["00004.npy", "index.json"]


def test_an_interrupted_build_continues_where_it_stopped(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        PictureCache(tmp_path / "key", NUM, SHAPE).build(Decoder(fail_at=9))
    assert names(tmp_path / "key") == ["00000.npy", "00001.npy", "index.json"]
    (tmp_path / "key" / ".00002.npy.1.tmp").write_bytes(b"of a killed process")
    assert built(tmp_path / "key")[1] == [8, 9]
    assert names(tmp_path / "key") == ["00000.npy", "00001.npy", "00002.npy", "index.json"]


def damage_chunk(folder):
    flip_a_byte(folder / "00001.npy")


def shorten_chunk(folder):
    path = folder / "00001.npy"
    path.write_bytes(path.read_bytes()[:-1])


def pickle_chunk(folder):
    np.save(folder / "00001.npy", np.array([{}], object), allow_pickle=True)


def reshape_chunk(folder):
    np.save(folder / "00001.npy", PICTURES[4:8].reshape(4, 2, 3, 2))  # the same bytes


def remove_chunk(folder):
    (folder / "00001.npy").unlink()


def zip_chunk(folder):
    np.savez(folder / "zip.npz", PICTURES[4:8])
    (folder / "zip.npz").rename(folder / "00001.npy")


def nest_chunk(folder):
    """A header of 9,000 brackets."""
    header = b"(" * 9000
    (folder / "00001.npy").write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)


@pytest.mark.parametrize(
    "damage", [damage_chunk, shorten_chunk, pickle_chunk, reshape_chunk, remove_chunk, zip_chunk, nest_chunk]
)
def test_a_damaged_chunk_is_built_again(tmp_path, damage):
    built(tmp_path / "key")
    damage(tmp_path / "key")
    assert built(tmp_path / "key")[1] == [4, 5, 6, 7]
    assert built(tmp_path / "key")[1] == []


@pytest.mark.skipif(os.name == "nt", reason="needs named pipes")
@pytest.mark.parametrize("name", ["00001.npy", "index.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path, name):
    built(tmp_path / "key")
    (tmp_path / "key" / name).unlink()
    os.mkfifo(tmp_path / "key" / name)
    with contextlib.suppress(CacheError):
        built(tmp_path / "key")
    built(tmp_path / "key")


def damage_index(path):
    flip_a_byte(path)


def forge_index(path):
    """Other bad files, with the old checksum."""
    record = json.loads(path.read_bytes())
    record["chunks"]["0"]["bad"] = {"0": "?"}
    path.write_text(json.dumps(record))


def foreign_index(path):
    path.write_bytes(seal({"other": 1}))


@pytest.mark.parametrize("damage", [damage_index, forge_index, foreign_index, lambda path: path.unlink()])
def test_with_a_damaged_index_all_is_built_again(tmp_path, damage):
    built(tmp_path / "key")
    damage(tmp_path / "key" / "index.json")
    assert built(tmp_path / "key")[1] == list(range(NUM))


@pytest.mark.parametrize(
    "change",
    [
        5,
        {"sha256": None},
        {"bad": 5},
        {"bad": {"5": None}},
        {"bad": {"five": "truncated"}},
        {"bad": {"3": "of another chunk"}},
        {"dim": 5},
        {"dim": ["4"]},
        {"dim": [True]},
        {"dim": [8]},
    ],
)
def test_a_forged_entry_of_the_index_is_built_again(tmp_path, change):
    """The index has the right checksum: somebody wrote it."""
    built(tmp_path / "key")
    chunks = json.loads((tmp_path / "key" / "index.json").read_bytes())["chunks"]
    chunks["1"] = {**chunks["1"], **change} if isinstance(change, dict) else change
    (tmp_path / "key" / "index.json").write_bytes(seal({"chunks": chunks}))
    assert built(tmp_path / "key")[1] == [4, 5, 6, 7]


@pytest.mark.parametrize("chunks", [None, 5, [], "text", {"0": {}}])
def test_a_forged_index_is_built_again(tmp_path, chunks):
    built(tmp_path / "key")
    (tmp_path / "key" / "index.json").write_bytes(seal({"chunks": chunks}))
    assert built(tmp_path / "key")[1] == list(range(NUM))


def test_an_index_of_an_earlier_version_is_taken(tmp_path):
    built(tmp_path / "key")
    chunks = json.loads((tmp_path / "key" / "index.json").read_bytes())["chunks"]
    for entry in chunks.values():
        del entry["dim"]
    (tmp_path / "key" / "index.json").write_bytes(seal({"chunks": chunks}))
    cache, asked = built(tmp_path / "key")
    assert (asked, cache.dim) == ([], [])


@pytest.mark.parametrize("written", [0, 1, 2, 3])
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, written):
    """The disk is full after `written` files: at a chunk or the index, the first or a later one."""
    from ppgan_lite import files

    real, calls = files.os.fsync, []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) > written:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(CacheError, match=r"key/.*: cannot be written: No space left on device"):
        PictureCache(tmp_path / "key", NUM, SHAPE).build(Decoder())
    assert names(tmp_path) == []


def test_too_little_space_is_reported_before_anything_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 119}))
    decoder = Decoder()
    with pytest.raises(CacheError, match=r"key: not enough disk space: 0 MB needed, 0 MB free"):
        PictureCache(tmp_path / "key", NUM, SHAPE).build(decoder)
    assert (decoder.asked, names(tmp_path)) == ([], [])


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match=r"file/key: cannot be written: Not a directory"):
        PictureCache(tmp_path / "file" / "key", NUM, SHAPE).build(Decoder())


@pytest.fixture
def read_only(tmp_path):
    """A built cache without permission to write. Root has all permissions, so the test continues as another user."""
    built(tmp_path / "key")
    if not hasattr(os, "setresuid"):
        pytest.skip("needs a system where root can become another user for a while")
    for folder in (tmp_path, *tmp_path.parents):
        if (mode := folder.stat().st_mode) | 0o055 != mode:  # pytest's own folders
            folder.chmod(mode | 0o055)
    (tmp_path / "key").chmod(0o555)
    user = os.getuid()
    os.setresuid(*((65534, 65534, 0) if user == 0 else (-1, -1, -1)))
    yield tmp_path / "key"
    os.setresuid(user, user, user)
    (tmp_path / "key").chmod(0o755)


def test_a_complete_cache_needs_no_permission_to_write(read_only, capfd):
    assert built(read_only)[1] == []
    assert capfd.readouterr() == ("", "")


def test_an_incomplete_cache_without_permission_to_write_is_kept(read_only):
    decoder = Decoder()
    with pytest.raises(CacheError, match="key: not complete, and there is no permission to write"):
        PictureCache(read_only, NUM + 4, SHAPE).build(decoder)
    assert (decoder.asked, built(read_only)[1]) == ([], [])


def test_a_name_that_is_too_long_is_reported(tmp_path):
    with pytest.raises(CacheError, match="key: cannot be written: File name too long"):
        PictureCache(tmp_path / ("x" * 300) / "key", NUM, SHAPE).build(Decoder())


def test_another_process_that_builds_the_same_is_waited_for(tmp_path):
    pytest.importorskip("fcntl", reason="needs a system that can lock folders")
    code = (
        "import sys; sys.path.insert(0, 'tests/data'); from pathlib import Path; import test_cache as t\n"
        "t.cache_module.CHUNK_PICTURES = 4; print(t.built(Path(sys.argv[1]))[1])"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": ""}
    with locked(tmp_path / "key"):
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "key")],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        for line in other.stderr:
            if "key: another process is caching these pictures; waiting for it" in line:
                break
        else:
            pytest.fail("it did not wait")
        assert other.poll() is None
        cache = PictureCache(tmp_path / "key", NUM, SHAPE)
        cache._add(cache._find_missing(), Decoder())  # what build does with the lock
    out, _ = other.communicate(timeout=60)
    assert (other.returncode, out) == (0, "[]\n")


def test_files_shapes_and_formats_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("PPGAN_CACHE", str(tmp_path))
    folders = {cache_folder(files, shape) for files in "ab" for shape in ((3, 8, 8), (1, 8, 8), (3, 9, 9))}
    monkeypatch.setattr(cache_module, "FORMAT", 0)
    folders.add(cache_folder("a", (3, 8, 8)))
    assert len(folders) == 7
    assert {folder.parent for folder in folders} == {tmp_path}


def test_the_folder_may_be_empty_relative_or_in_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for given, parent in (("", tmp_path / ".cache/ppgan_lite"), ("here", Path("here")), ("~/x", tmp_path / "x")):
        monkeypatch.setenv("PPGAN_CACHE", given)
        assert cache_folder("a", (3, 8, 8)).parent == parent


def test_a_home_folder_that_is_not_known_is_a_cache_that_cannot_be_written(monkeypatch):
    monkeypatch.setenv("PPGAN_CACHE", "~nobody-of-this-name/cache")
    with pytest.raises(CacheError, match="the home folder is not known; set the variable HOME, or give a full path"):
        cache_folder("a", (3, 8, 8))


def test_the_default_folder_is_in_the_home(monkeypatch, tmp_path):
    monkeypatch.delenv("PPGAN_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder("a", (3, 8, 8)).parent == tmp_path / ".cache" / "ppgan_lite"
