"""Put the classifier of a finished run of configs/evaluator_*.yml into the package, with its card.

python tools/train.py -c configs/evaluator_mnist.yml
python benchmarks/ship_evaluator.py --run output/evaluator_mnist
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, for example output/evaluator_mnist")
    args = parser.parse_args(argv)

    def ship():
        runtime.load_paddle()
        from ppgan_lite.evaluation import features

        card = features.ship_evaluator(args.run)
        name, size, accuracy = card["file"]["name"], card["file"]["bytes"], card["test_accuracy"]
        print(f"{name}: {size} bytes, {card['num_parameters']} numbers, test accuracy {accuracy:.2%}")

    return cli.run_tool(ship, args.debug)


if __name__ == "__main__":
    sys.exit(main())
