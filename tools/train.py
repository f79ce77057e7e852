"""Train a GAN, or a classifier.

  python tools/train.py -c configs/dcgan_mnist.yml
  python tools/train.py -c configs/dcgan_mnist.yml -o train.epochs=1 -o data.batch_size=64 --run-dir output/try
  python tools/train.py -c configs/dcgan_mnist.yml --resume
  python tools/train.py -c configs/dcgan_mnist.yml --dry-run

Ctrl-C and SIGTERM save before they stop; --resume goes on exactly where the last checkpoint was made.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli
from ppgan_lite.config.load import load_config


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    cli.add_config(parser)
    parser.add_argument("--run-dir", type=Path, help="output folder (default: output/CONFIG_NAME)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in the folder")
    how.add_argument("--overwrite", action="store_true", help="delete the run that is in the folder, and start anew")
    cli.add_device(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="print the resolved config, the data source and the networks' sizes only"
    )
    args = parser.parse_args(argv)

    def train():
        config = load_config(args.config, args.override)
        runtime.load_paddle()
        from ppgan_lite.engine import loop

        folder = args.run_dir or Path("output") / args.config.stem
        return loop.train(config, folder, args.resume, args.overwrite, args.device, args.dry_run)

    return cli.run_tool(train, args.debug)


if __name__ == "__main__":
    sys.exit(main())
