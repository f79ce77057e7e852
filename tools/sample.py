"""Generate images with a trained run.

python tools/sample.py --run output/dcgan_mnist --out samples.png
python tools/sample.py --run output/dcgan_mnist --step 500 --num 100 --seed 1 --out samples.npz
python tools/sample.py --run output/dcgan_mnist --num 1000 --out folder
python tools/sample.py --run output/dcgan_mnist --interpolate 8 --out strips.png
python tools/sample.py --run output/dcgan_mnist --timelapse --out course.gif
python tools/sample.py --run output/cgan_fashion_mnist_cpu --labels Coat,Bag,9 --out classes.png
python tools/sample.py --run output/infogan_digits --sweep code1 --out code1.png
python tools/sample.py --run output/gan_toy1d --out toy.png

A generator that takes labels (cgan, acgan, sngan) draws all classes in turn, or those of --labels. In FILE.png each
has a column, and each row one noise vector: as many whole rows as --num fills, at least one. infogan's columns are its
categories; --sweep code1 has 10, from -2 to 2, beyond the [-1, 1] of training, and a row for each category. Of a run on
points FILE.png shows four moments of the training. A timelapse is made of the previews that the run left in samples/.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--run", dest="folder", type=Path, required=True, help="folder of a run: output/dcgan_mnist")
    parser.add_argument("--out", type=Path, required=True, help="FILE.png (a grid), FILE.npz, or a folder of PNGs")
    cli.add_step(parser)
    parser.add_argument("--num", type=cli.whole_number(1), default=64, help="images (default: 64)")
    parser.add_argument("--seed", type=cli.whole_number(0), default=0, help="of the noise (default: 0)")
    parser.add_argument("--labels", metavar="A,B,...", help="classes, by number or name (default: all)")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--interpolate", metavar="N", type=cli.whole_number(2), help="strips of N images between noises")
    ways.add_argument("--sweep", metavar="CODE", help="what a code of infogan does: category, or code1, code2, ...")
    ways.add_argument("--timelapse", action="store_true", help="the run's previews as a film: FILE.gif or FILE.mp4")
    parser.add_argument("--fps", type=cli.whole_number(1), default=10, help="of the film (default: 10 frames a second)")
    cli.add_device(parser)
    args = parser.parse_args(argv)
    parser.check_flag(args, "timelapse", own={"fps"}, shared={"folder", "out", "debug"})
    options = vars(args)  # but for those taken out here, the arguments of `sample` by their names
    debug, timelapse, fps = (options.pop(name) for name in ("debug", "timelapse", "fps"))

    def run():
        runtime.load_paddle()
        from ppgan_lite.commands.sample import sample
        from ppgan_lite.commands.timelapse import save_timelapse

        if timelapse:
            save_timelapse(args.folder, args.out, fps)
        else:
            sample(**options)

    return cli.run_tool(run, debug)


if __name__ == "__main__":
    sys.exit(main())
