"""Read pictures back from the folder of a run."""

import io
import warnings
from pathlib import Path

from PIL import Image

from ppgan_lite.errors import RunError
from ppgan_lite.files import read_file

MOST_BYTES = 2**27


def read_png(path: Path) -> Image.Image:
    """A PNG that `pictures.grid.save_png` wrote, decoded: its mode is L or RGB.

    Raises:
        RunError: it is missing, damaged, or not such a picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            content = read_file(path, MOST_BYTES)
            Image.open(io.BytesIO(content), formats=["PNG"]).verify()  # its checksums: zeros can decode to grey
            picture = Image.open(io.BytesIO(content), formats=["PNG"])
            return picture.convert("L" if picture.mode == "L" else "RGB")
    except Exception as error:  # the decoder raises anything: OSError, SyntaxError, struct.error, ...
        raise RunError(f"{path}: not a picture, or damaged; move it away") from error
