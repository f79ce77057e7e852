"""Measure how long a training step of a config takes on this machine, and where the time goes.

  python tools/benchmark.py -c configs/dcgan_mnist.yml
  python tools/benchmark.py -c configs/dcgan_mnist.yml --steps 10 --vs stock --json benchmark.json

The first steps do not count. Nothing is left behind but the JSON file. Close what else runs on the machine.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite.cli import parser as cli
from ppgan_lite.commands import benchmark


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    cli.add_config(parser)
    parser.add_argument("--steps", type=cli.whole_number(1), default=20, help="steps to measure (default: 20)")
    parser.add_argument(
        "--vs",
        choices=["stock"],
        help="measure in turn with the same networks and step in Paddle's own operations, threads and memory settings",
    )
    cli.add_device(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to FILE")
    args = parser.parse_args(argv)

    def run():
        benchmark.report(args.config, args.override, args.device, args.steps, args.vs == "stock", args.json)

    return cli.run_tool(run, args.debug)


if __name__ == "__main__":
    sys.exit(main())
