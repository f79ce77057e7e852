"""Pairs of images of which the second is computed from the first, b = f(a): the truth of a translation is known.

The images a are another data set's. Without pairs in training, a and b come from different halves of it, so that no
image of one domain has its counterpart in the other; the test items are pairs in any case.
"""

import dataclasses

import cv2
import numpy as np

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.domains import Domains
from ppgan_lite.data.image_array import Arrays
from ppgan_lite.data.options import DATASETS
from ppgan_lite.data.pictures import square
from ppgan_lite.data.spec import Field, pair
from ppgan_lite.errors import DataError
from ppgan_lite.metrics.pixels import LUMA

SMALL = 28  # height and width of images that get a border, not an enlargement
BORDERED = 32  # up to this size
WEAK, STRONG = 100, 200  # thresholds of Canny's edges on 0 to 255: Fashion-MNIST's clothes in few, closed lines
BLOCK = 4  # pixels, height and width of what `small` averages


def build(options, split: str = "train") -> Dataset:
    """The pairs, or with `paired: false` the two domains of the training split.

    Raises:
        DataError: the data set of the images a cannot be read (see its own `build`), or has too few images.
    """
    base = _base(options, split)
    indices = choose(len(base), options.num_images, split)
    origin = f"{options.transform} of {base.source.name} from {base.source.origin}"
    transform = TRANSFORMS[options.transform]
    if split == "train" and not options.paired:
        of_a, of_b = halves(indices)
        a = _domain(_images(base, of_a, options), base.labels[of_a], f"images for {origin}", options.flip)
        b = _domain(transform(_images(base, of_b, options)), base.labels[of_b], origin, options.flip)
        return Domains({"a": a, "b": b}, "derived", origin)
    a = _images(base, indices, options)
    arrays = {"a": a, "b": transform(a)}
    return Arrays(pair(a.shape[1:]), arrays, "derived", origin, labels=base.labels[indices], flip=options.flip)


def choose(num: int, num_train: int | None, split: str) -> np.ndarray:
    """The indices of the images that are used, in order: random ones, but always the same.

    Args:
        num: number of images in the split.
        num_train: number of images to train on; a sixth as many are used for tests, or all if they are fewer. None: all
            of both.
        split: `train` or `test`.

    Raises:
        DataError: there are too few training images.
    """
    if num_train is None:
        return np.arange(num)
    if split == "train" and num < num_train:
        raise DataError(f"data.num_images: {num_train} is more than the {num} training images that there are")
    wanted = num_train if split == "train" else max(1, num_train // 6)
    return np.sort(np.random.default_rng(0).permutation(num)[:wanted])


def halves(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A random half of the indices and the other half, each in order; always the same ones.

    Raises:
        DataError: there are fewer than two.
    """
    if len(indices) < 2:
        raise DataError("data.paired: false needs at least 2 training images, one for each domain")
    one, other = np.array_split(np.random.default_rng(1).permutation(indices), 2)
    return np.sort(one), np.sort(other)


def fit(images: np.ndarray, size: int) -> np.ndarray:
    """Images uint8 [N, C, H, W] in another size, [N, C, size, size].

    Images of 28x28 get a black border up to 32, as their strokes and edges stay sharp; others are cropped to a square
    and resized (`pictures.square`).
    """
    if images.shape[2:] == (size, size):
        return images
    if images.shape[2:] == (SMALL, SMALL) and size == BORDERED:
        border = (BORDERED - SMALL) // 2
        return np.pad(images, ((0, 0), (0, 0), (border, border), (border, border)))
    # [H, W, C] -> [C, H, W]
    return np.stack([square(image.transpose(1, 2, 0), size).transpose(2, 0, 1) for image in images])


def outline(images: np.ndarray) -> np.ndarray:
    """The edges that Canny (1986) finds, black on white, the same in all channels: uint8 [N, C, H, W], same shape.

    A pixel is on an edge where the gradient, of the channel in which it is greatest, exceeds STRONG, or exceeds WEAK
    and is connected to such a pixel.
    """
    lines = np.empty_like(images)
    for image, line in zip(images, lines, strict=True):
        line[:] = 255 - cv2.Canny(np.ascontiguousarray(image.transpose(1, 2, 0)), WEAK, STRONG)
    return lines


def grey(images: np.ndarray) -> np.ndarray:
    """RGB images without their colour, the luma of ITU-R BT.601 in each channel: uint8 [N, 3, H, W], same shape."""
    luma = np.empty_like(images)
    for image, each in zip(images, luma, strict=True):
        each[:] = np.rint(np.tensordot(LUMA, image.astype("float32"), 1))
    return luma


def small(images: np.ndarray) -> np.ndarray:
    """Images of a quarter of the height and width, each pixel the mean of 4x4, repeated to the old size.

    Args:
        images: uint8 [N, C, H, W], H and W multiples of 4.

    Returns:
        uint8 of the same shape.
    """
    num, channels, height, width = images.shape
    blocks = images.reshape(num, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    means = np.rint(blocks.mean((3, 5), dtype="float32")).astype("uint8")
    return means.repeat(BLOCK, 2).repeat(BLOCK, 3)


TRANSFORMS = {"outline": outline, "grey": grey, "small": small}


def _base(options, split: str) -> Dataset:
    """The data set of the images a, with the options that it shares with `options`, and all channels."""
    kind = DATASETS[options.images]
    own = {field.name for field in dataclasses.fields(kind)}
    shared = {name: getattr(options, name) for name in own & {"batch_size", "root", "size", "num_images"}}
    if options.num_images is None:
        shared.pop("num_images", None)
    base = kind(name=options.images, **shared)
    return base.builder()(base, split)


def _images(base: Dataset, indices: np.ndarray, options) -> np.ndarray:
    """The images a: uint8 [N, C, size, size]."""
    return fit(base.pixels("image", indices), options.size)


def _domain(images: np.ndarray, labels: np.ndarray, origin: str, flip: bool) -> Arrays:
    spec = {"image": Field("image", images.shape[1:])}
    return Arrays(spec, {"image": images}, "derived", origin, labels=labels, flip=flip)
