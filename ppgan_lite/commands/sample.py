"""Generate images with a checkpoint of a run; batch norms use running statistics, as in an exported model.

If the generator takes a class or codes as well as noise, they can be chosen: labels, or a code to sweep.
"""

import contextlib
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppgan_lite.commands import infer
from ppgan_lite.commands.moments import save_moments
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.data.spec import has_points
from ppgan_lite.device import seed_paddle, set_device
from ppgan_lite.errors import RunError, UserError
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.samplers import Sampler, arrays_of, table
from ppgan_lite.pictures.grid import grid, grid_columns, save_picture, save_png
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import open_trained

MAX_NAME = 200  # bytes of a class name in the name of a file, which may have 255


@dataclass(frozen=True)
class Request:
    """Which images to generate.

    Attributes:
        num: number of images.
        seed: seed of the noise.
        interpolate: images per strip; a strip goes from one noise vector to another with fixed label and codes, and is
            a row of the grid. There are `num // interpolate` strips, at least one.
        labels: classes for a generator that takes them, used in turn; see `infer.find_classes`; None for all. In a grid
            each class has a column and each row one noise vector; there are `num // classes` rows, at least one.
        sweep: the code of InfoGAN to sweep, for any kind of `out`; see `Sampler.sweep`.
        truncation: see `Sampler.truncated`; None: pictures as the generator was trained to make them.
    """

    num: int = 64
    seed: int = 0
    interpolate: int | None = None
    labels: str | list | None = None
    sweep: str | None = None
    truncation: float | None = None


def sample(folder: Path, out: str | Path, step: int | str | None, request: Request, device: str):
    """Generate images with the generator of a run and write them.

    Args:
        folder: the run's folder.
        out: FILE.png or FILE.jpg (one grid; for points, moments of the training, see moments.py), FILE.npz (`images`
            uint8 [N, H, W, C], or `points` [N, dims], and the generator's inputs by name), or a new or empty folder
            (PNGs; their names end in the class, if the generator takes labels).
        step: the checkpoint's step, `best`, or None for the newest undamaged one.
        request: which images to generate.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint, its generator cannot fulfil the request, or `out` cannot be written.
    """
    with infer_errors():
        kind = infer.check_out(out)
    out, device = Path(out), set_device(device)
    run = Run.open_existing(folder)
    is_points = run.config().method.KIND == "generator" and has_points(run.spec)
    if is_points and kind != ".npz":
        _draw_moments(folder, out, kind, step, request)
        return
    generated = generate(run, step, request, in_table=kind in infer.GRIDS)
    metadata = generated.metadata | ({"Labels": ", ".join(generated.classes)} if request.labels else {})
    metadata |= {"Sweep": request.sweep} if request.sweep else {}
    with disk_errors(out):
        (out if kind == infer.FOLDER else out.parent).mkdir(parents=True, exist_ok=True)
    if is_points:
        save_arrays(out, {"points": generated.images[:, :, 0, 0], **generated.inputs}, metadata)
    else:
        _write(out, kind, generated, metadata)
    print(f"{len(generated.images)} images of step {generated.step} written to {out} ({device})")


@dataclass(frozen=True)
class Generated:
    """Images of a generator.

    Attributes:
        images: the images, [N, C, H, W] in [-1, 1].
        inputs: the generator's inputs, name -> [N, ...].
        columns: columns of a grid of the images; None: nearly square.
        labels: each image's class name, [N]; None if the generator takes no labels.
        classes: names of the classes that were used in turn.
        step: the checkpoint's step.
        metadata: where the images come from, by key.
    """

    images: np.ndarray
    inputs: dict[str, np.ndarray]
    columns: int | None
    labels: list[str] | None
    classes: list[str]
    step: int
    metadata: dict[str, str]


@dataclass(frozen=True)
class Opened:
    """The generator of a run, restored from a checkpoint.

    Attributes:
        sampler: the generator, truncated if that was asked for.
        classes: numbers of the classes to use in turn; empty if the generator takes no labels.
        step: the checkpoint's step.
        metadata: where its images come from, by key.
    """

    sampler: Sampler
    classes: list[int]
    step: int
    metadata: dict[str, str]


def generate(run: Run, step: int | str | None, request: Request, in_table: bool = False) -> Generated:
    """Generate images with the generator of a run.

    Args:
        step, request: see `sample`.
        in_table: arrange the images as a table with a column for each class.

    Raises:
        UserError: no such checkpoint, or its generator cannot fulfil the request.
    """
    opened = open_generator(run, step, request)
    sampler, classes = opened.sampler, opened.classes
    if request.sweep is not None:
        _check_code(request.sweep, sampler, run)
        inputs, columns = sampler.sweep(request.sweep, request.num)
    else:
        inputs, columns = _choose(sampler, request, classes, in_table)
    port = _labels_of(sampler)
    labels = [port.names[label] for label in inputs["labels"]] if port else None
    names = [port.names[label] for label in classes] if port else []
    return Generated(sampler.in_batches(inputs), inputs, columns, labels, names, opened.step, opened.metadata)


def open_generator(run: Run, step: int | str | None, request: Request) -> Opened:
    """Open the generator of a run, and seed Paddle's random generator for its noise.

    Args:
        step, request: see `sample`.

    Raises:
        UserError: no such checkpoint, no generator, it takes no labels or not these, it cannot be truncated, or the
            images do not fit into memory.
    """
    if run.config().method.KIND == "translator":
        way = f"translate --run {run.folder} --input FILE|FOLDER|VIDEO --out ..."
        raise RunError(f"{run.folder}: this run translates pictures: use {way}")
    if run.config().method.KIND != "generator":
        raise RunError(f"{run.folder}: the method of this run ({run.config().method.name}) generates no images")
    _, method, saved = open_trained(run.folder, step)
    sampler = next(iter(method.samplers().values()))
    classes = _find_classes(request.labels, _labels_of(sampler), run)
    _check_memory(run, sampler, request, len(classes))
    metadata = {**run.describe_images(saved.step), "Batch norm": "running statistics", "Seed": str(request.seed)}
    if request.truncation is not None:
        check_truncation(method, request.truncation)
        metadata["Truncation"] = str(request.truncation)
        if sampler.recomputes_statistics:
            metadata["Batch norm"] = "statistics of truncated noise"
        sampler = sampler.truncated(request.truncation)
    seed_paddle(request.seed, 0, 2)  # (seed, 0) gave the weights and (seed, 0, 1) the previews
    return Opened(sampler, classes, saved.step, metadata)


def check_truncation(method: Method, truncation: float):
    """Raise RunError unless the method has a generator that can be truncated to this, see `Sampler.truncated`."""
    samplers = method.samplers().values()
    is_input = any(sampler.takes_truncation for sampler in samplers)
    if not is_input and not any(sampler.has_normal_noise for sampler in samplers):
        name = method.options.name
        raise RunError(f"--truncation: this run's method ({name}) has no generator with normal noise; leave it out")
    if is_input and truncation > 1:
        raise RunError(
            f"--truncation {truncation:g}: must be at most 1, which changes nothing, for this run's generator"
        )
    if not is_input and truncation == 0:
        raise RunError("--truncation 0: must be above 0 for this run's generator: it limits the noise")


def check_styles(run: Run, sampler: Sampler, option: str):
    """Raise RunError, which names the option, unless the sampler's network makes pictures from styles."""
    if not sampler.has_styles:
        name = run.config().method.name
        raise RunError(f"{option}: this run's generator has no styles (method: {name}); only stylegan2's has")


@contextlib.contextmanager
def infer_errors(kind: type[UserError] = RunError):
    """Turn an error of infer.py, which stands alone and has the rules for outputs and classes, into one of `kind`."""
    try:
        yield
    except infer.InferError as error:
        raise kind(str(error)) from error


def _draw_moments(folder: Path, out: Path, kind: str, step, request: Request):
    """Draw moments of a run on points. Raises RunError if the request has more than a seed."""
    others = (request.interpolate, request.labels, request.sweep, request.truncation)
    if kind == infer.FOLDER or any(option is not None for option in others):
        raise RunError(
            f"{folder}: trained on points; give --out FILE.npz for samples, or FILE.png for moments of the training, "
            "with --step and --seed only"
        )
    steps = save_moments(folder, out, step, request.seed)
    print(f"moments of the run at step {', '.join(map(str, steps))} written to {out}")


def _check_code(code: str, sampler: Sampler, run: Run):
    """Raise RunError if the generator does not take the code."""
    if not sampler.codes:
        name = run.config().method.name
        raise RunError(f"--sweep: this run's generator takes no codes (method: {name}); only infogan's does")
    if code not in sampler.codes:
        raise RunError(f"--sweep {code}: unknown code; there are: {', '.join(sampler.codes)}")


def _check_memory(run: Run, sampler: Sampler, request: Request, num_classes: int):
    """Raise RunError if the images and their inputs do not fit into memory."""
    num = max(request.num, request.interpolate or 0, num_classes)
    largest = max(math.prod(field.shape) for field in run.spec.values())
    numbers = sum(math.prod(port.shape) for port in sampler.takes) + 2 * largest
    with infer_errors():
        infer.check_memory(num * numbers * np.dtype("float32").itemsize, f"--num {num}")


def _labels_of(sampler: Sampler) -> Port | None:
    """The generator's input of classes, or None."""
    return next((port for port in sampler.takes if port.name == "labels"), None)


def _find_classes(labels: str | list | None, port, run: Run) -> list[int]:
    """Numbers of the requested classes, by default all; empty if the generator takes no labels."""
    if port is None:
        if labels is not None:
            raise RunError(f"--labels: this run's generator takes no labels (method: {run.config().method.name})")
        return []
    if labels is None:
        return list(range(len(port.names)))
    with infer_errors():
        return infer.find_classes(labels, port.names)


def _choose(sampler: Sampler, request: Request, classes: list[int], in_table: bool):
    """Inputs of about `num` images, name -> [N, ...], and the columns of their grid (None: nearly square)."""
    if request.interpolate:
        strips = max(1, request.num // request.interpolate)
        return sampler.strips(draw(sampler, strips, classes), request.interpolate), request.interpolate
    if classes and in_table:
        rows = arrays_of(sampler.draw(max(1, request.num // len(classes))))
        return table(rows, "labels", classes), len(classes)
    return draw(sampler, request.num, classes), grid_columns(sampler.num_kinds)


def draw(sampler: Sampler, num: int, classes: list[int]) -> dict[str, np.ndarray]:
    """Random inputs, name -> [num, ...]; their labels are `classes` in turn, if there are any."""
    inputs = arrays_of(sampler.draw(num))
    return inputs | ({"labels": np.resize(classes, num)} if classes else {})


def _write(out: Path, kind: str, generated: Generated, metadata: dict[str, str]):
    if kind in infer.GRIDS:
        save_picture(out, grid(generated.images, generated.columns), metadata)
    elif kind == ".npz":
        save_arrays(out, {"images": to_uint8(generated.images), **generated.inputs}, metadata)
    else:
        for i, pixels in enumerate(to_uint8(generated.images)):
            name = f"{i:05d}" if generated.labels is None else f"{i:05d}_{_in_file_name(generated.labels[i])}"
            save_png(out / f"{name}.png", pixels, metadata)


def save_arrays(out: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]):
    """Write arrays by name and the metadata as an .npz file. Raises RunError."""
    with writing(out) as stream:
        np.savez_compressed(stream, **arrays, **{key: [value] for key, value in metadata.items()})


def _in_file_name(class_name: str) -> str:
    """A class name, cut, without characters that some file systems forbid: T-shirt/top becomes T-shirt_top."""
    return re.sub(r"[^\w-]+", "_", class_name).encode()[:MAX_NAME].decode(errors="ignore")
