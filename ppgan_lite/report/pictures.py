"""Small pictures for the page, from those in the folders of runs."""

import io
from pathlib import Path

from PIL import Image

from ppgan_lite.pictures.grid import GAP, GROUP_GAP, group_width
from ppgan_lite.pictures.read import read_png

MOST_IMAGES = 8  # rows and columns of a grid
MOST_GROUPS, MOST_ROWS = 2, 4  # comparisons, in each direction
LARGEST = 400  # pixels of a grid's longer side
COLOURS = 128  # size of a palette


def small_grid(path: Path, size: tuple[int, int] | None) -> bytes:
    """The upper left of a grid of images as a small PNG.

    Args:
        size: (height, width) of an image in the grid; None: the picture is not a grid.

    Raises:
        RunError: the file is not a picture, or damaged.
    """
    picture = read_png(path)
    if size is not None:
        height, width = (GAP + MOST_IMAGES * (side + GAP) for side in size)
        picture = picture.crop((0, 0, min(width, picture.width), min(height, picture.height)))
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return _png(picture)


def small_comparisons(path: Path, size: tuple[int, int], images: int, grids: int) -> bytes:
    """The upper left of each of some stacked grids of comparisons (pictures/grid.py) as a small PNG.

    Args:
        path: the picture.
        size: (height, width) of an image.
        images: number of images in a group.
        grids: number of grids.

    Raises:
        RunError: the file is not a picture, or damaged.
    """
    picture = read_png(path)
    whole, (height, width) = picture.height // grids, size
    right = GROUP_GAP + MOST_GROUPS * (group_width(width, images) + GROUP_GAP)
    bottom = GROUP_GAP + MOST_ROWS * (height + GROUP_GAP)
    right, bottom = min(right, picture.width), min(bottom, whole)
    small = Image.new(picture.mode, (right, grids * bottom))
    for grid in range(grids):
        small.paste(picture.crop((0, grid * whole, right, grid * whole + bottom)), (0, grid * bottom))
    small.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return _png(small)


def small_matrix(path: Path) -> bytes:
    """The picture of a confusion matrix with a palette. Raises RunError."""
    return _png(read_png(path))


def _png(picture: Image.Image) -> bytes:
    """A PNG without metadata; colours go into a palette."""
    if picture.mode != "L":
        picture = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    stream = io.BytesIO()
    picture.info = {}
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()
