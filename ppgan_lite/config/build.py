"""The only place where names in a config become objects."""

import copy

from ppgan_lite.config.load import Config, check_spec
from ppgan_lite.data.base import Dataset
from ppgan_lite.data.options import Pictures
from ppgan_lite.data.spec import Spec
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import DataError
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.optimizers import Optimizer


def build_dataset(config: Config, split: str = "train") -> Dataset:
    """The `train` or `test` split of the config's data set.

    Raises:
        DataError: it cannot be read, or the method takes classes and own pictures have none.
    """
    dataset = config.data.builder()(config.data, split)
    if "label" in config.method.takes:
        _check_classes(config, dataset, split)
    return dataset


def _check_classes(config: Config, dataset: Dataset, split: str):
    """Refuse own pictures that are all of one class, and any data with items of no class. Raises DataError."""
    method, names, origin = config.method.name, dataset.spec["label"].names, dataset.source.origin
    if isinstance(config.data, Pictures) and len(names) == 1:
        raise DataError(
            f"data.root: {origin}: its pictures are one class ({names[0]}), but {method} takes classes; put the "
            "pictures of each class into a folder of its own, with none outside them, or use a method without classes"
        )
    if (dataset.labels < 0).any():
        raise DataError(
            f"data.root: {origin}: {(dataset.labels < 0).sum()} of {len(dataset)} {split} pictures are not in a class "
            f"folder that also exists in train/, but {method} takes classes; put them into {split}/CLASS/"
        )


def build_method(config: Config, spec: Spec) -> Method:
    """The config's method with newly initialised networks: the same weights for the same seed.

    Args:
        config: the config.
        spec: the fields of the data, with the names of its classes.

    Raises:
        ConfigError: the method or a network does not take such data.
    """
    check_spec(config, spec)

    def make(section: str, *arguments):
        options = config.networks[section]
        return options.builder()(options, *arguments)

    method = config.method.builder()
    seed_paddle(config.train.seed, 0)
    networks = method.make_networks(config.method, make, spec)
    optimizers = {
        name: Optimizer(config.optim[name], {network: networks[network] for network in trained})
        for name, trained in config.method.trains.items()
    }
    built = method(config.method, networks, optimizers, spec)
    if config.train.ema is not None:
        built.averages = {name: copy.deepcopy(networks[name]) for name in config.method.AVERAGES}
    return built
