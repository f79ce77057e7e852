"""Decode image files: read by Pillow, cropped to a centred square and resized by OpenCV."""

import io
import warnings

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")  # no others: to read EPS, for instance, Pillow runs a program
MAX_PIXELS = 100_000_000  # limit for one picture, 300 MB of RGB; more in a small file is an attack, not a photograph

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
    """Decode an image file (PNG, JPEG, WebP, BMP, TIFF; the first frame of a GIF) as a viewer would show it.

    It is turned by its EXIF orientation, transparency becomes white, and 16-bit grey is scaled to 8 bits. Colour
    profiles are not applied.

    Args:
        content: the whole file.
        channels: 3: RGB; 1: grey (ITU-R 601 luma).

    Returns:
        uint8 [height, width, channels].

    Raises:
        BadImageError: empty, truncated, not an image, more than MAX_PIXELS pixels, or pixels of unknown range.
    """
    if not content:
        raise BadImageError("empty file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata, and about many pixels: checked below
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise BadImageError(f"{image.width} x {image.height} pixels, more than the limit of {MAX_PIXELS:,}")
                pixels = np.asarray(_upright(image, _flat(image, "L" if channels == 1 else "RGB")))
        except UnidentifiedImageError as error:
            raise BadImageError("not a PNG, JPEG, WebP, BMP, GIF or TIFF file") from error
        except Exception as error:  # the decoders raise anything: OSError, SyntaxError, struct.error, ...
            reason = str(error).partition("\n")[0]
            raise BadImageError(reason or type(error).__name__) from error
    # [H, W] or [H, W, C] -> [H, W, C]
    return pixels.reshape(*pixels.shape[:2], channels)


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


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """The image in `mode`, L or RGB, without transparency (which becomes white)."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):  # I: Pillow before 11.0
        grey = np.asarray(image).astype("float32") / 257  # 65535 -> 255; convert("L") would clip at 255
        image = Image.fromarray(np.rint(grey).astype("uint8"))
    elif image.mode in ("I", "F"):
        raise BadImageError("32-bit pixels of unknown range")
    elif image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        image = image.convert("RGB")
    return image.convert(mode)


def _upright(image: Image.Image, pixels: Image.Image) -> Image.Image:
    """The pixels, turned by the image's EXIF orientation; EXIF data that cannot be read are ignored."""
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:
        return pixels
    return pixels if turn is None else pixels.transpose(turn)
