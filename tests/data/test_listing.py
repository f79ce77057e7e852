import multiprocessing
import os
import pickle
import re
import sys
import time
import zipfile
import zlib

import numpy as np
import pytest
from zip_writers import pack

from ppgan_lite.data import listing
from ppgan_lite.data.listing import PackedNames, find_root, find_roots, list_files, list_pictures
from ppgan_lite.data.options import Folder, Unpaired
from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.errors import DataError


@pytest.fixture(autouse=True)
def no_shared_data(monkeypatch):
    monkeypatch.delenv("PPGAN_DATA", raising=False)


@pytest.fixture(params=["folder", "stored", "deflated"])
def store(request, tmp_path):
    """A function that writes files (path -> content) into a folder or zip file and returns its path."""

    def make(files, name="pets"):
        if request.param != "folder":
            return pack(tmp_path / f"{name}.zip", files, getattr(zipfile, f"ZIP_{request.param.upper()}"))
        for path, content in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_bytes(content)
        return str(tmp_path / name)

    return make


def contents(*paths):
    """path -> content, different for each path."""
    return {path: path.encode() * 9 for path in paths}


def names(found):
    return [found.name(index) for index in range(len(found))]


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode())
    return str(folder)


def test_packed_names_are_a_sequence():
    packed = PackedNames([b"one", b"", b"\xff three"])
    assert len(packed) == 3
    assert list(packed) == [packed[0], packed[1], packed[-1]] == [b"one", b"", b"\xff three"]
    with pytest.raises(IndexError):
        packed[3]
    assert len(PackedNames([])) == 0


def test_pictures_are_found_at_any_depth_and_read(store):
    files = contents("b.jpg", "deep/er/c.PNG", "deep/a.jpeg", "d.webp", "e.bmp", "f.gif", "g.tif", "h.Tiff", "ä ö.jpg")
    others = contents(
        "notes.txt", ".hidden.jpg", ".git/x.jpg", "deep/.x/y.png", "__MACOSX/._b.jpg", "jpg", "x.jpg.part"
    )
    found = list_files(store({**others, **files}))
    assert names(found) == sorted(files, key=str.encode)
    assert [found.read(index) for index in range(len(found))] == [files[name] for name in names(found)]
    assert found.labels.dtype == np.int64
    assert set(found.labels) == {0}


def test_first_level_folders_are_the_classes(store):
    found = list_pictures(store(contents("dog/1.jpg", "cat/x/2.jpg", "dog/3.jpg", "owl/readme.txt")), test_share=0)
    assert found.class_names == ("cat", "dog")
    assert names(found) == ["cat/x/2.jpg", "dog/1.jpg", "dog/3.jpg"]
    assert found.labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize("paths", [("a.jpg", "b.jpg"), ("dog/a.jpg", "dog/b.jpg"), ("a.jpg", "cat/b.jpg", "dog/c.jpg")])
def test_otherwise_there_is_one_class_named_after_the_root(store, paths):
    root = store(contents(*paths))
    found = list_pictures(root, test_share=0)
    assert found.class_names == (os.path.basename(root),)
    assert found.labels.tolist() == [0] * len(paths)


@pytest.mark.parametrize("test", ["test", "val", "valid", "validation"])
@pytest.mark.parametrize("top", ["", "pets/", "v1/pets/"])
def test_folders_define_the_split(store, test, top):
    paths = [top + path for path in ("train/cat/1.jpg", "train/dog/2.jpg", f"{test}/dog/3.jpg", "extra/dog/4.jpg")]
    root = store(contents(*paths))
    training, testing = list_pictures(root), list_pictures(root, "test")
    assert (names(training), names(testing)) == (paths[:2], paths[2:3])
    assert training.class_names == testing.class_names == ("cat", "dog")
    assert (training.labels.tolist(), testing.labels.tolist()) == ([0, 1], [1])
    assert testing.read(0) == paths[2].encode() * 9


def test_the_first_of_several_test_folders_is_used(tmp_path):
    root = touch(tmp_path, "train/1.jpg", "val/2.jpg", "test/3.jpg")
    assert names(list_pictures(root, "test")) == ["test/3.jpg"]
    assert names(list_pictures(root, "train")) == ["train/1.jpg"]


def test_a_class_may_be_called_train(tmp_path):
    root = touch(tmp_path, "train/1.jpg", "bus/2.jpg", "bus/3.jpg")
    assert list_pictures(root, test_share=0).class_names == ("bus", "train")


def test_a_lone_training_folder_still_has_its_classes(tmp_path):
    root = touch(tmp_path, "train/cat/1.jpg", "train/dog/2.jpg")
    assert list_pictures(root, test_share=0).class_names == ("cat", "dog")


def test_test_pictures_of_an_unknown_class_are_listed_without_one(tmp_path, capfd):
    """A GAN that uses no labels can be evaluated on them."""
    root = touch(tmp_path, "train/cat/1.jpg", "train/dog/2.jpg", "test/3.jpg", "test/cat/4.jpg")
    assert len(list_pictures(root)) == 2
    assert capfd.readouterr() == ("", "")
    found = list_pictures(root, "test")
    assert (names(found), found.labels.tolist()) == (["test/3.jpg", "test/cat/4.jpg"], [-1, 0])
    expected = "1 of 2 test pictures have no class: not in a class folder that also exists in train/ (test/3.jpg)"
    assert capfd.readouterr().err == f"warning: {root}: {expected}\n"


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_names_decide_the_split(tmp_path, share):
    paths = [f"{i:06d}.jpg" for i in range(2000)]
    root = pack(tmp_path / "a.zip", dict.fromkeys(paths, b""))
    training, testing = (set(names(list_pictures(root, split, share))) for split in ("train", "test"))
    assert training | testing == set(paths)
    assert not training & testing
    assert testing == {path for path in paths if zlib.crc32(path.encode()) < share * 2**32}
    assert abs(len(testing) / 2000 - share) < 0.02
    more = pack(tmp_path / "b.zip", dict.fromkeys([*paths, "0new.jpg", "znew.jpg"], b""))
    assert testing == set(names(list_pictures(more, "test", share))) & set(paths)


def test_an_empty_split_is_an_error(store):
    root = store(contents("a.jpg", "b.jpg"))
    with pytest.raises(DataError, match=r"none of its 2 pictures is in the test split; .*data.test_share \(0\)"):
        list_pictures(root, "test", 0)


def test_the_digest_is_the_same_wherever_the_pictures_are(tmp_path):
    one, two = (list_files(touch(tmp_path / place, "x/1.jpg", "2.jpg")) for place in ("here", "there"))
    assert one.digest == two.digest
    assert one.fingerprint != two.fingerprint  # they were written at different times
    assert len({one.digest, one.fingerprint}) == 2


def test_any_change_changes_the_digest_or_the_fingerprint(tmp_path):
    def state():
        found = list_files(str(tmp_path))
        return found.digest, found.fingerprint

    touch(tmp_path, "1.jpg", "2.jpg")
    states = [state()]
    os.utime(tmp_path / "1.jpg", ns=(1, 1))
    states.append(state())
    assert states[0][0] == states[1][0]
    assert states[0][1] != states[1][1]
    (tmp_path / "1.jpg").write_bytes(b"longer")
    os.utime(tmp_path / "1.jpg", ns=(1, 1))
    states.append(state())
    (tmp_path / "2.jpg").rename(tmp_path / "3.jpg")
    states.append(state())
    assert len({digest for digest, _ in states}) == 3
    assert len({fingerprint for _, fingerprint in states}) == 4


def test_the_contents_identify_a_zip_file(tmp_path):
    one = list_files(pack(tmp_path / "1.zip", {"a.jpg": b"12", "b.jpg": b"34"}))
    same = list_files(pack(tmp_path / "2.zip", {"b.jpg": b"34", "a.jpg": b"12"}, zipfile.ZIP_DEFLATED))
    other = list_files(pack(tmp_path / "3.zip", {"a.jpg": b"12", "b.jpg": b"35"}))
    assert (one.digest, one.fingerprint) == (same.digest, same.fingerprint)
    assert one.digest != other.digest


def test_select_keeps_names_contents_and_labels_together(store):
    found = list_pictures(store(contents("cat/1.jpg", "dog/2.jpg", "dog/3.jpg")), test_share=0)
    for which in ([2, 0], np.array([True, False, True])):
        selected = found.select(which)
        indices = np.arange(3)[which]
        assert names(selected) == [found.name(i) for i in indices]
        assert [selected.read(i) for i in (0, 1)] == [found.read(i) for i in indices]
        assert selected.labels.tolist() == found.labels[indices].tolist()
        assert (selected.class_names, selected.origin) == (found.class_names, found.origin)
        assert selected.digest != found.digest
    assert found.select(np.ones(3, bool)).digest == found.digest


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs processes that fork")
def test_other_processes_read_at_the_same_time(store):
    files = contents(*(f"{i}.jpg" for i in range(50)))
    found = list_files(store(files))
    found.read(0)  # a handle left open here would be shared
    with multiprocessing.get_context("fork").Pool(2) as pool:
        read = pool.map(found.read, range(50), chunksize=1)
    assert read == [files[name] for name in names(found)]


def test_a_listing_can_be_pickled(store):
    found = list_files(store(contents("a.jpg", "b.jpg")))
    copy = pickle.loads(pickle.dumps(found))
    assert (names(copy), copy.read(1), copy.digest) == (names(found), found.read(1), found.digest)


def test_a_listing_is_small(tmp_path):
    """40 bytes and the name per file, so that a million fit anywhere; and listing is fast."""
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "0.jpg").write_bytes(b"x")
    for i in range(1, 20_000):
        os.link(folder / "0.jpg", folder / f"{i}.jpg")
    start = time.process_time()
    found = list_pictures(str(folder))
    assert time.process_time() - start < 2
    assert len(pickle.dumps(found)) < 20_000 * 45


def test_links_are_followed_but_not_to_a_parent_folder(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    touch(elsewhere, "cat/1.jpg", "2.jpg")
    root = tmp_path / "root"
    root.mkdir()
    try:
        (root / "cat").symlink_to(elsewhere / "cat")
    except OSError:
        pytest.skip("needs a file system with symbolic links")
    (root / "link.jpg").symlink_to(elsewhere / "2.jpg")
    (root / "deep").mkdir()
    (root / "deep" / "self").symlink_to(root)
    (root / "gone.jpg").symlink_to(tmp_path / "nothing")
    (root / "round.jpg").symlink_to(root / "round.jpg")
    found = list_files(str(root))
    assert names(found) == ["cat/1.jpg", "gone.jpg", "link.jpg", "round.jpg"]
    assert found.read(2) == b"2.jpg"
    with pytest.raises(BadImageError, match="No such file"):
        found.read(1)
    with pytest.raises(BadImageError, match="symbolic links"):
        found.read(3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_only_files_are_listed(tmp_path):
    touch(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")  # reading it would wait for ever
    (tmp_path / "folder.jpg").mkdir()
    assert names(list_files(str(tmp_path))) == ["a.jpg"]


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="needs names of any bytes")
def test_names_of_any_bytes_are_read_back(tmp_path):
    (tmp_path / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(b"x")
    found = pickle.loads(pickle.dumps(list_files(str(tmp_path))))
    assert found.read(0) == b"x"


def test_reading_a_removed_file_reports_it(tmp_path):
    found = list_files(touch(tmp_path, "a.jpg"))
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(BadImageError, match="No such file or directory"):
        found.read(0)


def test_a_huge_file_is_not_read(store, monkeypatch):
    found = list_files(store(contents("a.jpg")))
    monkeypatch.setattr(listing, "MAX_BYTES", 44)
    with pytest.raises(BadImageError, match="45 bytes, more than the limit of 44"):
        found.read(0)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damage_in_a_zip_file_is_detected(tmp_path, method):
    path = tmp_path / "a.zip"
    found = list_files(pack(path, {"a.jpg": np.random.default_rng(0).bytes(500), "b.jpg": b"whole"}, method))
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BadImageError, match="damaged in the zip file"):
        found.read(0)
    assert found.read(1) == b"whole"
    path.write_bytes(content[:20])
    with pytest.raises(BadImageError, match="damaged in the zip file"):
        found.read(1)


def test_a_zip_file_after_other_bytes_is_read(tmp_path):
    """As in self-extracting files: offsets count from the start of the zip file itself."""
    path = tmp_path / "a.zip"
    pack(path, {"a.jpg": b"content"})
    path.write_bytes(b"#!program\n" * 10 + path.read_bytes())
    assert list_files(str(path)).read(0) == b"content"


def test_roots_are_found_as_given_or_below_the_variable(tmp_path, monkeypatch):
    touch(tmp_path, "shared/pets/1.jpg")
    with pytest.raises(DataError, match=r"data.root: pets: no such folder or zip file .*, and \$PPGAN_DATA is not set"):
        find_root("pets")
    monkeypatch.setenv("PPGAN_DATA", str(tmp_path / "shared"))
    assert find_root("pets") == str(tmp_path / "shared" / "pets")
    touch(tmp_path, "here/pets/2.jpg")
    monkeypatch.chdir(tmp_path / "here")
    assert find_root("pets") == str(tmp_path / "here" / "pets")
    monkeypatch.setenv("HOME", str(tmp_path / "here"))
    assert find_root("~/pets") == str(tmp_path / "here" / "pets")
    for root, shown in (("D:\new\table", r"'D:\new\table'"), ("pets ", "'pets '"), ("two words", "two words")):
        with pytest.raises(DataError, match=f"^data.root: {re.escape(shown)}: no such folder") as caught:
            find_root(root)
        assert ("in double quotes a backslash is an escape: use single quotes, or /" in str(caught.value)) == (
            "\n" in root
        )
    with pytest.raises(DataError, match=r"data.root: none: no such LMDB, here or below \$PPGAN_DATA \(.*shared\)"):
        find_root("none", "LMDB")


def test_the_roots_of_a_data_set(tmp_path, monkeypatch):
    touch(tmp_path, "x/1.jpg", "y/1.jpg")
    monkeypatch.chdir(tmp_path)
    keys = {"name": "unpaired", "batch_size": 1}
    assert find_roots(Folder("folder", 1, root="x")) == {"root": str(tmp_path / "x")}
    assert find_roots(Unpaired(**keys, root="x")) == {"root": str(tmp_path / "x")}
    both = find_roots(Unpaired(**keys, root_a="x", root_b="y"))
    assert both == {"root_a": str(tmp_path / "x"), "root_b": str(tmp_path / "y")}
    for missing, message in (
        (Folder("folder", 1), r"data.root: missing; set it to a folder or zip file of pictures$"),
        (Unpaired(**keys), r"data.root: missing; .* or set data.root_a and data.root_b to one for each domain$"),
        (Unpaired(**keys, root="z"), "data.root: z: no such folder"),
        (Unpaired(**keys, root_a="x", root_b="z"), "data.root_b: z: no such folder"),
    ):
        with pytest.raises(DataError, match=f"^{message}"):
            find_roots(missing)


def test_another_option_is_named_in_every_message(tmp_path):
    (tmp_path / "text.zip").write_text("not a zip file")
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "one/1.jpg")
    for root in ("none", "text.zip", "empty", "one"):
        with pytest.raises(DataError, match=r"^data.root_b: "):
            list_pictures(str(tmp_path / root), "test", 0, option="root_b")


def test_why_a_root_cannot_be_opened_is_said(tmp_path):
    for name, target, why in (("round", "round", "Too many levels of symbolic"), ("gone", "x", "a link to nothing")):
        (tmp_path / name).symlink_to(tmp_path / target)
        with pytest.raises(DataError, match=f"no such folder or zip file of pictures .*{why}"):
            find_root(str(tmp_path / name))


@pytest.mark.parametrize("root", [None, "", "/none", "~nobody/none", "a\0b", "x" * 5000])
def test_a_missing_root_is_one_line(root, monkeypatch, tmp_path):
    monkeypatch.setenv("PPGAN_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"^data.root: .*folder or zip file of pictures") as caught:
        list_pictures(root)
    assert "\n" not in str(caught.value)


def test_without_pictures_the_other_files_are_counted(store):
    with pytest.raises(
        DataError, match=r"no pictures \(.avif, .bmp, .*.webp\), only 4 other files: 2 .txt \(.*\), 1 .*"
    ):
        list_files(store(contents("a.txt", "b.TXT", "x.y/README", "c.csv")))


def test_an_empty_root_is_reported(tmp_path):
    (tmp_path / "folder" / "empty").mkdir(parents=True)
    for root in (str(tmp_path / "folder"), pack(tmp_path / "empty.zip", {})):
        with pytest.raises(DataError, match="no pictures .*, no files at all"):
            list_files(root)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then something else", bytes(1000)])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"a.zip: neither a folder nor a valid zip file: "):
        list_files(str(tmp_path / "a.zip"))


def test_a_truncated_zip_file_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    pack(path, contents("a.jpg", "b.jpg"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="nor a valid zip file"):
        list_files(str(path))


def test_an_unusual_compression_is_refused(tmp_path):
    root = pack(tmp_path / "a.zip", contents("a.jpg"), zipfile.ZIP_BZIP2)
    with pytest.raises(DataError, match=r"a.zip: a.jpg is encrypted, or compressed with another method"):
        list_files(root)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "a.jpg", "secret/b.jpg")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("secret/"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"data.root: .*secret/: cannot be listed: Permission denied"):
        list_files(str(tmp_path))
