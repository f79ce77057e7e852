import io
import os
import stat
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image
from zip_writers import WRITERS, chinese, info_zip, macos, pack, pack_bytes, plain

from ppgan_lite.data.listing import list_files, list_pictures
from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.data.zip_files import read_file
from ppgan_lite.errors import DataError

TREES = {
    "classes": ("玫瑰/1.png", "玫瑰/深/2.png", "菊花/3.png", "菊花/4.jfif", "rose/5.png"),
    "splits": ("Train/玫瑰/1.png", "Train/菊花/2.png", "testing/玫瑰/3.png", "testing/菊花/4.png"),
    "one folder": ("数据/train/玫瑰/1.png", "数据/train/猫/2.png", "数据/val/猫/3.png"),
    "no classes": ("图片/1.png", "图片/2.png"),
}


def names(found):
    return [found.name(index) for index in range(len(found))]


def write(folder, files):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return str(folder)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("tree", TREES)
def test_a_zip_file_of_any_program_has_the_classes_and_splits_of_the_folder(tmp_path, tree, writer):
    files = {path: path.encode() * 3 for path in TREES[tree]}
    folder = write(tmp_path / "pets", files)
    (tmp_path / "zip").mkdir()
    packed = writer(tmp_path / "zip" / "pets", files)
    for split in ("train", "test"):
        try:
            expected = list_pictures(folder, split, test_share=0)
        except DataError:
            with pytest.raises(DataError, match="in the test split"):
                list_pictures(packed, split, test_share=0)
            continue
        found = list_pictures(packed, split, test_share=0)
        assert [name.removeprefix("data/") for name in names(found)] == names(expected)
        assert (found.class_names, found.labels.tolist()) == (expected.class_names, expected.labels.tolist())
        assert [found.read(i) for i in range(len(found))] == [expected.read(i) for i in range(len(found))]


def test_names_that_need_no_change_keep_the_digest(tmp_path):
    """As computed before names were normalised: of names in UTF-8, NUL between them, sizes and checksums."""
    decomposed = unicodedata.normalize("NFD", "é/1.png")
    files = {"a:b.png": b"1", "Bär/1.png": b"22", decomposed: b"333", "train/ x.png": b"4444"}
    found = list_files(plain(tmp_path / "a.zip", files))
    assert found.digest == "64fcdafc8021ca82aa91289e461c2cffb619cc3be36479e02d3b889372b782d3"


def test_western_names_of_old_programs_are_read_as_before(tmp_path, capsys):
    """They are valid GBK, too."""
    found = list_pictures(pack_bytes(tmp_path / "a.zip", {"Bär/größe.png".encode("cp437"): b"1"}), test_share=0)
    assert names(found) == ["Bär/größe.png"]
    assert "names without a mark for UTF-8 are read as cp437" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("图片", "gbk"),  # its bytes are UTF-8, too
        ("é", "utf-8"),
        ("Café", "utf-8"),
        ("роза", "utf-8"),
        ("Phơ tư", "utf-8"),
        (unicodedata.normalize("NFD", "é"), "utf-8"),
        ("🌹", "utf-8"),
    ],
)
def test_names_without_a_mark_are_read_in_their_encoding(tmp_path, name, encoding):
    root = pack_bytes(tmp_path / "a.zip", {f"{name}/1.png".encode(encoding): b"1"})
    assert names(list_files(root)) == [f"{name}/1.png"]


@pytest.mark.parametrize(("writer", "encoding"), [(chinese, "gbk"), (macos, "utf-8")])
def test_the_encoding_of_names_is_reported_once(tmp_path, writer, encoding, capsys):
    list_pictures(writer(tmp_path / "a.zip", {f"玫瑰/{i}.png": b"1" for i in range(9)}), test_share=0)
    out = capsys.readouterr().out
    assert out.count(f"a.zip: file names without a mark for UTF-8 are read as {encoding}\n") == 1


def test_nothing_is_said_about_names_that_are_marked(tmp_path, capsys):
    list_pictures(pack(tmp_path / "a.zip", {"玫瑰/1.png": b"1", "b/2.png": b"2"}), test_share=0)
    assert capsys.readouterr() == ("", "")


def test_an_unicode_name_of_another_file_is_not_used(tmp_path):
    path = tmp_path / "a.zip"
    info_zip(path, {"玫瑰/1.png": b"1"})
    path.write_bytes(path.read_bytes().replace(b"00000000.txt", b"renamed0.png"))
    assert names(list_files(str(path))) == ["renamed0.png"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("./a/./b.png", "a/b.png"),
        ("a/../../../b.png", "b.png"),
        ("/etc/b.png", "etc/b.png"),
        ("//server/share/b.png", "server/share/b.png"),
        ("d:\\x\\b.png", "x/b.png"),
        ("a\\\\b.png", "a/b.png"),
        ("a/b.png\0.exe", "a/b.png"),
        ("a\nb/c.png", "a\nb/c.png"),
    ],
)
def test_names_stay_below_the_zip_file(tmp_path, name, expected):
    found = list_files(pack_bytes(tmp_path / "a.zip", {name.encode(): b"1"}))
    assert names(found) == [expected]
    assert found.read(0) == b"1"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_several_files_of_a_name_the_last_is_read_as_when_unpacked(tmp_path, capsys):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in (("a.png", b"1"), ("a.png", b"2"), ("./a.png", b"3"), ("b.png", b"4")):
            file.writestr(name, content)
    found = list_pictures(str(path), test_share=0)
    assert [found.read(i) for i in range(2)] == [b"3", b"4"]
    assert read_file(str(path), "./a.png", 1) == b"3"
    with pytest.raises(BadImageError, match="1 bytes, more than the limit of 0"):
        read_file(str(path), "b.png", 0)
    note = "2 other files are not read as pictures: 2 of the same name as a later file (a.png)"
    assert note in capsys.readouterr().err


def test_links_in_a_zip_file_are_passed_over(tmp_path, capsys):
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(link, "a.png")
        file.writestr("a.png", b"1")
    assert names(list_pictures(str(tmp_path / "a.zip"), test_share=0)) == ["a.png"]
    assert "1 symbolic links (link.png)" in capsys.readouterr().err


def test_hidden_files_are_counted(tmp_path):
    root = macos(tmp_path / "a.zip", {"a.txt": b"1", "b.txt": b"2"})
    with pytest.raises(DataError, match=r"only 5 other files: 3 hidden \(.DS_Store\), 2 .txt \(a.txt\)"):
        list_files(root)


@pytest.mark.parametrize(
    "lie",
    [
        {"header_offset": 2**63 + 5},
        {"header_offset": 2**64 - 1},
        {"header_offset": 2**40},
        {"file_size": 2**62},
        {"file_size": 2**64 - 1},
        {"compress_size": 2**62},
        {"compress_size": 2**63},
        {"file_size": 2**62, "compress_size": 2**62},
        {"header_offset": 1},
        {"CRC": 1},
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_fields_that_lie_are_damage(tmp_path, method, lie):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as file:
        file.writestr("a.png", b"content" * 9)
        file.writestr("b.png", b"whole")
        for name, value in lie.items():
            setattr(file.filelist[0], name, value)
    found = list_files(str(tmp_path / "a.zip"))
    with pytest.raises(BadImageError, match="damaged in the zip file"):
        found.read(0)
    assert found.read(1) == b"whole"
    assert len(found.digest) == 64


def test_a_small_file_that_unpacks_to_more_than_it_says_is_damage(tmp_path):
    """Reading it takes no more memory than it says."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.png", bytes(1 << 24))
        file.filelist[0].file_size = 1000
    with pytest.raises(BadImageError, match="damaged in the zip file"):
        list_files(str(tmp_path / "a.zip")).read(0)


def changed(packed, rng):
    """A zip file with some bytes of its directory changed or missing."""
    packed = bytearray(packed)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(packed) // 2, len(packed)))
        if rng.random() < 0.2:
            del packed[place : place + int(rng.integers(1, 20))]
        else:
            packed[place] = rng.integers(256)
    return bytes(packed)


def test_a_damaged_zip_file_is_one_error_or_damaged_pictures(tmp_path, capsys):
    stream, path, rng = io.BytesIO(), tmp_path / "a.zip", np.random.default_rng(0)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("a/1.png", "b/2.png", "玫瑰.txt"):
            file.writestr(name, name * 50)
        file.filelist[0].header_offset = 2**33
    for _ in range(200):
        path.write_bytes(changed(stream.getvalue(), rng))
        try:
            found = list_pictures(str(path), test_share=0)
        except DataError:
            continue
        for index in range(len(found)):
            try:
                found.read(index)
            except BadImageError as error:
                assert "damaged in the zip file" in str(error)  # noqa: PT017
    capsys.readouterr()


def picture(kind="PNG"):
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"7z\xbc\xaf\x27\x1c....", "a 7z archive: unpack it"),
        (b"Rar!\x1a\x07\1\0", "a RAR archive: unpack it"),
        (b"\x1f\x8b\x08\0", "a gzip archive .*: unpack it"),
        (bytes(257) + b"ustar\0" + bytes(500), "a tar archive: unpack it"),
        (b"PK\x03\x04 and then something else", "damaged or incomplete: copy or download it again"),
        (b"\n<!DOCTYPE html><html>", "a web page .*download it again"),
        (picture(), "a single picture: give the folder that it is in"),
        (picture("WEBP"), "a single picture: give the folder that it is in"),
        (b"something else", "File is not a zip file"),
    ],
)
def test_what_another_file_is_is_said(tmp_path, content, what):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match=f"a.zip: neither a folder nor a valid zip file: .*{what}"):
        list_files(str(tmp_path / "a.zip"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    for root in (str(tmp_path / "pipe.zip"), "/dev/zero"):
        with pytest.raises(DataError, match="a pipe, socket or device; give a folder or a zip file"):
            list_files(root)
