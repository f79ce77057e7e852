"""Generate images with a trained run.

python tools/sample.py --run output/dcgan_mnist --out samples.png
python tools/sample.py --run output/dcgan_mnist --step 500 --num 100 --seed 1 --out samples.npz
python tools/sample.py --run output/dcgan_mnist --num 1000 --out folder
python tools/sample.py --run output/dcgan_mnist --interpolate 8 --out strips.png
python tools/sample.py --run output/cgan_fashion_mnist_cpu --labels Coat,Bag,9 --out classes.png
python tools/sample.py --run output/infogan_digits --sweep code1 --out code1.png
python tools/sample.py --run output/gan_toy1d --out toy.png

A generator that takes labels (cgan, acgan) draws all classes in turn, or those of --labels. In FILE.png each has a
column, and each row one noise vector: as many whole rows as --num fills, at least one. infogan's columns are its
categories. Of a run on points FILE.png shows four moments of the training.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite import cli, runtime


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--run", dest="folder", type=Path, required=True, help="folder of a run: output/dcgan_mnist")
    parser.add_argument("--out", type=Path, required=True, help="FILE.png (a grid), FILE.npz, or a folder of PNGs")
    cli.add_step(parser)
    parser.add_argument("--num", type=cli.whole_number(1), default=64, help="images (default: 64)")
    parser.add_argument("--seed", type=cli.whole_number(0), default=0, help="of the noise (default: 0)")
    parser.add_argument("--labels", metavar="A,B,...", help="classes, by number or name (cgan, acgan; default: all)")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--interpolate",
        type=cli.whole_number(2),
        metavar="STEPS",
        help="strips of STEPS images between two noise vectors each",
    )
    ways.add_argument(
        "--sweep",
        metavar="CODE",
        help="what a code of infogan does: category (--num images), or code1, code2, ... (10 images for each category, "
        "from -2 to 2, beyond the [-1, 1] of training)",
    )
    cli.add_device(parser)
    options = vars(parser.parse_args(argv))  # but for --debug, the arguments of sampling.sample by their names
    debug = options.pop("debug")

    def sample():
        runtime.load_paddle()
        from ppgan_lite import sampling

        sampling.sample(**options)

    return cli.run_tool(sample, debug)


if __name__ == "__main__":
    sys.exit(main())
