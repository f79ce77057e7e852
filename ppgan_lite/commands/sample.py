"""Images from a checkpoint of a run, with batch norms on their running statistics, as an exported model has them.

Where the generator takes a class or codes besides its noise, they can be chosen: labels, or the code to be swept.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle

from ppgan_lite.commands.moments import save_moments
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.device import seed_paddle, set_device
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.methods.samplers import Sampler, arrays_of, table
from ppgan_lite.pictures.grid import grid_columns, grid_of, save_png
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import data_of, open_trained


@dataclass(frozen=True)
class Request:
    """Which images are wanted of a generator.

    Attributes:
        num: images.
        seed: of the noise.
        interpolate: images per strip; each strip leads from one noise vector to another, and is a row of the grid. Its
            label or codes stay. As many strips are made as `num` images fill (at least one).
        labels: of a generator that takes them: numbers or names of classes, with commas between them; None for all.
            They are taken in turn. In a grid each has a column, and a row one noise vector; there are as many whole
            rows as `num` images fill (at least one).
        sweep: a code of InfoGAN, to draw what it does, whatever `out` is: see `Sampler.sweep`.
        sampler: name of the way to make them, where the method has several; None for the first.
    """

    num: int = 64
    seed: int = 0
    interpolate: int | None = None
    labels: str | None = None
    sweep: str | None = None
    sampler: str | None = None


def sample(folder: Path, out: Path, step: int | str | None, request: Request, device: str):
    """Generate images with the generator of a run and write them.

    Args:
        folder: of the run.
        out: FILE.png (one grid; for data of points, moments of the run: see moments.py), FILE.npz (`images` uint8
            [N, H, W, C], and the generator's inputs by their names; `points` [N, dims] for data of points), or a new or
            empty folder (PNGs, whose names end in the class, if one was asked for).
        step: of the checkpoint; `best`, or None for the newest that is whole.
        request: which images.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint, its generator does not take what is asked for, or `out` cannot be written.
    """
    _check_out(out)
    device = set_device(device)
    run = Run.open_existing(folder)
    is_points = run.config().method.KIND == "generator" and any(field.kind == "point" for field in run.spec.values())
    if is_points and out.suffix != ".npz":
        _draw_moments(folder, out, step, request)
        return
    made = generate(run, step, request, in_table=out.suffix == ".png")
    metadata = {**run.describe_images(made.step), "Batch norm": "running statistics", "Seed": str(request.seed)}
    metadata |= {"Labels": ", ".join(made.classes)} if request.labels else {}
    metadata |= {"Sweep": request.sweep} if request.sweep else {}
    if is_points:
        _save_arrays(out, {"points": made.images[:, :, 0, 0], **made.inputs}, metadata)
    else:
        _write(out, made, metadata)
    print(f"{len(made.images)} images of step {made.step} written to {out} ({device})")


@dataclass(frozen=True)
class Made:
    """Images that a generator made.

    Attributes:
        images: [N, C, H, W] in [-1, 1].
        inputs: that they were made from, name -> [N, ...].
        shown: names of the inputs that are pictures themselves.
        columns: of a grid of them; None: as near to a square as can be.
        labels: names of the classes asked for, [N]; None where there are none.
        classes: names of the classes to choose from, in turn.
        step: of the checkpoint.
    """

    images: np.ndarray
    inputs: dict[str, np.ndarray]
    shown: list[str]
    columns: int | None
    labels: list[str] | None
    classes: list[str]
    step: int


def generate(run: Run, step: int | str | None, request: Request, in_table: bool = False) -> Made:
    """Make images with the generator of a run.

    Args:
        step, request: see `sample`.
        in_table: whether classes are to be the columns of a table.

    Raises:
        UserError: no such checkpoint, or its generator does not take what is asked for.
    """
    if run.config().method.KIND != "generator":
        raise RunError(f"{run.folder}: holds a {run.config().method.name}, which makes no images")
    _, method, saved = open_trained(run.folder, step)
    sampler = _choose_sampler(method.samplers(), request.sampler)
    port = next((port for port in sampler.takes if port.name == "labels"), None)
    classes = _find_classes(request.labels, port, run)
    data = _some_data(run, request.num) if sampler.fields else None
    seed_paddle(request.seed, 0, 2)  # other numbers than made the weights (seed, 0) and the previews (seed, 0, 1)
    if request.sweep is not None:
        _check_code(request.sweep, sampler, run)
        inputs, columns = sampler.sweep(request.sweep, request.num)
    else:
        inputs, columns = _choose(sampler, request, classes, data, in_table)
    labels = [port.names[label] for label in inputs["labels"]] if port else None
    names = [port.names[label] for label in classes] if port else []
    return Made(sampler.in_batches(inputs), inputs, sampler.shown, columns, labels, names, saved.step)


def _draw_moments(folder: Path, out: Path, step, request: Request):
    """The picture of a run on points, which is of moments and takes no other requests. Raises RunError."""
    if not out.suffix or request.interpolate or request.labels or request.sweep:
        raise RunError(
            f"{folder}: was trained on points: give --out FILE.png, for moments of the run and with no more than "
            "--step and --seed, or FILE.npz"
        )
    steps = save_moments(folder, out, step, request.seed)
    print(f"the run at step {', '.join(map(str, steps))}, drawn in {out}")


def _check_out(out: Path):
    """Refuse what cannot be written, before anything is loaded."""
    if out.suffix not in ("", ".png", ".npz"):
        raise RunError(f"--out {out}: unknown kind {out.suffix}; give FILE.png, FILE.npz or a folder")
    with disk_errors(out):
        if not out.suffix and out.is_dir() and any(out.iterdir()):
            raise RunError(f"--out {out}: the folder is not empty; give another one")


def _choose_sampler(samplers: dict[str, Sampler], name: str | None) -> Sampler:
    if name is not None and name not in samplers:
        raise RunError(f"--sampler {name}: the method of this run has none such; there are: {', '.join(samplers)}")
    return samplers[name] if name else next(iter(samplers.values()))


def _check_code(code: str, sampler: Sampler, run: Run):
    """Refuse to sweep a code that the generator does not take."""
    if not sampler.codes:
        name = run.config().method.name
        raise RunError(f"--sweep: the generator of this run takes no codes (method: {name}); infogan's does")
    if code not in sampler.codes:
        raise RunError(f"--sweep {code}: no such code; there are: {', '.join(sampler.codes)}")


def _some_data(run: Run, num: int) -> dict[str, paddle.Tensor]:
    """The first test items of the run's data, `num` of them or all. Raises UserError."""
    dataset = data_of(run, "test")
    items = dataset.batch(np.arange(min(num, len(dataset))))
    return {name: paddle.to_tensor(values) for name, values in items.items()}


def _find_classes(labels: str | None, port, run: Run) -> list[int]:
    """The classes that are asked for, or else all; none where the generator takes no labels."""
    if port is None:
        if labels is not None:
            raise RunError(f"--labels: the generator of this run takes none (method: {run.config().method.name})")
        return []
    if labels is None:
        return list(range(len(port.names)))
    known = {str(k): k for k in range(len(port.names))} | {name: k for k, name in enumerate(port.names)}
    wanted = [label.strip() for label in labels.split(",")]
    if unknown := [label for label in wanted if label not in known]:
        raise RunError(f"--labels: no class {unknown[0] or 'without a name'}; there are: {', '.join(known)}")
    return [known[label] for label in wanted]


def _choose(sampler: Sampler, request: Request, classes: list[int], data, in_table: bool):
    """Inputs of about `num` images, [N, ...] by name, and the columns of their grid (None: as near to a square)."""
    if request.interpolate:
        strips = max(1, request.num // request.interpolate)
        return sampler.strips(_draw(sampler, strips, classes, data), request.interpolate), request.interpolate
    if classes and in_table:
        rows = arrays_of(sampler.draw(max(1, request.num // len(classes)), data))
        return table(rows, "labels", classes), len(classes)
    num = len(next(iter(data.values()))) if data else request.num
    return _draw(sampler, num, classes, data), grid_columns(sampler.num_kinds)


def _draw(sampler: Sampler, num: int, classes: list[int], data) -> dict[str, np.ndarray]:
    """Random inputs by name, [num, ...] each; their labels are `classes` in turn, where given."""
    inputs = arrays_of(sampler.draw(num, data))
    return inputs | ({"labels": np.resize(classes, num)} if classes else {})


def _write(out: Path, made: Made, metadata: dict[str, str]):
    with disk_errors(out):
        (out.parent if out.suffix else out).mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        save_png(out, grid_of([*(made.inputs[name] for name in made.shown), made.images], made.columns), metadata)
    elif out.suffix == ".npz":
        _save_arrays(out, {"images": to_uint8(made.images), **made.inputs}, metadata)
    else:
        for i, pixels in enumerate(to_uint8(made.images)):
            name = f"{i:05d}" if made.labels is None else f"{i:05d}_{_in_file_name(made.labels[i])}"
            save_png(out / f"{name}.png", pixels, metadata)


def _save_arrays(out: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]):
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with writing(out) as stream:
        np.savez_compressed(stream, **arrays, **{key: [value] for key, value in metadata.items()})


def _in_file_name(class_name: str) -> str:
    """A class's name without what a file's name cannot hold everywhere: T-shirt/top is T-shirt_top."""
    return re.sub(r"[^\w-]+", "_", class_name)
