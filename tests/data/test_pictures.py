import contextlib
import io
import os
import struct
import zlib

import cv2
import numpy as np
import PIL
import pytest
from PIL import Image, ImageCms

from ppgan_lite.data import pictures
from ppgan_lite.data.pictures import FORMATS, SUFFIXES, BadImageError, decode, is_dim, read_picture, square

GREY = np.add.outer(np.arange(24) * 7, np.arange(31) * 2).astype("uint8")  # [24, 31]: different in every orientation
COLOUR = np.stack([GREY, 255 - GREY, GREY[::-1]], axis=-1)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(stream, kind, **options)
    return stream.getvalue()


def needs(kind):
    """Skip the test where this version of Pillow has no such format."""
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"Pillow {PIL.__version__} cannot write {kind}")


def tiff(levels, bits, photometric=1):
    """An uncompressed grey TIFF file of one strip, which Pillow cannot write: `levels` (bytes) is [1, 4]."""
    tags = [(256, 4), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, 1)]
    entries = [struct.pack("<HHII", tag, 3, 1, value) for tag, value in [*tags, (279, len(levels))]]
    head = b"II*\0" + struct.pack("<I", 8 + len(levels))
    return head + levels + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def chunk(kind, content):
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def segment(marker, content):
    """A segment of a JPEG file."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def exif(**tags):
    """EXIF data: orientation=6, x_resolution=72.0, ..."""
    data = Image.Exif()
    for name, value in tags.items():
        data[{"orientation": 0x0112, "x_resolution": 0x011A, "make": 0x010F}[name]] = value
    return data


def luma(colour):
    return np.rint(colour @ [0.299, 0.587, 0.114])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {}) for kind in ("PNG", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "TGA")),
        *(("TIFF", {"compression": name}) for name in ("tiff_lzw", "tiff_deflate", "packbits")),
        ("TGA", {"compression": "tga_rle"}),
        ("ICO", {"sizes": [(31, 24)]}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_lossless_files_give_their_pixels(kind, options):
    content = encoded(COLOUR, kind, **options)
    np.testing.assert_array_equal(decode(content, 3), COLOUR)
    grey = decode(content, 1)
    assert grey.shape == (24, 31, 1)
    np.testing.assert_allclose(grey[..., 0], luma(COLOUR), atol=1)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_files_give_nearly_their_pixels(kind):
    smooth = cv2.GaussianBlur(COLOUR, (0, 0), 3)
    needs(kind)
    pixels = decode(encoded(smooth, kind, quality=95), 3)
    assert np.abs(pixels.astype(float) - smooth).mean() < 3


def test_grey_files_give_equal_channels():
    content = encoded(GREY, "PNG")
    np.testing.assert_array_equal(decode(content, 1), GREY[..., None])
    np.testing.assert_array_equal(decode(content, 3), np.repeat(GREY[..., None], 3, axis=2))


def test_one_bit_becomes_black_and_white():
    white = GREY > 100
    pixels = decode(encoded(Image.fromarray(white), "PNG"), 1)
    np.testing.assert_array_equal(pixels[..., 0], white * 255)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_grey_is_scaled(suffix):
    levels = np.array([[0, 128, 129, 257, 0x8000, 65534, 65535, 1000]], "uint16")
    content = cv2.imencode(suffix, levels)[1].tobytes()
    for channels in (1, 3):
        np.testing.assert_array_equal(decode(content, channels)[0, :, 0], [0, 0, 1, 1, 128, 255, 255, 4])


def test_sixteen_bit_colour_is_scaled():
    levels = COLOUR.astype("uint16") * 257
    content = cv2.imencode(".png", levels[..., ::-1])[1].tobytes()  # OpenCV's order is BGR
    np.testing.assert_array_equal(decode(content, 3), COLOUR)


def test_a_palette_is_looked_up():
    image = Image.fromarray(COLOUR).quantize(16)
    expected = np.array(image.convert("RGB"))
    for kind in ("PNG", "GIF", "BMP"):
        np.testing.assert_array_equal(decode(encoded(image, kind), 3), expected)


def test_transparent_colours_of_a_palette_are_white():
    image = Image.fromarray(np.array([[0, 1, 2]], "uint8"), "P")
    image.putpalette([200, 0, 0, 0, 100, 0, 0, 0, 50])
    png = encoded(image, "PNG", transparency=bytes([255, 0, 102]))  # 102 of 255: two fifths
    np.testing.assert_array_equal(decode(png, 3), [[[200, 0, 0], [255, 255, 255], [153, 153, 173]]])
    gif = encoded(image, "GIF", transparency=1)
    np.testing.assert_array_equal(decode(gif, 3), [[[200, 0, 0], [255, 255, 255], [0, 0, 50]]])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_flattened_onto_white(kind):
    colour, alpha = np.array([10, 20, 250]), np.array([255, 51, 0])[:, None]
    rgba = np.concatenate([np.tile(colour, (3, 1)), alpha], axis=1)[None].astype("uint8")  # [1, 3, 4]
    options = {"lossless": True} if kind == "WEBP" else {}
    expected = 255 + (colour - 255) * alpha / 255
    np.testing.assert_allclose(decode(encoded(rgba, kind, **options), 3)[0], expected, atol=1)
    np.testing.assert_allclose(decode(encoded(rgba, kind, **options), 1)[0, :, 0], luma(expected), atol=1)


def test_grey_with_alpha_is_flattened_onto_white():
    image = Image.fromarray(np.array([[[100, 255], [100, 0]]], "uint8"), "LA")
    np.testing.assert_array_equal(decode(encoded(image, "PNG"), 1), [[[100], [255]]])


def test_a_colour_declared_transparent_is_white():
    content = encoded(np.array([[[9, 9, 9], [9, 9, 8]]], "uint8"), "PNG", transparency=(9, 9, 9))
    np.testing.assert_array_equal(decode(content, 3), [[[255, 255, 255], [9, 9, 8]]])


def test_cmyk_files_are_not_inverted():
    inks = np.zeros((16, 16, 4), "uint8")
    inks[..., 1] = 255  # cyan 0, magenta full, yellow 0, black 0
    pixels = decode(encoded(Image.fromarray(inks, "CMYK"), "JPEG", quality=100), 3)
    np.testing.assert_allclose(pixels, np.broadcast_to([255, 0, 255], pixels.shape), atol=3)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {"quality": 95}) for kind in ("JPEG", "WEBP", "AVIF")),
        *((kind, {}) for kind in ("PNG", "TIFF")),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg", "quality": 95}),
    ],
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(orientation, kind, options):
    """The file has the picture as the EXIF standard defines each orientation: by where row 0 and column 0 are."""
    upright = np.zeros((16, 32, 3), "uint8")  # a bright corner and a grey one
    upright[:8, :8], upright[:8, 24:] = 255, 128
    stored = {  # orientation -> picture in the file
        1: lambda x: x,
        2: lambda x: x[:, ::-1],  # row 0 at the top, column 0 on the right
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.swapaxes(0, 1),  # row 0 on the left, column 0 at the top
        6: lambda x: np.rot90(x),  # row 0 on the right, column 0 at the top
        7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
        8: lambda x: np.rot90(x, -1),
    }[orientation](upright)
    needs(kind)
    content = encoded(np.ascontiguousarray(stored), kind, exif=exif(orientation=orientation), **options)
    pixels = decode(content, 3)
    assert pixels.shape == upright.shape
    np.testing.assert_allclose(pixels, upright, atol=12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_is_ignored(kind):
    content = encoded(COLOUR, kind, exif=b"Exif\0\0rubbish")
    assert decode(content, 3).shape == COLOUR.shape


def test_the_first_frame_of_an_animation_is_used():
    frames = [Image.fromarray(np.full((8, 8), value, "uint8")) for value in (30, 200)]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        options = {"lossless": True} if kind == "WEBP" else {}
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        np.testing.assert_array_equal(decode(content, 1), np.full((8, 8, 1), 30))


def bomb(width, height):
    """A small PNG file with a header that announces a picture of this size."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"\0"))
    framed = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def truncated(kind):
    content = encoded(np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8"), kind)
    return content[: len(content) * 2 // 3]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (
            b"Not a picture, but a text of some length that is called one.",
            "not a PNG, JPEG, WebP, BMP, GIF, TIFF, PPM, ",
        ),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a PNG"),
        (b"\x89PNG\r\n\x1a\n", "a PNG file with a damaged header"),
        (segment(0xD8, b"")[:2] + segment(0xC1, b"\x0c" + bytes(14)), "a JPEG file with .* a kind that is not read"),
        (b"\xff\xd8\xff", "a JPEG file with a damaged header"),
        (b"II*\0" + bytes(40), "a TIFF file with a damaged header"),
        *((truncated(kind), ".") for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")),
        (truncated("JPEG"), "truncated"),
        (bomb(10_001, 10_000), "10001 x 10000 pixels, more than the limit of 100,000,000"),
        (bomb(2**30, 2**30), "decompression bomb"),
        (encoded(Image.fromarray(np.ones((4, 4), "float32")), "TIFF"), "32-bit pixels of unknown range"),
        (encoded(Image.fromarray(np.ones((4, 4), "int32")), "TIFF"), "32-bit pixels of unknown range"),
    ],
)
def test_other_files_are_refused_with_a_short_reason(content, reason, recwarn):
    with pytest.raises(BadImageError, match=reason) as caught:
        decode(content, 3)
    assert str(caught.value)
    assert len(str(caught.value)) < 150
    assert "\n" not in str(caught.value)
    assert not [str(w.message) for w in recwarn]


TEXT = zlib.compress(b"x" * (3 << 20))  # longer than the 1 MB that Pillow takes


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize(
    "added",
    [
        chunk(b"zTXt", b"key\0\0" + TEXT),
        chunk(b"iTXt", b"key\0\1\0\0\0" + TEXT),
        chunk(b"iCCP", b"key\0\0" + TEXT),
        chunk(b"iCCP", b"key\0\5of an unknown kind"),
        chunk(b"tEXt", b"key\0wrong checksum")[:-1] + b"!",
        chunk(b"eXIf", b"II*\0wrong checksum")[:-1] + b"!",
        chunk(b"tEXt", b"transparency\0a text, not a colour"),
        chunk(b"tEXt", b"key\0" + bytes(70 << 20)),
        *(chunk(kind, b"") for kind in (b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"acTL", b"fcTL", b"iCCP", b"tIME")),
    ],
    ids=range(16),
)
def test_png_metadata_never_make_a_picture_unreadable(added, place):
    content = encoded(COLOUR, "PNG")
    at = {"first": 33, "last": len(content) - 12}[place]  # after IHDR, or before IEND
    np.testing.assert_array_equal(decode(content[:at] + added + content[at:], 3), COLOUR)


def test_jpeg_metadata_never_make_a_picture_unreadable():
    content, rng = encoded(COLOUR, "JPEG"), np.random.default_rng(0)
    several = encoded(COLOUR, "MPO", save_all=True, append_images=[Image.fromarray(COLOUR)])
    starts = {
        0xE0: content[6:20],
        0xE1: b"Exif\0\0" + exif(x_resolution=72.0, make="maker").tobytes()[6:],
        0xE2: several[several.index(b"MPF\0") :][:90],
        0xED: b"Photoshop 3.0\0008BIM\x03\xed\0\0\0\0\0\x10" + bytes(16),
        0xFE: b"a comment",
    }
    for marker, start in list(starts.items()) * 100:
        damaged = bytearray(start)
        for place in rng.integers(0, len(damaged), 4):
            damaged[place] = rng.choice([0, 1, 255, rng.integers(256)])
        added = segment(marker, bytes(damaged[: rng.integers(len(damaged) + 1)]))
        assert decode(content[:2] + added + content[2:], 3).shape in ((24, 31, 3), (31, 24, 3)), added


@pytest.mark.parametrize(
    ("kind", "at", "added"),
    [
        ("PNG", 33, chunk(b"zTXt", b"key\0\0" + TEXT)),
        ("JPEG", 2, segment(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0")),
    ],
)
def test_pictures_with_unreadable_metadata_are_turned_upright(kind, at, added):
    content = encoded(COLOUR, kind, exif=exif(orientation=6))
    expected = decode(content, 3)
    assert expected.shape == (31, 24, 3)
    np.testing.assert_array_equal(decode(content[:at] + added + content[at:], 3), expected)


def test_the_first_picture_of_an_mpo_file_is_used():
    content = encoded(COLOUR, "MPO", save_all=True, append_images=[Image.fromarray(255 - COLOUR)])
    assert Image.open(io.BytesIO(content)).format == "MPO"
    np.testing.assert_array_equal(decode(content, 3), decode(encoded(COLOUR, "JPEG"), 3))


def test_the_largest_picture_of_an_icon_is_used():
    sizes = [(16, 16), (24, 24)]
    assert decode(encoded(Image.fromarray(COLOUR).resize((32, 32)), "ICO", sizes=sizes), 3).shape == (24, 24, 3)


@pytest.mark.parametrize("depth", [2, 4, 16])
def test_a_level_declared_transparent_is_white_at_every_depth(depth):
    """Row 0 of the file has the levels 0 to 3, of which 2 is transparent."""
    bits = "".join(f"{level:0{depth}b}" for level in range(4))
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    header = struct.pack(">IIBBBBB", 4, 1, depth, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"tRNS", struct.pack(">H", 2)), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
    levels = np.rint(np.arange(4) * 255 / (2**depth - 1))
    levels[2] = 255
    np.testing.assert_array_equal(decode(content, 1)[0, :, 0], levels)


def test_a_sixteen_bit_colour_declared_transparent_is_white():
    row = b"\0" + struct.pack(">6H", 0x1234, 0, 0xFF00, 0x9934, 0, 0xFF00)
    header, colour = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0), struct.pack(">3H", 0x1234, 0, 0xFF00)
    parts = [(b"IHDR", header), (b"tRNS", colour), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
    np.testing.assert_array_equal(decode(content, 3), [[[255, 255, 255], [0x99, 0, 255]]])


def test_twelve_bit_grey_is_scaled():
    content = tiff(bytes.fromhex("000 800 FFF 00F".replace(" ", "")), bits=12)
    np.testing.assert_array_equal(decode(content, 1)[0, :, 0], [0, 128, 255, 1])


def test_sixteen_bits_with_white_as_zero_are_inverted():
    content = tiff(struct.pack("<4H", 0, 65535, 257, 0x8000), bits=16, photometric=0)
    np.testing.assert_array_equal(decode(content, 1)[0, :, 0], [255, 0, 254, 127])


def test_cielab_is_converted():
    colours = np.array([[[255, 255, 255], [0, 0, 0], [119, 119, 119], [200, 40, 60]]], "uint8")
    lab = ImageCms.profileToProfile(
        Image.fromarray(colours), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    np.testing.assert_allclose(decode(encoded(lab, "TIFF"), 3), colours, atol=3)


def test_a_picture_that_does_not_fit_into_memory_is_a_bad_one(monkeypatch):
    def too_large(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(Image, "open", too_large)
    with pytest.raises(BadImageError, match="too large for the memory that is free"):
        decode(encoded(COLOUR, "PNG"), 3)


@pytest.mark.parametrize("kind", [".png", ".tiff", ".pgm"])
def test_twelve_bit_values_in_sixteen_bits_are_noticed(kind):
    twelve = GREY.astype("uint16") << 4
    for levels, dim in ((twelve, True), (twelve << 4, False), (GREY // 16, False)):  # the last: as dark, in 8 bits
        content = cv2.imencode(kind, levels)[1].tobytes()
        assert is_dim(content, decode(content, 1)) == dim


def test_twelve_bit_colours_in_sixteen_bits_are_noticed():
    content = cv2.imencode(".png", COLOUR.astype("uint16") << 4)[1].tobytes()
    assert is_dim(content, decode(content, 3))


def test_damaged_files_print_nothing(capfd):
    for name in ("tiff_lzw", "tiff_deflate", "jpeg"):
        content = bytearray(encoded(COLOUR, "TIFF", compression=name))
        content[60:90] = bytes(30)
        with contextlib.suppress(BadImageError):
            decode(bytes(content), 3)
    os.write(2, b"stderr is back\n")
    assert capfd.readouterr() == ("", "stderr is back\n")


def test_suffixes_are_those_of_the_formats_that_are_read():
    known = Image.registered_extensions() | {".jif": "JPEG", ".mpo": "JPEG", ".avif": "AVIF"}  # Pillow calls it MPO
    assert {known[suffix] for suffix in SUFFIXES} == set(FORMATS)
    assert all(known[suffix] == name for name, suffixes in FORMATS.items() for suffix in suffixes)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)


def test_random_damage_gives_a_picture_or_a_bad_image_error():
    rng = np.random.default_rng(0)
    kinds = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "ICO", "TGA")
    whole = [encoded(COLOUR, kind) for kind in kinds]
    refused = 0
    for content in whole * 50:
        damaged = bytearray(content)
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] = rng.integers(256)
        try:
            assert decode(bytes(damaged), 3).shape[2] == 3
        except BadImageError:
            refused += 1
    assert 0 < refused < 500


def test_the_square_is_the_centre():
    pixels = np.zeros((40, 60, 3), "uint8")
    pixels[:, 10:50] = 200
    for turned in (pixels, pixels.swapaxes(0, 1)):
        np.testing.assert_array_equal(square(turned, 10), np.full((10, 10, 3), 200))


def test_a_picture_of_the_right_size_is_unchanged():
    np.testing.assert_array_equal(square(COLOUR[:, :24], 24), COLOUR[:, :24])


@pytest.mark.parametrize("channels", [1, 3])
def test_smaller_pictures_are_means_of_areas(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48, channels), "uint8")
    means = pixels.reshape(16, 3, 16, 3, channels).mean(axis=(1, 3))
    np.testing.assert_allclose(square(pixels, 16), means, atol=0.6)


def test_fine_stripes_do_not_alias():
    stripes = np.zeros((100, 100, 1), "uint8")
    stripes[:, ::2] = 255
    assert np.ptp(square(stripes, 32).astype(int)) < 90  # picking pixels gives 255, bilinear interpolation 170
    assert abs(square(stripes, 32).mean() - 127.5) < 2


def test_larger_pictures_are_smooth():
    ramp = np.repeat(np.arange(0, 160, 10, dtype="uint8")[None, :, None], 16, axis=0)
    larger = square(ramp, 64).astype(int)
    assert larger.shape == (64, 64, 1)
    assert np.diff(larger[0, 8:-8, 0]).max() <= 4  # repeated pixels would have steps of 10


def test_a_picture_comes_as_channels_first():
    picture = read_picture(encoded(COLOUR, "PNG"), 8, 3)
    assert (picture.shape, picture.dtype) == ((3, 8, 8), np.uint8)
    assert picture.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(picture, square(COLOUR, 8).transpose(2, 0, 1))
    assert read_picture(encoded(COLOUR, "PNG"), 64, 1).shape == (1, 64, 64)


def test_pixels_up_to_the_limit_are_read(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 24 * 31)
    assert decode(encoded(COLOUR, "PNG"), 3).shape == COLOUR.shape
    monkeypatch.setattr(pictures, "MAX_PIXELS", 24 * 31 - 1)
    with pytest.raises(BadImageError, match="31 x 24 pixels, more than the limit of 743"):
        decode(encoded(COLOUR, "PNG"), 3)
