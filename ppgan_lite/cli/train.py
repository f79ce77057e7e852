"""Train a GAN or a classifier.

  ppgan train -c dcgan_mnist
  ppgan train -c dcgan_mnist -o train.epochs=1 -o data.batch_size=64 --run-dir output/try
  ppgan train -c dcgan_mnist --resume
  ppgan train -c dcgan_mnist --dry-run

Ctrl-C, SIGTERM and a closed terminal save a checkpoint before the training stops. --resume continues from the newest
checkpoint, with the same results as a training that was never stopped.
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
    folder = args.run_dir or Path("output") / path.stem
    _check_paths(config, folder, args)
    runtime.load_paddle()
    from ppgan_lite.data.spec import has_points
    from ppgan_lite.engine import loop
    from ppgan_lite.evaluation.evaluation import obstacle

    code = loop.train(config, folder, args.resume, args.overwrite, args.device, args.dry_run)
    if not args.dry_run:
        has_metrics = not has_points(config.data.spec()) and obstacle(config) is None
        translates = config.method.KIND == "translator"
        print(next_steps(folder, _resuming(args, config, finished=not code), has_metrics, translates), flush=True)
    return code


def _check_paths(config, folder: Path, args):
    """Raise at once, before Paddle is loaded, if the run's folder or the pictures are not what they must be."""
    from ppgan_lite.data.listing import find_roots
    from ppgan_lite.data.options import Cropped, Folder
    from ppgan_lite.runs.run import check_folder

    if not args.dry_run:
        check_folder(folder, args.resume, args.overwrite)
    if isinstance(config.data, Folder | Cropped):
        find_roots(config.data)


def _longer(length) -> str:
    """An override of the `train` section for twice its length."""
    return f"train.epochs={2 * length.epochs}" if length.steps is None else f"train.steps={2 * length.steps}"


def _resuming(args, config, finished: bool) -> list[str] | None:
    """The arguments that continue this training, a finished one for as long again; None if that is impossible."""
    if finished and not config.can_be_longer:
        return None
    words = ["-c", str(args.config)]
    overrides = [*args.override, _longer(config.train)] if finished else args.override
    for override in {override.partition("=")[0]: override for override in overrides}.values():  # the last of each key
        words += ["-o", override]
    if args.run_dir:
        words += ["--run-dir", str(args.run_dir)]
    if args.device != "auto":
        words += ["--device", args.device]
    return [*words, "--resume"]
