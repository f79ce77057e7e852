"""Data made ready before a training: caches of decoded pictures, and downloads."""

from pathlib import Path

from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import Config
from ppgan_lite.data import lsun
from ppgan_lite.errors import ConfigError, DataError, warn


def prepare(config: Config):
    """Download and cache what a training by this config, and its evaluation, would; tell what there is of each split.

    Raises:
        ConfigError: the config's pictures are not cached on the disk.
        DataError: the training data cannot be had. Test data that cannot are a warning: a training needs none.
    """
    if getattr(config.data, "cache", "disk") != "disk":
        raise ConfigError(f"data.cache: {config.data.cache}: leaves nothing to prepare; give -o data.cache=disk")
    print(f"train: {build_dataset(config, 'train').source}", flush=True)
    try:
        print(f"test: {build_dataset(config, 'test').source}", flush=True)
    except DataError as error:
        warn(f"no test data, so no evaluation: {error}")


def export_lmdb(folder: Path, out: Path):
    """Write the pictures of an LSUN LMDB as files, and tell how many. Raises UserError."""
    written = lsun.export(folder, out)
    print(f"{written} pictures written to {out}; train on them with data={{name: lsun, root: {out}}}")
