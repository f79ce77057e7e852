"""Small files of distinguishable pictures, for the tests of data sets of pictures."""

import numpy as np
from PIL import Image

from ppgan_lite.data.listing import list_files
from ppgan_lite.data.options import Folder

SIZE = 8


def pixels(number):
    """Picture `number`: uint8 [3, 8, 8], grey, with a white left edge to recognise mirroring."""
    picture = np.full((3, SIZE, SIZE), 4 * number, np.uint8)
    picture[:, :, 0] = 255
    return picture


def write_pictures(folder, num):
    """Write pictures 0 to num - 1 as PNG files 000.png, 001.png, ...; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(num):
        Image.fromarray(pixels(number).transpose(1, 2, 0)).save(folder / f"{number:03d}.png")
    return folder


def make_bad(folder, *numbers):
    """Damage some of the files: in turn truncated, empty, or replaced by text."""
    for turn, number in enumerate(numbers):
        path = folder / f"{number:03d}.png"
        path.write_bytes([path.read_bytes()[:45], b"", b"not a picture"][turn % 3])


def options(folder, **keys):
    """The data section for a folder of such pictures."""
    keys = {"size": SIZE, "cache": "none", "workers": 0, "test_share": 0.0, "batch_size": 5} | keys
    return Folder(name="folder", root=str(folder), **keys)


def numbers(images):
    """The numbers of the pictures in `images`, float32 [N, 3, 8, 8] in [-1, 1], mirrored or not."""
    return [round(float(value + 1) * 127.5 / 4) for value in images[:, 0, 0, SIZE // 2]]


def source(folder):
    """The listing of a folder."""
    return list_files(str(folder))
