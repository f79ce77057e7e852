"""Export a trained run's networks for Paddle Inference and ONNX.

  ppgan export --run output/dcgan_mnist --out exported
  ppgan export --run output/dcgan_mnist --step 500 --out exported_500
  ppgan export --run output/dcgan_mnist --out exported --overwrite --formats paddle,onnx

Each network is written as NAME.json and NAME.pdiparams (Paddle) and, with --formats paddle,onnx, as NAME.onnx;
signature.json describes the inputs and outputs. Then a new process runs the export, which is deleted if it does not
compute what the run's networks compute. Use it with:

  ppgan infer --model exported --num 64 --out grid.png
  ppgan translate --model exported --input photo.jpg --out translated.png
"""

import argparse
import os
from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli

FORMATS = ("paddle", "onnx")


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan export`."""
    cli.add_run(parser)
    parser.add_argument("--out", type=Path, required=True, help="new folder for the export")
    cli.add_step(parser)
    parser.add_argument(
        "--formats",
        type=formats,
        default=["paddle"],
        metavar="paddle,onnx",
        help="formats to write (default: paddle); onnx needs paddle2onnx and onnxruntime",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an older export in the folder")


def formats(text: str) -> list[str]:
    """An argparse type: formats, separated by commas."""
    names = text.split(",")
    for name in names:
        if name not in FORMATS:
            raise argparse.ArgumentTypeError(f"unknown format {name!r}; allowed: {', '.join(FORMATS)}")
    if "paddle" not in names:
        raise argparse.ArgumentTypeError("paddle must be included: onnx is made from it")
    return sorted(set(names), key=FORMATS.index)


def run(args):
    """Export and check."""
    cli.check_run(args.run, args.step)
    os.environ.setdefault("GLOG_minloglevel", "2")  # errors only; tracing prints warnings about Paddle's internals
    runtime.load_paddle()
    from ppgan_lite.commands import export

    export.export(args.run, args.out, args.step, args.formats, args.overwrite)
