import os
import zipfile

import numpy as np
import pytest
from zip_writers import WRITERS, absolute, pack

from ppgan_lite.data.attribute_list import read_list
from ppgan_lite.errors import DataError

CELEBA = "3\nBlack_Hair Male\n000001.jpg -1  1\n000002.jpg  1 -1\n000003.jpg  1  1\n"
NO_NAMES = "it must have the names of the attributes, with blanks or commas between them"
VALUES = [[0, 1], [1, 0], [1, 1]]


def read(folder, text):
    (folder / "list.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_list(str(folder), "list.txt")


@pytest.mark.parametrize(
    "text",
    [
        CELEBA,
        CELEBA.removeprefix("3\n"),
        CELEBA.replace("-1", "0"),
        CELEBA.replace("\n", "\r\n"),
        CELEBA.rstrip("\n"),
        CELEBA.replace("\n", "  \n\n") + "\n \n",
        CELEBA.replace(" ", "\t"),
        b"\xef\xbb\xbf" + CELEBA.encode(),  # a byte-order mark, as by Windows
        CELEBA.replace("0000", "./0000"),
        "image_id,Black_Hair,Male\n000001.jpg,-1,1\n000002.jpg,1,-1\n000003.jpg,1,1\n",
        '"image_id", "Black_Hair", "Male"\r\n"000001.jpg", 0, 1\r\n"000002.jpg", 1, 0\r\n"000003.jpg", 1, 1\r\n',
    ],
)
def test_the_forms_of_a_list(tmp_path, capsys, text):
    found = read(tmp_path, text)
    assert found.names == ("Black_Hair", "Male")
    assert found.rows == {"000001.jpg": 0, "000002.jpg": 1, "000003.jpg": 2}
    assert found.values.tolist() == VALUES
    assert found.values.dtype == np.uint8
    assert capsys.readouterr().err == ""


def test_in_a_csv_file_a_name_may_have_blanks_and_commas(tmp_path):
    found = read(tmp_path, 'picture,black hair,male\n"a, b c.jpg",1,1\n')
    assert (found.names, list(found.rows)) == (("black hair", "male"), ["a, b c.jpg"])


def test_a_name_may_have_blanks_folders_and_any_letters(tmp_path):
    found = read(tmp_path, "smiling\nmy pictures\\a  b 1.jpg 1\n\u56fe\u7247/e\u0301.jpg -1\n-1.jpg 0\n")
    assert list(found.rows) == ["my pictures/a  b 1.jpg", "\u56fe\u7247/\xe9.jpg", "-1.jpg"]
    assert found.values.tolist() == [[1], [0], [0]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it needs a line with the names of the attributes, and a line for each picture"),
        ("2\n", "it needs a line with the names of the attributes, and a line for each picture"),
        ("2\nx y\n", "it needs a line with the names of the attributes, and a line for each picture"),
        ("a.jpg 1 -1\nb.jpg 1 1\n", f"line 1: {NO_NAMES}"),
        ("a.jpg,1,-1\nb.jpg,1,1\n", f"line 1: {NO_NAMES}"),
        ("image_id,x,\na.jpg,1,1\n", f"line 1: {NO_NAMES}"),
        ('image_id,"x\na.jpg,1\n', f"line 1: {NO_NAMES}"),
        ("image_id,x,y\na.jpg,1\n", "line 2: values: 1, attributes: 2"),
        ("image_id,x,y\na.jpg,1,1,1\n", "line 2: values: 3, attributes: 2"),
        ("image_id,x,y\na.jpg 1 1\n", "line 2: values: 0, attributes: 2"),
        ('image_id,x\n"a.jpg,1\n', "line 2: values: 0, attributes: 1"),
        ("image_id,x\na.jpg,\n", "line 2: '' in place of 1, -1 or 0, or too few values"),
        ("x y x\na.jpg 1 1 1\n", "line 1: the attribute x appears twice"),
        ("2\nx y\n\na.jpg 1 1\nb.jpg 1\n", "line 5: values: 1, attributes: 2"),
        ("x y\na.jpg\n", "line 2: values: 0, attributes: 2"),
        ("x y\na b.jpg 1\n", "line 2: 'b.jpg' in place of 1, -1 or 0, or too few values"),
        ("x y\na.jpg 1 2\n", "line 2: '2' in place of 1, -1 or 0, or too few values"),
        ("x y\na.jpg 1 nan\n", "line 2: 'nan' in place of 1, -1 or 0, or too few values"),
        ("x y\na.jpg 1 1\nb.jpg 0 0\n./a.jpg 1 1\n", "line 4: a.jpg is in the list twice"),
        (b"x y\na.jpg 1 1\n\xcd\xd0.jpg 1 1\n", "line 3: not UTF-8; save the list as text in UTF-8"),
        ("x y\na.jpg 1 1\n".encode("utf-16"), "line 1: not UTF-8; save the list as text in UTF-8"),
    ],
)
def test_damaged_lists_are_refused_with_the_line(tmp_path, text, problem):
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert str(caught.value) == f"data.list_file: {tmp_path}/list.txt: {problem}"


@pytest.mark.parametrize("text", ["9\nx\na.jpg 1\n", "0\nx\na.jpg 1\n"])
def test_a_wrong_count_is_a_warning(tmp_path, capsys, text):
    assert len(read(tmp_path, text).rows) == 1
    assert f"its first line says {text[0]} pictures, but it has 1: is it complete?" in capsys.readouterr().err


def test_a_list_that_cannot_be_read(tmp_path):
    for name, reason in (("no.txt", "No such file or directory"), (".", "Is a directory")):
        with pytest.raises(DataError, match=reason):
            read_list(str(tmp_path), name)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="cannot be read: is not a regular file"):
        read_list(str(tmp_path), "pipe")


@pytest.mark.parametrize("write", WRITERS)
def test_a_list_in_a_zip_file(tmp_path, write):
    path = write(tmp_path / "a.zip", {"\u56fe\u7247/list.txt": CELEBA.encode()})
    folder = "data/" if write is absolute else ""
    assert read_list(str(path), f"{folder}\u56fe\u7247/list.txt").values.tolist() == VALUES
    with pytest.raises(DataError, match=r"a\.zip/no\.txt: cannot be read: no such file in the zip file"):
        read_list(str(path), "no.txt")


def test_damaged_zip_files(tmp_path):
    path = pack(tmp_path / "a.zip", {"list.txt": CELEBA.encode()}, zipfile.ZIP_DEFLATED)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[45] ^= 255
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"list\.txt: cannot be read: damaged in the zip file"):
        read_list(path, "list.txt")
    (tmp_path / "a.zip").write_bytes(content[:-30])
    with pytest.raises(DataError, match=r"list\.txt: cannot be read: File is not a zip file"):
        read_list(path, "list.txt")


def test_a_path_counts_before_a_name_without_folders(tmp_path):
    found = read(tmp_path, "x\na.jpg 1\ntrain/b.jpg 1\ntrain/a.jpg 0\n")
    files = [b"train/a.jpg", b"test/a.jpg", b"a.jpg", b"train/b.jpg", b"test/b.jpg", b"b.jpg", b"e/\xff.jpg"]
    assert found.find(files).tolist() == [2, 0, 0, 1, -1, -1, -1]


def test_chosen_attributes_are_in_their_order(tmp_path):
    found = read(tmp_path, CELEBA)
    chosen = found.choose(("Male", "Black_Hair"))
    assert (chosen.names, chosen.rows) == (("Male", "Black_Hair"), found.rows)
    assert chosen.values.tolist() == [row[::-1] for row in VALUES]
    with pytest.raises(DataError) as caught:
        found.choose(("Male", "black_hiar"))
    assert str(caught.value) == (
        f"data.attributes: 'black_hiar' is not in {tmp_path}/list.txt, which has Black_Hair, Male; "
        "did you mean Black_Hair?"
    )
