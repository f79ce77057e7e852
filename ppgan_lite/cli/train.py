"""Train a GAN or a classifier.

  ppgan train -c dcgan_mnist
  ppgan train -c dcgan_mnist -o train.epochs=1 -o data.batch_size=64 --run-dir output/try
  ppgan train -c dcgan_mnist --resume
  ppgan train -c dcgan_mnist --dry-run

Ctrl-C and SIGTERM save a checkpoint before the training stops. --resume continues from the newest checkpoint, with the
same results as a training that was never stopped.
"""

from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli
from ppgan_lite.cli.next_steps import next_steps
from ppgan_lite.config.find import find_config


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan train`."""
    cli.add_config(parser)
    parser.add_argument("--run-dir", type=Path, help="output folder (default: output/CONFIG_NAME)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--resume", action="store_true", help="continue from the newest checkpoint in the folder")
    how.add_argument("--overwrite", action="store_true", help="delete the run in the folder and start again")
    cli.add_device(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only print the full config, the data source and the networks' sizes",
    )


def run(args) -> int:
    """Train; returns the exit code."""
    from ppgan_lite.config.load import load_config

    path = find_config(args.config)
    config = load_config(path, args.override)
    runtime.load_paddle()
    from ppgan_lite.data.spec import has_points
    from ppgan_lite.engine import loop

    folder = args.run_dir or Path("output") / path.stem
    code = loop.train(config, folder, args.resume, args.overwrite, args.device, args.dry_run)
    if not args.dry_run:
        print(next_steps(folder, _resuming(args), not has_points(config.data.spec())), flush=True)
    return code


def _resuming(args) -> list[str]:
    """The arguments that continue this training."""
    words = ["-c", str(args.config)]
    for override in args.override:
        words += ["-o", override]
    if args.run_dir:
        words += ["--run-dir", str(args.run_dir)]
    if args.device != "auto":
        words += ["--device", args.device]
    return [*words, "--resume"]
