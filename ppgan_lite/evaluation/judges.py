"""Networks that judge translations, trained on real pictures where they are first needed and kept in the cache.

They take part in no training of a translator, so that it cannot learn to please them.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import paddle
import safetensors.numpy
from tqdm import trange

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.cache import cache_folder
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import RunError, warn
from ppgan_lite.files import disk_errors, read_file, writing

MOST_BYTES = 2**27  # limit for a file with a network
BATCH_IMAGES = 64  # pictures judged at once
DIGEST = "sha256"  # the array with the checksum of the others


@dataclass(frozen=True)
class Recipe:
    """How a judge is trained: by Adam, with a rate that falls to 0.

    Attributes:
        name: what it is, with a version: raise it when the network, its data or its loss changes.
        steps: updates.
        batch_size: items in each, drawn at random; all, if there are fewer.
        lr: first learning rate.
        flip: whether a random half of the items is mirrored.
        seed: seed of the weights and of the items drawn.
    """

    name: str
    steps: int
    batch_size: int
    lr: float
    flip: bool = False
    seed: int = 0

    def key(self, data: Dataset) -> str:
        """A checksum of this and of the data: judges of the same key are the same but for rounding."""
        fields = {name: (field.shape, field.names) for name, field in data.spec.items()}
        return hashlib.sha256(repr((asdict(self), data.source.sha256, fields)).encode()).hexdigest()

    def describe(self) -> str:
        """The training in words, for protocols."""
        return f"{self.name}, trained {self.steps} steps of {self.batch_size}, seed {self.seed}"


def train_judge(recipe: Recipe, make: Callable, loss: Callable, data: Dataset) -> paddle.nn.Layer:
    """A judge in evaluation mode: from the cache, or trained and put there.

    Args:
        make: makes the network.
        loss: the loss of (network, batch of `data`).
        data: real pictures with what is known of them.
    """
    seed_paddle(recipe.seed, 0, 4)
    network, path = make(), _path(recipe.key(data))
    if path is None or not _load(path, network):
        _train(recipe, network, loss, data)
        if path is not None:
            _save(path, network)
    network.eval()
    return network


def judged(network: paddle.nn.Layer, pixels: np.ndarray, of: Callable = np.asarray) -> np.ndarray:
    """What a judge makes of images uint8 [N, C, H, W].

    Args:
        of: takes the network's output for some of the images to what is kept of it.
    """
    parts = (pixels[start : start + BATCH_IMAGES] for start in range(0, len(pixels), BATCH_IMAGES))
    with paddle.no_grad():
        return np.concatenate([of(network(paddle.to_tensor(from_uint8(part))).numpy()) for part in parts])


def _train(recipe: Recipe, network: paddle.nn.Layer, loss: Callable, data: Dataset):
    rate = paddle.optimizer.lr.LambdaDecay(recipe.lr, lambda step: 1 - step / recipe.steps)
    adam = paddle.optimizer.Adam(rate, parameters=network.parameters())
    rng, num = np.random.default_rng(recipe.seed), min(recipe.batch_size, len(data))
    network.train()
    for _ in trange(recipe.steps, desc=f"training the {recipe.name}", disable=None, leave=False):
        batch = data.batch(np.sort(rng.choice(len(data), num, replace=False)))
        mirrored = rng.integers(0, 2, num, dtype=bool) & recipe.flip
        for name, field in data.spec.items():
            if field.kind == "image":
                batch[name][mirrored] = batch[name][mirrored, ..., ::-1]
        loss(network, {name: paddle.to_tensor(values) for name, values in batch.items()}).backward()
        adam.step()
        adam.clear_grad()
        rate.step()


def _path(key: str) -> Path | None:
    """The file of a judge in the cache; None, with a warning, if there can be none."""
    try:
        return cache_folder(f"judge {key}", ()).with_suffix(".safetensors")
    except RunError as error:
        warn(f"{error}; networks that judge translations are not kept")


def _load(path: Path, network: paddle.nn.Layer) -> bool:
    """Set the network's tensors from a file; returns whether it is there and undamaged."""
    try:
        arrays = safetensors.numpy.load(read_file(path, MOST_BYTES))
    except (OSError, safetensors.SafetensorError):
        return False
    tensors, digest = network.state_dict(), arrays.pop(DIGEST, None)
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    if digest is None or shapes != {name: list(tensor.shape) for name, tensor in tensors.items()}:
        return False
    if digest.tobytes() != _digest(arrays):
        return False
    for name, tensor in tensors.items():
        tensor.set_value(arrays[name])
    return True


def _save(path: Path, network: paddle.nn.Layer):
    """Write the network's tensors; a warning if that is not possible."""
    arrays = {name: np.asarray(tensor) for name, tensor in network.state_dict().items()}
    content = safetensors.numpy.save(arrays | {DIGEST: np.frombuffer(_digest(arrays), np.uint8)})
    try:
        with disk_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path) as stream:
            stream.write(content)
    except RunError as error:
        warn(f"{error}; the next evaluation trains this network again")


def _digest(arrays: dict[str, np.ndarray]) -> bytes:
    """The sha256 of arrays by name."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.digest()
