"""Projection: the styles with which a StyleGAN2 generator comes nearest to a picture.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 5 and appendix D,
https://arxiv.org/abs/1912.04958, simplified. Departures: the distance is between pixels at several sizes, not between
features of VGG16 (LPIPS), which would have to be downloaded; the search starts from the best of random styles, not from
their mean; 300 steps, not 1,000, with a rate that falls from the start; no noise is added to the styles; and the noise
maps stay the constant ones of evaluation.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle
from paddle import nn
from tqdm import trange

from ppgan_lite.commands.mix import check_picture
from ppgan_lite.commands.sample import Request, check_styles, open_generator, save_arrays
from ppgan_lite.data.pictures import BadImageError, read_picture
from ppgan_lite.data.pixels import from_uint8, to_uint8
from ppgan_lite.device import set_device
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, read_file
from ppgan_lite.methods.modes import frozen, mode, unchanged_buffers
from ppgan_lite.methods.samplers import Sampler, arrays_of
from ppgan_lite.networks import layers
from ppgan_lite.pictures.grid import grid, save_picture
from ppgan_lite.runs.run import Run

STARTS = 256  # random styles; the search starts from the nearest
STEPS = 300
RATE = 0.1  # Adam's in the first step, as in the paper
SMALLEST = 8  # pixels of the smallest size at which pictures are compared
MOST_BYTES = 2**30  # in a picture file


def save_projection(folder: Path, picture: Path, out: str | Path, step: int | str | None, seed: int, device: str):
    """Write a picture next to the generator's picture that is nearest to it, and print how near that is.

    Args:
        folder: the run's folder.
        picture: a picture file; it is cropped and resized as the pictures of a folder are for training.
        out: FILE.png, FILE.jpg, or FILE.npz: `images`, uint8 [2, H, W, C], the picture and the nearest one; the styles
            `w`, [1, w_dim]; and `distances`, [STEPS + 1], before each step and after the last: see `distance`.
        step: the checkpoint's step, `best`, or None for the newest undamaged one.
        seed: seed of the random styles.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint, its generator has no styles, the picture cannot be read, or `out` cannot
            be written.
    """
    kind, out, device = check_picture(out, "--project"), Path(out), set_device(device)
    run = Run.open_existing(folder)
    opened = open_generator(run, step, Request(num=STARTS, seed=seed))
    check_styles(run, opened.sampler, "--project")
    channels, size, _ = run.spec["image"].shape
    pixels = _read(picture, size, channels)
    found = nearest(opened.sampler, from_uint8(pixels))
    images = np.stack([from_uint8(pixels), opened.sampler.from_styles(found.w)[0]])
    metadata = opened.metadata | {"Picture": picture.name, "Distance": f"{found.distance:.6f}"}
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".npz":
        arrays = {"images": to_uint8(images), "w": found.w, "distances": np.float32(found.distances)}
        save_arrays(out, arrays, metadata)
    else:
        save_picture(out, grid(images, 2), metadata)
    theirs, ours = to_uint8(images).astype("float64")
    difference = math.sqrt(((ours - theirs) ** 2).mean())
    print(
        f"distance {found.distance:.3g} after {STEPS} steps, {found.distances[0]:.3g} at the start; root mean square "
        f"difference of pixels {difference:.1f} of 255"
    )
    print(f"{picture.name} and the nearest image of step {opened.step} written to {out} ({device})")


def _read(picture: Path, size: int, channels: int) -> np.ndarray:
    """A picture file's pixels, uint8 [channels, size, size]. Raises RunError."""
    try:
        return read_picture(read_file(picture, MOST_BYTES), size, channels)
    except OSError as error:
        raise RunError(f"--project {picture}: cannot be read: {error.strerror or error}") from error
    except BadImageError as error:
        raise RunError(f"--project {picture}: {error}") from error


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        w: the nearest styles, [1, w_dim].
        distance: their distance from the picture.
        distances: the distance before each step and after the last.
    """

    w: np.ndarray
    distance: float
    distances: list[float]


def nearest(sampler: Sampler, picture: np.ndarray) -> Found:
    """Search the styles with which a generator comes nearest to a picture. The generator stays unchanged.

    Takes random numbers from Paddle's random generator.

    Args:
        sampler: one that `has_styles`.
        picture: float32 [C, H, W] in [-1, 1].
    """
    target = pyramid(paddle.to_tensor(picture[None]))
    network = sampler.network
    with frozen(network), unchanged_buffers(network), mode(network, training=False):
        w = _parameter(_start(sampler, target))
        adam = paddle.optimizer.Adam(RATE, parameters=[w])
        best, distances = None, []
        for step in trange(STEPS + 1, desc="project", unit=" steps", leave=False, disable=None):
            loss = distance(network.synthesise(w), target).sum()
            distances.append(loss.item())
            if distances[-1] == min(distances):
                best = w.numpy()
            if step < STEPS:
                loss.backward()
                adam.set_lr(RATE * (1 + math.cos(math.pi * step / STEPS)) / 2)
                adam.step()
                adam.clear_grad()
    return Found(best, min(distances), distances)


def _start(sampler: Sampler, target: list[paddle.Tensor]) -> np.ndarray:
    """The random styles that are nearest to the target, [1, w_dim]."""
    w = sampler.styles(arrays_of(sampler.draw(STARTS)))
    distances = [distance(paddle.to_tensor(sampler.from_styles(part)), target) for part in np.split(w, 16)]
    return w[[int(paddle.concat(distances).argmin())]]


def _parameter(values: np.ndarray) -> paddle.Tensor:
    return paddle.create_parameter(values.shape, "float32", default_initializer=nn.initializer.Assign(values))


def pyramid(images: paddle.Tensor) -> list[paddle.Tensor]:
    """Images [N, C, H, W] at full size, half, a quarter, ..., while they are not smaller than SMALLEST."""
    return layers.pyramid(images, SMALLEST)[::-1]


def distance(images: paddle.Tensor, target: list[paddle.Tensor]) -> paddle.Tensor:
    """The distance of each image from a picture, [N]: the mean squared difference, averaged over sizes.

    Args:
        images: [N, C, H, W].
        target: the `pyramid` of the picture, [1, C, h, w] each.
    """
    pairs = zip(pyramid(images), target, strict=True)
    return paddle.stack([((ours - theirs) ** 2).mean([1, 2, 3]) for ours, theirs in pairs]).mean(0)
