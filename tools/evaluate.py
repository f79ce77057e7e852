"""Measure a trained run: a generator by metrics, each beside what real images have; a classifier by its accuracy.

  python tools/evaluate.py --run output/dcgan_mnist
  python tools/evaluate.py --run output/dcgan_mnist --step all --num 2000
  python tools/evaluate.py --run output/dcgan_mnist --step best --json result.json
  python tools/evaluate.py --run output/dcgan_mnist --features inception

What is found is kept in the run's folder, in evaluations/, and drawn in its VisualDL log. Only figures with the same
protocol (the last line) can be compared.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run, for example output/dcgan_mnist")
    cli.add_step(parser, "all")
    parser.add_argument(
        "--num",
        type=cli.whole_number(1),
        help="images of each kind, generated and real (default: 10000, or all test images where they are fewer). This, "
        "--features and --seed are for generators: a classifier is measured on all test images",
    )
    parser.add_argument(
        "--features",
        default="auto",
        help="network to compare images by: auto (the one made for the run's data), its name, or inception, which "
        "downloads 90 MB of weights (default: auto)",
    )
    parser.add_argument("--seed", type=cli.whole_number(0), default=0, help="of the noise and the choice (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the (last) result there, too")
    cli.add_device(parser)
    args = parser.parse_args(argv)

    def run():
        runtime.load_paddle()
        from ppgan_lite.commands.evaluate import evaluate

        evaluate(args.run, args.step, args.num, args.features, args.seed, args.json, args.device)

    return cli.run_tool(run, args.debug)


if __name__ == "__main__":
    sys.exit(main())
