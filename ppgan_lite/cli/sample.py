"""Generate images with a trained run.

  ppgan sample --run output/dcgan_mnist --out samples.png
  ppgan sample --run output/dcgan_mnist --step 500 --num 100 --seed 1 --out samples.npz
  ppgan sample --run output/dcgan_mnist --num 1000 --out folder
  ppgan sample --run output/dcgan_mnist --interpolate 8 --out strips.png
  ppgan sample --run output/dcgan_mnist --timelapse --out course.gif
  ppgan sample --run output/cgan_fashion_mnist_cpu --labels Coat,Bag,9 --out classes.png
  ppgan sample --run output/infogan_digits --sweep code1 --out code1.png
  ppgan sample --run output/biggan_cifar10_cpu --truncation 0.5 --out truncated.png
  ppgan sample --run output/gan_toy1d --out toy.png
  ppgan sample --run output/dcgan_mnist --walk 8 --out walk.mp4
  ppgan sample --run output/pixelcnn_mnist --making --out making.gif
  ppgan sample --run output/stylegan2_flowers64_cpu --truncation 0.7 --out truncated.png
  ppgan sample --run output/stylegan2_flowers64_cpu --mix 8 --out mixed.png
  ppgan sample --run output/stylegan2_flowers64_cpu --project photo.jpg --out found.png

A generator with labels (cgan, acgan, sngan, sagan, biggan) draws all classes in turn, or the classes in --labels. In
FILE.png each class has a column and each noise vector a row; --num is rounded down to complete rows, at least one. The
columns of infogan are its categories. --sweep code1 has a row for each category and 10 columns, code values from -2 to
2 (training uses [-1, 1]). For a run on points, FILE.png shows four moments of the training. --timelapse makes a film of
the run's previews in samples/. --walk makes a film of pictures that change as their noise goes through N random vectors
and back to the first, 30 frames from each to the next, as many pictures at once as --num says. --making makes a film
of how pixelcnn draws pixel by pixel, and how ddpm takes noise away.

Only stylegan2 has styles: --mix makes a table of pictures that take their coarse styles from the picture at the left
and the fine ones from the picture above, and --project searches for the styles that come nearest to a picture (a minute
or more). Runs that translate pictures (pix2pix, cyclegan, stargan) have a command of their own:

  ppgan translate --run output/pix2pix_facades_cpu --input photo.jpg --out translated.png
"""

from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan sample`."""
    cli.add_run(parser)
    parser.add_argument("--out", required=True, help="FILE.png or FILE.jpg (a grid), FILE.npz, or a folder of PNGs")
    cli.add_step(parser)
    parser.add_argument(
        "--num",
        type=cli.whole_number(1),
        help="number of images (default: 64, for --walk and --making 16); --mix rounds it down to a table",
    )
    parser.add_argument("--seed", type=cli.whole_number(0), default=0, help="seed of the noise (default: 0)")
    parser.add_argument("--labels", metavar="A,B,...", help="classes to draw, by number or name (default: all)")
    cli.add_truncation(parser)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--interpolate", metavar="N", type=cli.whole_number(2), help="strips of N images from one noise to another"
    )
    ways.add_argument("--sweep", metavar="CODE", help="vary one code of infogan: category, code1, code2, ...")
    ways.add_argument("--timelapse", action="store_true", help="a film of the run's previews: FILE.gif or FILE.mp4")
    ways.add_argument(
        "--walk",
        metavar="N",
        type=cli.whole_number(2),
        help="a film of a walk through N random noise vectors: FILE.gif or FILE.mp4",
    )
    ways.add_argument(
        "--making",
        action="store_true",
        help="a film of how pixelcnn or ddpm makes its pictures step by step: FILE.gif or FILE.mp4",
    )
    ways.add_argument(
        "--mix",
        metavar="SIZE",
        nargs="?",
        const=8,
        type=cli.whole_number(1),
        help="mix styles of stylegan2: feature maps of up to SIZE pixels have the style of the row (default: 8)",
    )
    ways.add_argument(
        "--project", metavar="PICTURE", type=Path, help="find the nearest picture of a stylegan2 to this one"
    )
    parser.add_argument(
        "--fps",
        type=cli.whole_number(1),
        help="frames per second of the film (default: 30 for --walk and --making, 10 for --timelapse)",
    )
    cli.add_device(parser)
    parser.give_own_options("timelapse", own={"fps"}, shared={"run", "out", "debug"})
    of_runs = {"run", "out", "debug", "step", "seed", "device"}
    parser.give_own_options("walk", own={"fps"}, shared={*of_runs, "num", "labels", "truncation"})
    parser.give_own_options("making", own={"fps"}, shared={*of_runs, "num", "labels", "truncation"})
    parser.give_own_options("mix", own=set(), shared={*of_runs, "num", "truncation"})
    parser.give_own_options("project", own=set(), shared=of_runs)


def run(args):
    """Write the images, or the film."""
    if args.timelapse:
        from ppgan_lite.commands.timelapse import save_timelapse

        save_timelapse(args.run, args.out, args.fps or 10)
        return
    cli.check_run(args.run, args.step)
    runtime.load_paddle()
    from ppgan_lite.commands.sample import Request, sample

    num = args.num or (16 if args.walk or args.making else 64)
    request = Request(num, args.seed, args.interpolate, args.labels, args.sweep, args.truncation)
    if args.walk:
        from ppgan_lite.commands.walk import save_walk

        save_walk(args.run, args.out, args.step, request, args.walk, args.fps or 30, args.device)
    elif args.making:
        from ppgan_lite.commands.making import save_making

        save_making(args.run, args.out, args.step, request, args.fps or 30, args.device)
    elif args.mix:
        from ppgan_lite.commands.mix import save_mix

        save_mix(args.run, args.out, args.step, request, args.mix, args.device)
    elif args.project:
        from ppgan_lite.commands.project import save_projection

        save_projection(args.run, args.project, args.out, args.step, args.seed, args.device)
    else:
        sample(args.run, args.out, args.step, request, args.device)
