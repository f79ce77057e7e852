"""Download data and decode pictures before a training.

  ppgan prepare-data -c own_pictures -o data.root=FOLDER
  ppgan prepare-data --export-lmdb bedroom_train_lmdb --out bedroom

The first command fills the cache; a training does the same when it starts. The second writes the pictures of an LSUN
LMDB to files. After an interruption both continue where they stopped.
"""

from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli
from ppgan_lite.config.find import find_config
from ppgan_lite.errors import UserError


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan prepare-data`."""
    cli.add_config(parser, required=False)
    parser.add_argument("--export-lmdb", type=Path, metavar="LMDB", help="folder of an LSUN LMDB to write to files")
    parser.add_argument("--out", type=Path, help="folder for the files from --export-lmdb")


def run(args):
    """Prepare the data of a config, or export an LMDB."""
    if (args.config is None) == (args.export_lmdb is None) or (args.export_lmdb is None) != (args.out is None):
        raise UserError("give -c CONFIG, or --export-lmdb LMDB and --out FOLDER")
    if args.override and args.config is None:
        raise UserError("-o changes a key of a config: give it with -c CONFIG")
    from ppgan_lite.config.load import load_config

    config = load_config(find_config(args.config), args.override) if args.config else None
    runtime.load_paddle()
    from ppgan_lite.commands import prepare

    if config:
        prepare.prepare(config)
    else:
        prepare.export_lmdb(args.export_lmdb, args.out)
