"""Pictures from tensors: the only place where [-1, 1] becomes uint8, and uint8 [-1, 1]."""

import math
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.files import writing

GAP = 2  # pixels between the images of a grid
MOST_COLUMNS = 16  # more are too small to be seen


def grid(images, columns: int | None = None) -> np.ndarray:
    """Lay images side by side, row after row, on black: [N, C, H, W] in [-1, 1] -> uint8 [height, width, C].

    `columns` is as near to a square as can be where it is not given.
    """
    pixels = to_uint8(images)
    num, height, width, channels = pixels.shape
    columns = min(columns or math.ceil(math.sqrt(num)), num)
    rows = math.ceil(num / columns)
    sheet = np.zeros((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), "uint8")
    for i, image in enumerate(pixels):
        top, left = GAP + i // columns * (height + GAP), GAP + i % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    return sheet


def grid_of(images: list[np.ndarray], columns: int | None = None) -> np.ndarray:
    """A grid of groups: the first image of each array, then the second, and so on; `columns` of such groups.

    So each picture stands next to what was made of it. [N, C, H, W] each, grey or colour, -> uint8 [height, width, C].
    """
    channels = max(array.shape[1] for array in images)
    same = [array.repeat(channels // array.shape[1], 1) for array in images]
    columns = columns or math.ceil(math.sqrt(len(images[0]) / len(images)))
    return grid(np.stack(same, 1).reshape(-1, *same[0].shape[1:]), columns * len(images))


def stacked(grids: list[np.ndarray]) -> np.ndarray:
    """Grids below each other, on black: uint8 [height, width, C] each -> [heights, widest, C]."""
    width, channels = (max(sheet.shape[axis] for sheet in grids) for axis in (1, 2))
    same = [sheet.repeat(channels // sheet.shape[2], 2) for sheet in grids]
    return np.concatenate([np.pad(sheet, ((0, 0), (0, width - sheet.shape[1]), (0, 0))) for sheet in same])


def grid_columns(kinds: int | None) -> int | None:
    """Columns of a grid of images of several kinds in turn: one for each, if there are at most MOST_COLUMNS."""
    return kinds if kinds and kinds <= MOST_COLUMNS else None


def save_png(path: Path, pixels: np.ndarray, metadata: dict[str, str]):
    """Write uint8 [H, W, C] as a PNG (one channel: greyscale) with text metadata.

    Raises:
        RunError: it cannot be written.
    """
    info = PngInfo()
    for key, value in metadata.items():
        info.add_text(key, str(value))
    with writing(Path(path)) as stream:
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, "PNG", pnginfo=info)
