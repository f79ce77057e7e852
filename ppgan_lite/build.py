"""The only place where a name in a config becomes an object."""

import numpy as np
import paddle

from ppgan_lite.config import Config
from ppgan_lite.data import DATASETS
from ppgan_lite.errors import ConfigError, RunError
from ppgan_lite.methods import METHODS
from ppgan_lite.networks import NETWORKS
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
    method = METHODS[config.method.name]

    def make(section: str, *arguments):
        return build_network(section, config.networks[section], *arguments)

    seed_paddle(config.train.seed, 0)
    networks = method.make_networks(config.method, make, tuple(image_shape), num_classes)
    optimizers = {
        name: Optimizer(options, networks[method.trained_network(name)]) for name, options in config.optim.items()
    }
    if config.train.ema is not None:
        average = method.make_networks(config.method, make, tuple(image_shape), num_classes)["g"]
        average.set_state_dict(networks["g"].state_dict())
        networks["g_ema"] = average
    return method(config.method, networks, optimizers)


def build_network(section: str, options, *arguments):
    """The network that a section of a config describes; see ppgan_lite/networks/ for what it is built from.

    Raises:
        ConfigError: it does not take such images.
    """
    try:
        return NETWORKS[section][options.name](options, *arguments)
    except ConfigError as error:
        raise ConfigError(f"{section}.name: {error}") from error


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
