"""Measure how good a trained generator or classifier is.

  ppgan evaluate --run output/dcgan_mnist
  ppgan evaluate --run output/dcgan_mnist --step all --num 2000
  ppgan evaluate --run output/dcgan_mnist --step best --json result.json
  ppgan evaluate --run output/dcgan_mnist --features inception

A generator is measured by metrics, each next to the figure of real images, and a classifier by its accuracy. Results
are kept in the run's folder, in evaluations/, and drawn in its VisualDL log. Only figures with the same protocol (the
last line) can be compared.
"""

from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan evaluate`."""
    cli.add_run(parser)
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


def run(args):
    """Measure and print."""
    runtime.load_paddle()
    from ppgan_lite.commands.evaluate import evaluate

    evaluate(args.run, args.step, args.num, args.features, args.seed, args.json, args.device)
