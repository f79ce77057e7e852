import io

import pytest
from PIL import Image

from ppgan_lite.data.listing import list_files, list_pictures
from ppgan_lite.data.passed_over import PassedOver, looks_like_picture, shortened
from ppgan_lite.errors import DataError


def picture(kind):
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_pictures_are_known_by_their_beginning(kind):
    assert looks_like_picture(picture(kind)[:16])


@pytest.mark.parametrize("content", [b"", b"BMW, Audi, Fiat and more", b"RIFF....WAVEfmt ", b"text", b"\x89PN"])
def test_other_files_are_not_pictures(content):
    assert not looks_like_picture(content)


def test_pictures_with_a_wrong_suffix_are_named(tmp_path, capfd):
    for name, content in (("a.png", b"x"), ("b", picture("PNG")), ("c.jpg_large", picture("JPEG")), ("d.txt", b"text")):
        (tmp_path / name).write_bytes(content)
    list_pictures(str(tmp_path), test_share=0)
    assert capfd.readouterr().err.endswith(
        "3 other files are not read as pictures: 1 .jpg_large (c.jpg_large), 1 .txt (d.txt), 1 without suffix (b); "
        "2 of them look like pictures (b): rename them, with a suffix such as .png or .jpg\n"
    )
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"no pictures .*, only 3 other files: .*; 2 of them look like pictures"):
        list_files(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("data.zip", "unpack the .zip files, or give a zip file itself as data.root"),
        ("a.tar.gz", "unpack the .gz files"),
        ("IMG_1.HEIC", "convert the .heic files to PNG or JPEG"),
    ],
)
def test_what_to_do_with_files_of_other_kinds_is_said(tmp_path, name, advice, capfd):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=advice):
        list_files(str(tmp_path))
    (tmp_path / "a.png").write_bytes(b"x")
    list_pictures(str(tmp_path), test_share=0)
    assert advice in capfd.readouterr().err


def test_a_thousand_files_at_most_are_looked_into():
    passed, looked = PassedOver(), []
    for number in range(3000):
        passed.add_other(f"{number:04d}")
    passed.add_alike(lambda name: looked.append(name) or b"\x89PNG\r\n\x1a\n")
    assert len(looked) == 1000
    assert "3000 without suffix (0000); 1000 or more of them look like pictures (0000)" in str(passed)


def test_long_names_are_shortened():
    assert shortened("x" * 60) == "x" * 60
    assert shortened("a" * 100 + "b" * 100 + ".png") == "a" * 30 + "..." + "b" * 26 + ".png"
