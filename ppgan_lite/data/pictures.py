"""Decode image files: read by Pillow, cropped to a centred square and resized by OpenCV."""

import contextlib
import functools
import io
import logging
import os
import threading
import warnings
import zlib

import cv2
import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

# Pillow's name of a format -> suffixes of its files. TGA is the last, as its files have no signature. No others: to
# read EPS, for instance, Pillow runs a program.
FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),  # .mpo: several pictures, from phones and 3-D cameras
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"),
    "AVIF": (".avif",),
    "ICO": (".ico",),
    "TGA": (".tga",),
}
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)  # lower case, with the dot
DIM = 32  # an eighth of the range of a picture
MAX_PIXELS = 100_000_000  # limit for one picture, 300 MB of RGB; more in a small file is an attack, not a photograph

logging.getLogger("PIL").addHandler(logging.NullHandler())  # without one, its remarks on damaged files are printed
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"  # first bytes of a file
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_DEPTH = 24  # place of the bits per channel in a PNG file
_SIXTEEN_BITS = ("PNG", "PPM")  # formats for which Pillow's 32-bit mode I has 16 bits (PNG: Pillow before 11.0)
_BITS, _PHOTOMETRIC = 258, 262  # TIFF tags
_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {  # EXIF orientation -> what turns the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadImageError(ValueError):
    """A file that cannot be decoded. The message is short and does not name the file."""


def read_picture(content: bytes, size: int, channels: int) -> np.ndarray:
    """Decode an image file, crop it to its centred square and resize that: uint8 [channels, size, size].

    Raises:
        BadImageError: see `decode`.
    """
    # [size, size, C] -> [C, size, size]
    return np.ascontiguousarray(square(decode(content, channels), size).transpose(2, 0, 1))


def decode(content: bytes, channels: int) -> np.ndarray:
    """Decode an image file as a viewer would show it: PNG, JPEG, WebP, BMP, GIF, TIFF, PPM, JPEG 2000, AVIF, ICO, TGA.

    The kind is known by the content, not by the name. The first picture of several is used, the largest of an ICO file.
    It is turned by its orientation (EXIF, XMP, TIFF or AVIF), transparency becomes white, and CIELAB is converted. 16
    bits are scaled to 8: grey is rounded, of colours the high byte is used. Colour profiles and gamma are not applied:
    CMYK is converted without one. Metadata that cannot be read are ignored.

    Args:
        content: the whole file.
        channels: 3: RGB; 1: grey (ITU-R 601 luma).

    Returns:
        uint8 [height, width, channels].

    Raises:
        BadImageError: empty, truncated, not such a file, or a kind of it that Pillow does not read (JPEG of 12 bits);
            more than MAX_PIXELS pixels; or pixels of unknown range (32-bit integers, floating point).
    """
    if not content:
        raise BadImageError("empty file")
    mode = "L" if channels == 1 else "RGB"
    with warnings.catch_warnings(), _libtiff_muted(content):
        warnings.simplefilter("ignore")  # about odd metadata, and about many pixels: checked below
        try:
            pixels = _read(content, mode)
        except UnidentifiedImageError as error:
            raise BadImageError(_not_identified(content)) from error
        except MemoryError as error:
            raise BadImageError("too large for the memory that is free") from error
        except Exception as error:  # the decoders raise anything: OSError, SyntaxError, struct.error, ...
            reason = str(error).partition("\n")[0]
            raise BadImageError(reason or type(error).__name__) from error
    # [H, W] or [H, W, C] -> [H, W, C]
    return pixels.reshape(*pixels.shape[:2], channels)


def is_dim(content: bytes, picture: np.ndarray) -> bool:
    """Whether a decoded picture is nearly black because its 16-bit values stay below an eighth of their range.

    12-bit values do, as they come from cameras and scanners. Other dark pictures are as dark as they should be.

    Args:
        content: the whole file.
        picture: uint8, what `decode` or `read_picture` made of it.
    """
    if picture.max() >= DIM:
        return False
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        # the others have no 16 bits, or Pillow scales them to 16 bits
        with Image.open(io.BytesIO(content), formats=("PNG", "TIFF", "PPM")) as image:
            return ";16" in str(image.tile)  # Pillow's name of how the pixels are stored, such as RGB;16B
    return False


def square(pixels: np.ndarray, size: int) -> np.ndarray:
    """Crop to the centred square and resize it: uint8 [height, width, C] -> [size, size, C].

    To shrink it, each new pixel is the mean of the area that it covers, which avoids aliasing; to enlarge it,
    interpolation is cubic, as areas would only repeat pixels.
    """
    height, width, channels = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cropped = pixels[top : top + side, left : left + side]
    method = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    # OpenCV drops a single channel: [size, size] or [size, size, C] -> [size, size, C]
    return cv2.resize(cropped, (size, size), interpolation=method).reshape(size, size, channels)


def _read(content: bytes, mode: str) -> np.ndarray:
    """The pixels of an image file, whatever its metadata are: see `_pixels`."""
    try:
        return _pixels(content, mode)
    except Exception:
        if not (bare := _without_metadata(content)):
            raise
        return _pixels(bare, mode)


def _pixels(content: bytes, mode: str) -> np.ndarray:
    """The pixels of an image file in `mode`: uint8 [H, W] for L, [H, W, 3] for RGB."""
    with Image.open(io.BytesIO(content), formats=_formats()) as image:
        if image.width * image.height > MAX_PIXELS:
            raise BadImageError(f"{image.width} x {image.height} pixels, more than the limit of {MAX_PIXELS:,}")
        if image.format == "PNG" and image.mode in ("L", "RGB") and "transparency" in image.info:
            image.info["transparency"] = _in_eight_bits(image.info["transparency"], depth=content[_PNG_DEPTH])
        return np.asarray(_upright(image, _flat(image, mode)))


@functools.cache
def _formats() -> tuple[str, ...]:
    """Those of FORMATS that this version of Pillow knows."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextlib.contextmanager
def _libtiff_muted(content: bytes):
    """Nothing is printed about a damaged TIFF file: libtiff writes to stderr, and Pillow has no switch for it.

    stderr belongs to the whole process, so only its main thread replaces it.
    """
    if not content.startswith(_TIFF) or threading.current_thread() is not threading.main_thread():
        yield
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # no stderr at all
            stderr = os.dup(2)
            stack.callback(os.close, stderr)
            with open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), 2)
            stack.callback(os.dup2, stderr, 2)
        yield


def _in_eight_bits(colour, depth: int):
    """A PNG file's transparent colour, a level or three, which Pillow leaves in the file's own depth (bits)."""
    if isinstance(colour, tuple):
        return tuple(_in_eight_bits(level, depth) for level in colour)
    return colour >> 8 if depth == 16 else (colour & (1 << depth) - 1) * 255 // ((1 << depth) - 1)


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """The image in `mode`, L or RGB, without transparency (which becomes white)."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in _SIXTEEN_BITS):
        image = Image.fromarray(_grey(image))
    elif image.mode in ("I", "F"):
        raise BadImageError("32-bit pixels of unknown range")
    elif image.mode == "LAB":
        image = ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    elif image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        image = image.convert("RGB")
    return image.convert(mode)


def _grey(image: Image.Image) -> np.ndarray:
    """Grey of 16 bits, or of 12 in a TIFF file, scaled to 8 bits: uint8 [H, W]; convert("L") would clip at 255."""
    levels, tags = np.asarray(image), getattr(image, "tag_v2", {})
    largest = 4095 if tags.get(_BITS) == (12,) else 65535
    grey = np.rint(levels.astype("float32") / (largest / 255)).astype("uint8")
    if tags.get(_PHOTOMETRIC) == 0:  # 0 is white: Pillow heeds it for 8 bits only
        grey = 255 - grey
    if "transparency" in image.info:
        grey[levels == image.info["transparency"]] = 255
    return grey


def _upright(image: Image.Image, pixels: Image.Image) -> Image.Image:
    """The pixels, turned by the image's orientation; EXIF data that cannot be read are ignored."""
    if image.format == "TIFF":  # Pillow has turned these when it loaded them
        return pixels
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:
        return pixels
    return pixels if turn is None else pixels.transpose(turn)


def _without_metadata(content: bytes) -> bytes:
    """A PNG or JPEG file with nothing but its pixels and its orientation; empty for other files.

    Pillow refuses a picture for a long text, or for a wrong checksum of one.
    """
    if content.startswith(_PNG):
        return _PNG + b"".join(_needed_chunks(content))
    if content.startswith(_JPEG):
        return b"\xff\xd8" + b"".join(_needed_segments(content))
    return b""


def _needed_chunks(content: bytes):
    """Yield the chunks of a PNG file that matter for its pixels, and its EXIF data if they are undamaged."""
    start, kind = len(_PNG), None
    while start < len(content) and kind != b"IEND":
        kind = content[start + 4 : start + 8]
        chunk = content[start : start + int.from_bytes(content[start : start + 4], "big") + 12]
        whole = zlib.crc32(chunk[4:-4]).to_bytes(4, "big") == chunk[-4:]
        if kind[:1].isupper() or kind == b"tRNS" or (kind == b"eXIf" and whole):  # a capital: not optional
            yield chunk
        start += len(chunk)


def _needed_segments(content: bytes):
    """Yield the segments of a JPEG file without comments and applications' data, but with its orientation."""
    start = 2
    while len(content) >= start + 4 and content[start] == 0xFF and content[start + 1] not in (0xDA, 0xFF):
        marker, end = content[start + 1], start + 2 + int.from_bytes(content[start + 2 : start + 4], "big")
        segment, start = content[start:end], end
        if segment[4:10] == b"Exif\0\0":
            yield _orientation_segment(segment[4:])
        # Among applications' data (E0 to EF), JFIF (E0, 18 bytes) and Adobe's (EE) define the colours; FE is a comment.
        elif marker not in (*range(0xE1, 0xEE), 0xEF, 0xFE) and (marker != 0xE0 or len(segment) >= 18):
            yield segment
    yield content[start:]  # the pixels


def _orientation_segment(exif: bytes) -> bytes:
    """A JPEG file's EXIF segment with nothing but the orientation; empty if there is none that can be read."""
    old, new = Image.Exif(), Image.Exif()
    try:
        old.load(exif)
        new[_ORIENTATION] = old[_ORIENTATION]
        content = new.tobytes()
    except Exception:
        return b""
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


def _not_identified(content: bytes) -> str:
    """Why Pillow does not take a file for any of FORMATS."""
    for start, name in ((_PNG, "PNG"), (_JPEG, "JPEG"), (_TIFF, "TIFF"), (b"GIF8", "GIF")):
        if content.startswith(start):
            return f"a {name} file with a damaged header, or of a kind that is not read"
    return "not a PNG, JPEG, WebP, BMP, GIF, TIFF, PPM, JPEG 2000, AVIF, ICO or TGA file"
