"""The only place where a name in a config becomes an object."""

from ppgan_lite.config.load import Config
from ppgan_lite.data import DATASETS
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import ConfigError
from ppgan_lite.methods import METHODS
from ppgan_lite.methods.optimizers import Optimizer
from ppgan_lite.networks import NETWORKS


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
