"""The only place where a name in a config becomes an object."""

import numpy as np
import paddle

from ppgan_lite.config import Config
from ppgan_lite.data import DATASETS
from ppgan_lite.errors import RunError
from ppgan_lite.methods import METHODS
from ppgan_lite.networks import CLASSIFIERS, DISCRIMINATORS, GENERATORS
from ppgan_lite.optimizers import Optimizer


def build_dataset(config: Config, split: str = "train"):
    """The `train` or the `test` images of the config's `data` section. Raises DataError."""
    return DATASETS[config.data.name](config.data, split)


def build_method(config: Config, image_shape: tuple[int, int, int], num_classes: int):
    """The config's method with freshly initialised networks: the same weights for the same seed.

    Args:
        image_shape: C, H, W of the data.
        num_classes: of the data.
    """
    seed_paddle(config.train.seed, 0)
    method = METHODS[config.method.name]
    networks = {
        section[0]: build_network(section, options, config.method, image_shape, num_classes)
        for section, options in config.networks.items()
    }
    optimizers = {
        name: Optimizer(options, networks[method.trained_network(name)]) for name, options in config.optim.items()
    }
    return method(config.method, networks, optimizers)


def build_network(section: str, options, method, image_shape: tuple[int, int, int], num_classes: int):
    """The network that a section of a config describes; its key among the method's networks is the initial (g, d, c).

    Args:
        method: the options of the method that trains it.
        image_shape, num_classes: see `build_method`.
    """
    if section == "generator":
        return GENERATORS[options.name](options, method.z_dim, image_shape)
    if section == "discriminator":
        return DISCRIMINATORS[options.name](options, image_shape)
    return CLASSIFIERS[options.name](options, image_shape, num_classes)


def seed_paddle(*key: int):
    """Seed paddle's generators with a mixture of the numbers, for example (train.seed, step)."""
    paddle.seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]) >> 1)


def set_device(name: str) -> str:
    """Select `cpu`, `gpu` or `auto` (a GPU where there is one) and return which it is.

    Raises:
        RunError: `gpu` on a machine without one, or with the CPU build of paddle.
    """
    gpus = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    if name == "gpu" and not gpus:
        why = "this machine has none" if paddle.is_compiled_with_cuda() else "this paddle is built for the CPU only"
        raise RunError(f"--device gpu: no GPU to be used: {why}; use --device cpu, or see requirements-gpu.txt")
    device = ("gpu" if gpus else "cpu") if name == "auto" else name
    paddle.set_device(device)
    return device
