"""Generate images with a trained run.

python tools/sample.py --run output/dcgan_mnist --out samples.png
python tools/sample.py --run output/dcgan_mnist --step 500 --num 100 --seed 1 --out samples.npz
python tools/sample.py --run output/dcgan_mnist --num 1000 --out folder
python tools/sample.py --run output/dcgan_mnist --interpolate 8 --out strips.png
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite import cli, runtime


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run, for example output/dcgan_mnist")
    parser.add_argument("--out", type=Path, required=True, help="FILE.png (a grid), FILE.npz, or a folder of PNGs")
    cli.add_step(parser)
    parser.add_argument("--num", type=cli.whole_number(1), default=64, help="images (default: 64)")
    parser.add_argument("--seed", type=cli.whole_number(0), default=0, help="of the noise (default: 0)")
    parser.add_argument(
        "--interpolate",
        type=cli.whole_number(2),
        metavar="STEPS",
        help="strips of STEPS images between two noise vectors each",
    )
    cli.add_device(parser)
    args = parser.parse_args(argv)

    def sample():
        runtime.load_paddle()
        from ppgan_lite import sampling

        sampling.sample(args.run, args.out, args.step, args.num, args.seed, args.interpolate, args.device)

    return cli.run_tool(sample, args.debug)


if __name__ == "__main__":
    sys.exit(main())
