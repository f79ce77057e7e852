"""Grids of images, and picture files."""

import math
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.errors import RunError
from ppgan_lite.files import writing

JPEG_PIXELS = 65_500  # largest width and height of a JPEG
JPEG_COMMENT = 60_000  # most bytes of metadata in a JPEG
GAP = 2  # pixels between the images of a grid
MOST_COLUMNS = 16  # with more, images would be too small to see
COMPARED = 32  # most groups of images in a picture of comparisons, for images of up to
COMPARED_SIDE = 64  # pixels; half as many for twice the side
COMPARED_PIXELS = 2_000_000  # about the most in such a picture, as a run writes and keeps many
COMPARED_WIDTH = 1_000  # about the most pixels in a row of it, to be seen on a screen at full size
GROUP_GAP = 8  # pixels between groups


def grid(images, columns: int | None = None, gap: int = GAP) -> np.ndarray:
    """Arrange images in rows, on black, `gap` pixels apart: [N, C, H, W] in [-1, 1] -> uint8 [height, width, C].

    By default the grid is as square as possible.
    """
    pixels = to_uint8(images)
    num, height, width, channels = pixels.shape
    columns = min(columns or math.ceil(math.sqrt(num)), num)
    rows = math.ceil(num / columns)
    sheet = np.zeros((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), "uint8")
    for i, image in enumerate(pixels):
        top, left = gap + i // columns * (height + gap), gap + i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def num_compared(height: int, width: int, images: int, grids: int) -> int:
    """Number of groups in each of the stacked grids of a picture of comparisons: a power of two, at least 1.

    Args:
        height, width: pixels of an image.
        images: number of images in a group.
        grids: number of grids.
    """
    fitting = COMPARED_PIXELS // (grids * (height + GROUP_GAP) * (group_width(width, images) + GROUP_GAP))
    return _power_of_two(min(COMPARED, COMPARED * COMPARED_SIDE // max(height, width), fitting))


def comparisons(images: list[np.ndarray]) -> np.ndarray:
    """A grid of groups, an input and what is compared with it: [N, C, H, W] each -> uint8 [height, width, C].

    Groups are farther apart than the images of one, and there are as many in a row as are easily seen, a power of two.
    """
    num, channels, height, width = images[0].shape
    groups = np.full((num, channels, height, group_width(width, len(images))), -1, "float32")
    for i, array in enumerate(images):
        left = i * (width + GAP)
        groups[:, :, :, left : left + width] = array
    return grid(groups, _power_of_two(COMPARED_WIDTH // (groups.shape[3] + GROUP_GAP)), GROUP_GAP)


def group_width(width: int, images: int) -> int:
    """Pixels of a row of images of this width."""
    return images * (width + GAP) - GAP


def _power_of_two(most: int) -> int:
    """The largest power of two that is at most `most`, and at least 1."""
    return 2 ** (max(1, most).bit_length() - 1)


def stacked(grids: list[np.ndarray]) -> np.ndarray:
    """Stack grids vertically, on black: uint8 [height, width, C] each -> [sum of heights, largest width, C]."""
    width, channels = (max(sheet.shape[axis] for sheet in grids) for axis in (1, 2))
    same = [sheet.repeat(channels // sheet.shape[2], 2) for sheet in grids]
    return np.concatenate([np.pad(sheet, ((0, 0), (0, width - sheet.shape[1]), (0, 0))) for sheet in same])


def grid_columns(kinds: int | None) -> int | None:
    """Columns of a grid of images that cycle through `kinds`: one per kind, None if there are too many kinds."""
    return kinds if kinds and kinds <= MOST_COLUMNS else None


def save_png(path: Path, pixels: np.ndarray, metadata: dict[str, str]):
    """Write uint8 [H, W, C] as a PNG (one channel: greyscale) with text metadata.

    Raises:
        RunError: it cannot be written.
    """
    info = PngInfo()
    for key, value in _encodable(metadata).items():
        info.add_text(key, value)
    with writing(Path(path)) as stream:
        _picture(pixels).save(stream, "PNG", pnginfo=info)


def save_picture(path: Path, pixels: np.ndarray, metadata: dict[str, str]):
    """Write uint8 [H, W, C] as a JPEG if the path's suffix is .jpg or .jpeg, and otherwise like `save_png`.

    Raises:
        RunError: it cannot be written, or is too large for a JPEG.
    """
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        save_png(path, pixels, metadata)
        return
    if max(pixels.shape) > JPEG_PIXELS:
        limit = f"a JPEG has at most {JPEG_PIXELS} pixels a side, not {max(pixels.shape)}"
        raise RunError(f"{path}: {limit}; give FILE.png")
    comment = "\n".join(f"{key}: {value}" for key, value in _encodable(metadata).items())
    with writing(path) as stream:
        _picture(pixels).save(stream, "JPEG", quality=95, comment=comment.encode()[:JPEG_COMMENT])


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _encodable(metadata: dict[str, str]) -> dict[str, str]:
    """Metadata with the bytes of file names that are not UTF-8 escaped."""
    return {key: str(value).encode("utf-8", "backslashreplace").decode() for key, value in metadata.items()}
