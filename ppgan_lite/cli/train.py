"""Train a GAN or a classifier.

  ppgan train -c dcgan_mnist
  ppgan train -c dcgan_mnist -o train.epochs=1 -o data.batch_size=64 --run-dir output/try
  ppgan train -c dcgan_mnist --resume
  ppgan train -c dcgan_mnist --dry-run

Ctrl-C and SIGTERM save before they stop; --resume continues exactly from the last checkpoint.
"""

from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli
from ppgan_lite.config.find import find_config


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan train`."""
    cli.add_config(parser)
    parser.add_argument("--run-dir", type=Path, help="output folder (default: output/CONFIG_NAME)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--resume", action="store_true", help="continue from the newest checkpoint in the folder")
    how.add_argument("--overwrite", action="store_true", help="delete the run that is in the folder, and start again")
    cli.add_device(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="print the resolved config, the data source and the networks' sizes only"
    )


def run(args) -> int:
    """Train; returns the exit code."""
    from ppgan_lite.config.load import load_config

    path = find_config(args.config)
    config = load_config(path, args.override)
    runtime.load_paddle()
    from ppgan_lite.engine import loop

    folder = args.run_dir or Path("output") / path.stem
    return loop.train(config, folder, args.resume, args.overwrite, args.device, args.dry_run)
