"""Measure how long a training step takes, and where the time goes.

  ppgan benchmark -c dcgan_mnist
  ppgan benchmark -c dcgan_mnist --steps 10 --vs stock --json benchmark.json

The first steps are not counted, and only the JSON file is written. Stop other programs first: they slow the steps down.
"""

from pathlib import Path

from ppgan_lite.cli import parser as cli
from ppgan_lite.config.find import find_config


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan benchmark`."""
    cli.add_config(parser)
    parser.add_argument("--steps", type=cli.whole_number(1), default=20, help="steps to measure (default: 20)")
    parser.add_argument(
        "--vs",
        choices=["stock"],
        help="compare with the same training in Paddle's own operations, threads and memory settings",
    )
    cli.add_device(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")


def run(args):
    """Measure and print."""
    from ppgan_lite.commands import benchmark

    path = find_config(args.config)
    benchmark.report(path, args.override, args.device, args.steps, args.vs == "stock", args.json)
