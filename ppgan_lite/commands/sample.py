"""Images from a checkpoint of a run, with batch norms on their running statistics, as an exported model has them.

Where the generator takes a class or codes beside its noise, they can be chosen: labels, or the code to be swept.
"""

import re
from pathlib import Path

import numpy as np
import paddle

from ppgan_lite.commands.moments import save_moments
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.device import seed_paddle, set_device
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.methods import METHODS
from ppgan_lite.methods.base import Conditional, Generative
from ppgan_lite.methods.infogan import InfoGAN
from ppgan_lite.pictures.grid import grid, grid_columns, save_png
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import open_trained

BATCH_IMAGES = 256  # generated at once
SWEEP = np.linspace(-2, 2, 10)  # of a continuous code; training draws it from [-1, 1]


def sample(
    folder: Path,
    out: Path,
    *,
    step: int | str | None,
    num: int,
    seed: int,
    interpolate: int | None,
    labels: str | None,
    sweep: str | None,
    device: str,
):
    """Generate images with the generator of a run and write them.

    Args:
        folder: of the run.
        out: FILE.png (one grid; for data of points, moments of the run: see points.py), FILE.npz (`images` uint8
            [N, H, W, C], and the generator's inputs by their names; `points` [N, dims] for data of points), or a new or
            empty folder (PNGs, whose names end in the class, if one was asked for).
        step: of the checkpoint; `best`, or None for the newest that is whole.
        num: images.
        seed: of the noise.
        interpolate: images per strip; each strip leads from one noise vector to another, and is a row of the grid. Its
            label or codes stay. As many strips are made as `num` images fill (at least one).
        labels: of a generator that takes them: numbers or names of classes, with commas between them; None for all.
            They are taken in turn. In a grid each has a column, and a row one noise vector; there are as many whole
            rows as `num` images fill (at least one).
        sweep: a code of InfoGAN, to draw what it does (Chen et al. 2016, figure 2), whatever `out` is. `category`: a
            column for each category, a row for each noise vector with its continuous codes, as many as `num` images
            fill (at least one). `code1`, `code2`, ...: a row for each category, 10 columns from -2 to 2, beyond the
            [-1, 1] of training as in the paper; one noise vector, and the other codes 0, whatever `num` is.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint, its generator does not take what is asked for, or `out` cannot be written.
    """
    _check_out(out)
    device = set_device(device)
    run = Run.open_existing(folder)
    if not issubclass(METHODS[name := run.config().method.name], Generative):
        raise RunError(f"{folder}: holds a {name}, which makes no images")
    is_points = run.image_shape[1:] == (1, 1)
    if is_points and out.suffix != ".npz":
        _draw_moments(folder, out, step, seed, interpolate or labels or sweep)
        return
    run, method, saved = open_trained(folder, step)
    classes = _find_classes(labels, method, run)
    seed_paddle(seed, 0, 2)  # other numbers than made the weights (seed, 0) and the previews (seed, 0, 1)
    if sweep is not None:
        inputs, columns = _sweep(sweep, method, run, num)
    else:
        inputs, columns = _choose(method, num, interpolate, classes, in_table=out.suffix == ".png")
    images = _generate(method, inputs)
    metadata = {**run.describe_images(saved.step), "Batch norm": "running statistics", "Seed": str(seed)}
    metadata |= {"Labels": ", ".join(run.class_names[k] for k in classes)} if labels else {}
    metadata |= {"Sweep": sweep} if sweep else {}
    if is_points:
        _save_arrays(out, {"points": images[:, :, 0, 0], **inputs}, metadata)
    else:
        _write(out, images, inputs, columns, run.class_names, metadata)
    print(f"{len(images)} images of step {saved.step} written to {out} ({device})")


def _draw_moments(folder: Path, out: Path, step, seed: int, chosen):
    """The picture of a run on points, which is of moments and cannot be `chosen` otherwise. Raises RunError."""
    if not out.suffix or chosen:
        raise RunError(
            f"{folder}: was trained on points: give --out FILE.png, for moments of the run and with no more than "
            "--step and --seed, or FILE.npz"
        )
    steps = save_moments(folder, out, step, seed)
    print(f"the run at step {', '.join(map(str, steps))}, drawn in {out}")


def _check_out(out: Path):
    """Refuse what cannot be written, before anything is loaded."""
    if out.suffix not in ("", ".png", ".npz"):
        raise RunError(f"--out {out}: unknown kind {out.suffix}; give FILE.png, FILE.npz or a folder")
    with disk_errors(out):
        if not out.suffix and out.is_dir() and any(out.iterdir()):
            raise RunError(f"--out {out}: the folder is not empty; give another one")


def _find_classes(labels: str | None, method: Generative, run: Run) -> list[int]:
    """The classes that are asked for, or else all; none where the generator takes no labels."""
    if not isinstance(method, Conditional):
        if labels is not None:
            raise RunError(f"--labels: the generator of this run takes none (method: {run.config().method.name})")
        return []
    names = run.class_names
    if labels is None:
        return list(range(len(names)))
    known = {str(k): k for k in range(len(names))} | {name: k for k, name in enumerate(names)}
    wanted = [label.strip() for label in labels.split(",")]
    if unknown := [label for label in wanted if label not in known]:
        raise RunError(f"--labels: no class {unknown[0] or 'without a name'}; there are: {', '.join(known)}")
    return [known[label] for label in wanted]


def _choose(method: Generative, num: int, interpolate: int | None, classes: list[int], in_table: bool):
    """Inputs of about `num` images, [N, ...] by name, and the columns of their grid (None: as near to a square)."""
    if interpolate:
        return _strips(method, interpolate, classes, num), interpolate
    if classes and in_table:
        return _table(_draw(method, max(1, num // len(classes))), "labels", classes), len(classes)
    return _draw(method, num, classes), grid_columns(method.num_kinds)


def _draw(method: Generative, num: int, classes: list[int] | None = None) -> dict[str, np.ndarray]:
    """Random inputs of the generator by name, [num, ...] each; their labels are `classes` in turn, where given."""
    inputs = {name: tensor.numpy() for name, tensor in method.draw(num).items()}
    return inputs | ({"labels": np.resize(classes, num)} if classes else {})


def _table(rows: dict[str, np.ndarray], name: str, values) -> dict[str, np.ndarray]:
    """Inputs of a table: those of each row, [R, ...], in all its columns, but of input `name` each column's value."""
    repeated = {key: array.repeat(len(values), 0) for key, array in rows.items()}
    return repeated | {name: np.concatenate([values] * len(rows["z"]))}


def _strips(method: Generative, images: int, classes: list[int], num: int) -> dict[str, np.ndarray]:
    """Inputs of strips: the noise leads from one vector to another, everything else stays."""
    strips = max(1, num // images)
    start = _draw(method, strips, classes)
    repeated = {name: array.repeat(images, 0) for name, array in start.items()}
    path = slerp if method.noise_port().distribution == "normal" else straight
    return repeated | {"z": path(start["z"], method.draw_z(strips).numpy(), images)}


def _sweep(code: str, method: Generative, run: Run, num: int) -> tuple[dict[str, np.ndarray], int]:
    """Inputs of a table that shows what a code does, and the number of its columns; see `sample`."""
    if not isinstance(method, InfoGAN):
        raise RunError(
            f"--sweep: the generator of this run takes no codes (method: {run.config().method.name}); infogan's does"
        )
    codes = [f"code{k + 1}" for k in range(method.options.codes)]
    if code not in ("category", *codes):
        raise RunError(f"--sweep {code}: no such code; there are: {', '.join(['category', *codes])}")
    categories = np.arange(method.options.categories)
    if code == "category":
        return _table(_draw(method, max(1, num // len(categories))), "category", categories), len(categories)
    values = np.zeros([len(SWEEP), len(codes)], "float32")
    values[:, codes.index(code)] = SWEEP
    z = _draw(method, 1)["z"].repeat(len(categories), 0)
    return _table({"z": z, "category": categories}, "codes", values), len(SWEEP)


def _generate(method: Generative, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Images [N, C, H, W] in [-1, 1] from inputs [N, ...] in the order of the generator's `forward`."""
    parts = (
        {name: paddle.to_tensor(array[i : i + BATCH_IMAGES]) for name, array in inputs.items()}
        for i in range(0, len(inputs["z"]), BATCH_IMAGES)
    )
    return np.concatenate([method.generate(part).numpy() for part in parts])


def slerp(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Points on the great circle from `start` to `end`, both included: [N, D] twice -> [N * steps, D].

    A straight line between two Gaussian vectors passes nearer to the origin than any sample does; the arc keeps the
    length (White 2016, "Sampling Generative Networks"). Vectors of one number have no arc between them.
    """
    if start.shape[1] == 1:
        return straight(start, end, steps)
    cosine = (start * end).sum(1) / (np.linalg.norm(start, axis=1) * np.linalg.norm(end, axis=1))
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]  # [N, 1, 1]
    t = np.linspace(0, 1, steps)[None, :, None]  # [1, steps, 1]
    path = (np.sin((1 - t) * angle) * start[:, None] + np.sin(t * angle) * end[:, None]) / np.sin(angle)
    return path.reshape(-1, start.shape[1]).astype(start.dtype)  # [N, steps, D] -> [N * steps, D]


def straight(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Points on the straight line from `start` to `end`, both included: [N, D] twice -> [N * steps, D].

    Between two vectors of uniform noise all of it lies where the noise does.
    """
    t = np.linspace(0, 1, steps)[None, :, None]  # [1, steps, 1]
    path = (1 - t) * start[:, None] + t * end[:, None]
    return path.reshape(-1, start.shape[1]).astype(start.dtype)  # [N, steps, D] -> [N * steps, D]


def _write(
    out: Path,
    images: np.ndarray,
    inputs: dict[str, np.ndarray],
    columns: int | None,
    class_names: tuple[str, ...],
    metadata: dict[str, str],
):
    with disk_errors(out):
        (out.parent if out.suffix else out).mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        save_png(out, grid(images, columns), metadata)
    elif out.suffix == ".npz":
        _save_arrays(out, {"images": to_uint8(images), **inputs}, metadata)
    else:
        labels = inputs.get("labels")
        for i, pixels in enumerate(to_uint8(images)):
            name = f"{i:05d}" if labels is None else f"{i:05d}_{_in_file_name(class_names[labels[i]])}"
            save_png(out / f"{name}.png", pixels, metadata)


def _save_arrays(out: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]):
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with writing(out) as stream:
        np.savez_compressed(stream, **arrays, **{key: [value] for key, value in metadata.items()})


def _in_file_name(class_name: str) -> str:
    """A class's name without what a file's name cannot hold everywhere: T-shirt/top is T-shirt_top."""
    return re.sub(r"[^\w-]+", "_", class_name)
