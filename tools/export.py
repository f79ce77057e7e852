"""Export the networks of a trained run for Paddle Inference and ONNX, and check that they compute the same.

  python tools/export.py --run output/dcgan_mnist --out exported
  python tools/export.py --run output/dcgan_mnist --step 500 --out exported_500
  python tools/export.py --run output/dcgan_mnist --out exported --overwrite --formats paddle,onnx

Each network becomes NAME.json and NAME.pdiparams (Paddle), and NAME.onnx if asked for; signature.json tells what they
take and give. A new process then runs them; an export that differs from the run's networks is deleted. Run it anywhere:

  python tools/infer.py --model exported --num 64 --out grid.png
"""

import argparse
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli

FORMATS = ("paddle", "onnx")


def formats(text: str) -> list[str]:
    """An argparse type: formats with commas between them."""
    names = text.split(",")
    for name in names:
        if name not in FORMATS:
            raise argparse.ArgumentTypeError(f"unknown format {name!r}; there are: {', '.join(FORMATS)}")
    if "paddle" not in names:
        raise argparse.ArgumentTypeError("paddle must be one of them: onnx is made from it")
    return sorted(set(names), key=FORMATS.index)


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run, for example output/dcgan_mnist")
    parser.add_argument("--out", type=Path, required=True, help="folder to be made")
    cli.add_step(parser)
    parser.add_argument(
        "--formats",
        type=formats,
        default=["paddle"],
        metavar="paddle,onnx",
        help="default: paddle; onnx needs: pip install -r requirements-onnx.txt",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the export that is in the folder")
    args = parser.parse_args(argv)

    def run():
        os.environ.setdefault("GLOG_minloglevel", "2")  # errors; Paddle warns of its own inner ways when it traces
        runtime.load_paddle()
        # After paddle, which sets its own. On the way out, what is half-written is removed.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        from ppgan_lite.commands import export

        export.export(args.run, args.out, args.step, args.formats, args.overwrite)

    return cli.run_tool(run, args.debug)


if __name__ == "__main__":
    sys.exit(main())
