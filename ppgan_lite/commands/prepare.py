"""Prepare data before a training: download it and cache decoded pictures."""

from pathlib import Path

from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import Config
from ppgan_lite.data import lsun
from ppgan_lite.errors import ConfigError, DataError, warn


def prepare(config: Config):
    """Download and cache the data of a training with this config and of its evaluation; print a line for each split.

    Raises:
        ConfigError: the config does not cache decoded pictures on disk.
        DataError: the training data is not available. Missing test data is a warning: a training does not need it.
    """
    if getattr(config.data, "cache", "disk") != "disk":
        raise ConfigError(f"data.cache: {config.data.cache}: nothing to prepare; use -o data.cache=disk")
    print(f"train: {build_dataset(config, 'train').source}", flush=True)
    try:
        print(f"test: {build_dataset(config, 'test').source}", flush=True)
    except DataError as error:
        warn(f"no test data, so no evaluation: {error}")


def export_lmdb(folder: Path, out: Path):
    """Write the pictures of an LSUN LMDB as files and print how many. Raises UserError."""
    written = lsun.export(folder, out)
    print(f"{written} pictures written to {out}; train on them with -c dcgan_lsun -o data.root={out}")
