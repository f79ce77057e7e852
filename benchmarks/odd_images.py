"""What the suite does with odd, broken and rare image files: a Markdown table by group, and why files are left out.

  PPGAN_DATA=FOLDER python benchmarks/odd_images.py

FOLDER/odd-images has a folder per group: PngSuite, files of Pillow's and libjpeg-turbo's tests, EXIF orientations. A
file is read rightly if its pixels are those that OpenCV reads, or those of Pillow's own conversion, put onto white.
"""

import io
import os
import re
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ppgan_lite.cli import parser as cli  # noqa: E402
from ppgan_lite.data.pictures import BadImageError, decode  # noqa: E402
from ppgan_lite.errors import DataError  # noqa: E402

NO_PICTURES = ("manifest.csv", "LICENSE", "README")
MOST_APART = 2  # levels between right pixels: rounding, and 16 bits that are cut or rounded


class Outcome(NamedTuple):
    """What `decode` made of a file."""

    name: str  # path below odd-images
    agrees: tuple[str, ...]  # the references with the same pixels: OpenCV, Pillow
    reason: str  # why it is left out; empty if it is read


def outcomes(root: Path) -> list[Outcome]:
    """The outcome of each file, in the order of the names."""
    paths = sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith(NO_PICTURES))
    return [_outcome(path.relative_to(root).as_posix(), path.read_bytes()) for path in paths]


def _outcome(name: str, content: bytes) -> Outcome:
    try:
        pixels = decode(content, 3)
    except BadImageError as error:
        return Outcome(name, (), str(error))
    references = {"OpenCV": by_opencv(content), "Pillow": by_pillow(content)}
    return Outcome(name, tuple(key for key, image in references.items() if _same(pixels, image)), "")


def _same(pixels: np.ndarray, other: np.ndarray | None) -> bool:
    return other is not None and pixels.shape == other.shape and np.abs(pixels - other).max() <= MOST_APART


def by_opencv(content: bytes) -> np.ndarray | None:
    """OpenCV's pixels on white, not turned upright: float [H, W, 3] in [0, 255]; None if it cannot read the file."""
    try:
        pixels = cv2.imdecode(np.frombuffer(content, "uint8"), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if pixels is None or pixels.dtype not in ("uint8", "uint16"):
        return None
    scaled = pixels / (np.iinfo(pixels.dtype).max / 255)
    if scaled.ndim == 2:  # grey, with what PNG's tRNS declares transparent: OpenCV ignores it
        scaled[pixels == _transparent_level(content)] = 255
        return np.repeat(scaled[..., None], 3, axis=2)
    alpha = scaled[..., 3:] / 255 if scaled.shape[2] == 4 else 1
    return (255 - alpha * (255 - scaled[..., :3]))[..., ::-1]


def _transparent_level(content: bytes) -> int:
    """The level that a grey PNG file declares transparent, in OpenCV's range (8 or 16 bits); -1 if there is none."""
    found = re.search(rb"\0\0\0\x02tRNS(..)", content, re.DOTALL)
    if not content.startswith(b"\x89PNG") or not found:
        return -1
    depth, level = content[24], int.from_bytes(found[1], "big")
    return level if depth == 16 else (level & (1 << depth) - 1) * 255 // ((1 << depth) - 1)


def by_pillow(content: bytes) -> np.ndarray | None:
    """Pillow's pixels on white, turned upright: float [H, W, 3] in [0, 255]; None for modes that it would clip."""
    with warnings.catch_warnings(), Image.open(io.BytesIO(content)) as image:
        warnings.simplefilter("ignore")
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith(("I", "F")):
            return None
        white = Image.new("RGBA", image.size, "white")
        return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")).astype(float)


def table(found: list[Outcome]) -> list[str]:
    """Lines of a Markdown table, a row per group."""
    lines = ["| group | files | read rightly | read otherwise | left out |", "| --- | --- | --- | --- | --- |"]
    groups = sorted({outcome.name.split("/")[0] for outcome in found})
    for title, group in [*((name, name + "/") for name in groups), ("all", "")]:
        rows = [outcome for outcome in found if outcome.name.startswith(group)]
        left_out, right = sum(bool(row.reason) for row in rows), sum(bool(row.agrees) for row in rows)
        lines.append(f"| {title} | {len(rows)} | {right} | {len(rows) - right - left_out} | {left_out} |")
    return lines


def main():
    """Print the table, and the files that are left out."""
    cli.Parser(__doc__).parse_args()
    root = Path(os.environ.get("PPGAN_DATA", "."), "odd-images")
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; set PPGAN_DATA to the folder that has odd-images/")
    found = outcomes(root)
    print(*table(found), sep="\n")
    print("\n| left out | reason |\n| --- | --- |")
    print(*(f"| {outcome.name} | {outcome.reason} |" for outcome in found if outcome.reason), sep="\n")


if __name__ == "__main__":
    cli.run_tool(main, debug=True)
