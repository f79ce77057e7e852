"""Translate pictures, folders and films with a run or an export.

  ppgan translate --run output/pix2pix_facades_cpu --input photo.jpg --out translated.png
  ppgan translate --run output/cyclegan_flowers_cpu --input photos --out translated
  ppgan translate --run output/cyclegan_flowers_cpu --direction b_to_a --input film.mp4 --out translated.mp4
  ppgan translate --run output/stargan_digits_cpu --attributes colour=red,thickness=thin --input x.png --out y.png
  ppgan translate --model exported --engine onnxruntime --input photo.jpg --beside --out both.png

Pictures of any size keep their size: for the network they are padded with their reflection. A folder's pictures, and
the ones in folders below, become PNGs of the same names; where a.jpg and a.png are both there, a.jpg.png and a.png.png.
Files that cannot be read are named and left out. A film keeps its frames per second and loses its sound; MP4s have an
even height and width. Nothing is overwritten without --overwrite.
"""

from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan translate`."""
    networks = parser.add_mutually_exclusive_group(required=True)
    networks.add_argument("--run", type=Path, help="folder of a run, for example output/pix2pix_facades_cpu")
    networks.add_argument("--model", type=Path, help="exported folder")
    parser.add_argument(
        "--input", type=Path, required=True, metavar="FILE|FOLDER|VIDEO", help="a picture, a folder, or a film"
    )
    parser.add_argument(
        "--out", required=True, help="FILE.png or FILE.jpg; for a folder a folder; for a film FILE.mp4 or FILE.gif"
    )
    parser.add_argument(
        "--direction", choices=["a_to_b", "b_to_a"], help="which way to translate (default: the only one, or a_to_b)"
    )
    parser.add_argument(
        "--attributes",
        metavar="A=B,...",
        help="for stargan: the attributes that the pictures are to have: GROUP=VALUE, or NAME=yes or NAME=no, for each",
    )
    parser.add_argument("--beside", action="store_true", help="write each picture with its translation at its right")
    cli.add_step(parser)
    parser.add_argument(
        "--engine",
        choices=["auto", "paddle", "paddle-onednn", "onnxruntime"],
        default="auto",
        help="with --model: what runs it (default: the fastest of Paddle's at export)",
    )
    cli.add_device(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    shared = {"input", "out", "direction", "attributes", "beside", "device", "overwrite", "debug"}
    parser.give_own_options("model", own={"engine"}, shared=shared)


def run(args):
    """Translate."""
    if args.run:
        cli.check_run(args.run, args.step)
    runtime.load_paddle()
    from ppgan_lite.commands import translate

    def open_translator():
        if args.run:
            return translate.open_run(args.run, args.step, args.direction, args.attributes, args.device)
        return translate.open_export(args.model, args.engine, args.direction, args.attributes, args.device)

    translate.translate(args.input, args.out, open_translator, args.beside, args.overwrite)
