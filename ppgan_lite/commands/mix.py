"""Style mixing: pictures with the coarse styles of one picture and the fine styles of another.

Karras, Laine and Aila 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks", figure 3,
https://arxiv.org/abs/1812.04948.
"""

import math
from pathlib import Path

import numpy as np

from ppgan_lite.commands import infer
from ppgan_lite.commands.sample import Request, check_styles, infer_errors, open_generator, save_arrays
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.device import set_device
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors
from ppgan_lite.methods.samplers import arrays_of
from ppgan_lite.pictures.grid import grid, save_picture
from ppgan_lite.runs.run import Run


def save_mix(folder: Path, out: str | Path, step: int | str | None, request: Request, coarse: int, device: str):
    """Write a table of mixed pictures: each has the coarse styles of its row and the fine ones of its column.

    In FILE.png, a first column shows the sources of the rows, and a first row the sources of the columns.

    Args:
        folder: the run's folder.
        out: FILE.png, FILE.jpg, or FILE.npz: `images`, uint8 [rows, columns, H, W, C], and the sources `rows` and
            `columns`, [N, H, W, C], with their styles `w_rows` and `w_columns`, [N, w_dim].
        step: the checkpoint's step, `best`, or None for the newest undamaged one.
        request: the seed, truncation, and number of mixed pictures, which is rounded down to a table that is nearly
            square.
        coarse: largest size of feature maps, in pixels, with the style of the row.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint, its generator has no styles or no maps of this size, or `out` cannot be
            written.
    """
    kind, out, device = check_picture(out, "--mix"), Path(out), set_device(device)
    run = Run.open_existing(folder)
    opened = open_generator(run, step, request)
    sampler = opened.sampler
    check_styles(run, sampler, "--mix")
    sizes = sampler.network.style_sizes
    if coarse not in sizes[: sizes.index(sizes[-1])]:
        known = ", ".join(map(str, sorted({*sizes[: sizes.index(sizes[-1])]})))
        raise RunError(f"--mix {coarse}: this run's generator can be cut after maps of {known} pixels only")
    num_rows = math.isqrt(request.num)
    num_columns = request.num // num_rows
    w = sampler.styles(arrays_of(sampler.draw(num_rows + num_columns)))
    rows, columns = w[:num_rows], w[num_rows:]
    sources = sampler.from_styles(w)
    images = sampler.from_styles(mixed(rows, columns, np.array(sizes) <= coarse))
    metadata = opened.metadata | {"Coarse styles": f"of the row, up to {coarse} pixels"}
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".npz":
        pixels = to_uint8(images).reshape(num_rows, num_columns, *images.shape[2:], images.shape[1])
        of_sources = to_uint8(sources)
        arrays = {"images": pixels, "rows": of_sources[:num_rows], "columns": of_sources[num_rows:]}
        save_arrays(out, arrays | {"w_rows": rows, "w_columns": columns}, metadata)
    else:
        save_picture(out, grid(_table(images, sources, num_rows), 1 + num_columns), metadata)
    print(f"{num_rows} x {num_columns} mixed images of step {opened.step} written to {out} ({device})")


def check_picture(out: str | Path, option: str) -> str:
    """The kind of file to write, one of infer.GRIDS or .npz. Raises RunError, which names the option."""
    kinds = (*infer.GRIDS, ".npz")
    if infer.output_kind(out, kinds) not in kinds:
        raise RunError(f"--out {out}: {option} needs FILE.png, FILE.jpg or FILE.npz")
    with infer_errors():
        return infer.check_out(out)


def mixed(rows: np.ndarray, columns: np.ndarray, is_coarse: np.ndarray) -> np.ndarray:
    """Styles for each layer of a table's pictures, row by row, [R * C, layers, w_dim].

    Args:
        rows, columns: styles, [R, w_dim] and [C, w_dim].
        is_coarse: whether a layer has the style of the row, [layers].
    """
    w = np.where(is_coarse[:, None], rows[:, None, None], columns[None, :, None])  # [R, C, layers, w_dim]
    return w.reshape(-1, *w.shape[2:])


def _table(images: np.ndarray, sources: np.ndarray, num_rows: int) -> np.ndarray:
    """Images with their sources in a first column and a first row, and black in the corner: [N, C, H, W]."""
    table = images.reshape(num_rows, -1, *images.shape[1:])
    above = np.concatenate([np.full_like(sources[:1], -1), sources[num_rows:]])
    rows = np.concatenate([sources[:num_rows, None], table], 1)
    return np.concatenate([above[None], rows]).reshape(-1, *images.shape[1:])
