"""What all commands share: the parser, common options, and exit codes for errors.

This file and the commands' files import only the standard library at the top: help and usage errors are immediate, and
a missing package is reported when a command runs.
"""

import argparse
import os
import sys
from pathlib import Path

from ppgan_lite import console
from ppgan_lite.config.find import install_command
from ppgan_lite.errors import UserError, one_line

PACKAGES = {"PIL": "Pillow", "cv2": "opencv-python-headless", "paddle": "Paddle", "yaml": "PyYAML"}  # module -> package


class Parser(argparse.ArgumentParser):
    """A parser that keeps the line breaks of its description and reports bad usage in one line."""

    def __init__(self, description: str, called: str | None = None):
        # Without abbreviations: --over would delete a run, and would mean something else after a new option.
        super().__init__(
            prog=called,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")
        self._flags = {}

    def parse_args(self, args=None, namespace=None):
        """The parsed arguments, checked against the rules of `give_own_options`."""
        args = super().parse_args(args, namespace)
        given = [name for name, value in vars(args).items() if value != self.get_default(name)]
        for name in given:
            self._check_given(name, given)
        return args

    def error(self, message):
        """Exit with code 2 and one line."""
        self.exit(2, f"error: {one_line(message)}; see {self.prog} --help\n")

    def give_own_options(self, flag: str, own: set[str], shared: set[str]):
        """With `flag` allow only options `own` and `shared`; `own` only with a flag that owns them."""
        self._flags[flag] = (own, shared)

    def _check_given(self, name: str, given: list[str]):
        """Exit if an option is not allowed with the other given ones."""
        for flag, (own, shared) in self._flags.items():
            if flag in given and name not in {flag, *own, *shared}:
                self.error(f"argument --{name}: not allowed with argument --{flag}")
        owners = [flag for flag, (own, _) in self._flags.items() if name in own]
        if owners and not any(flag in given for flag in owners):
            self.error(f"argument --{name}: only allowed with argument {' or '.join(f'--{flag}' for flag in owners)}")


def add_config(parser: Parser, required: bool = True):
    """Add -c and -o."""
    parser.add_argument(
        "-c",
        "--config",
        required=required,
        help="YAML file of the experiment, or the name of a config that comes with ppgan_lite",
    )
    parser.add_argument(
        "-o",
        "--override",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a key of the config, for example optim.g.lr=1e-4; may be repeated",
    )


def add_run(parser: Parser):
    """Add --run."""
    parser.add_argument("--run", type=Path, required=True, help="folder of a run, for example output/dcgan_mnist")


def add_device(parser: Parser):
    """Add --device."""
    parser.add_argument(
        "--device", choices=["auto", "cpu", "gpu"], default="auto", help="default: auto (a GPU if there is one)"
    )


def add_step(parser: Parser, *more: str):
    """Add --step: the step of a checkpoint, `best`, or one of the words `more`."""
    words = ("best", *more)

    def parse(text: str):
        return text if text in words else whole_number(1)(text)

    parse.__name__ = f"whole number, {' or '.join(words)}"
    parser.add_argument(
        "--step",
        type=parse,
        help=f"checkpoint to use: its step, {' or '.join(words)} (default: the newest)",
    )


def add_truncation(parser: Parser):
    """Add --truncation."""
    parser.add_argument(
        "--truncation",
        type=number_of_at_least_0,
        metavar="T",
        help="the smaller T, the better and the more alike the images: draw elements of normal noise beyond T in "
        "absolute value again, and compute batch statistics of such noise; for stylegan2 multiply the styles' distance "
        "from their mean by T, for flow the noise, and for pixelcnn the temperature is T, from 0 to 1 (default: none)",
    )


def number_of_at_least_0(text: str) -> float:
    """An argparse type: a finite number of at least 0."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, got {text}")
    return number


number_of_at_least_0.__name__ = "number"  # argparse: invalid number value


def whole_number(low: int, high: int = 2**63 - 1):
    """An argparse type: a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        number = int(text)
        if number < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {number}")
        if number > high:
            raise argparse.ArgumentTypeError(f"must be at most {high}, got {number}")
        return number

    parse.__name__ = "whole number"  # argparse: invalid whole number value
    return parse


def check_run(folder: Path, step: int | str | None):
    """Raise a UserError at once, before Paddle is loaded, if there is no run, or no checkpoint for step None."""
    from ppgan_lite.runs import checkpoint
    from ppgan_lite.runs.run import Run

    run = Run.open_existing(folder)
    run.config()
    if step is None:
        checkpoint.check_any(run.checkpoints)


def run_tool(main, debug: bool) -> int:
    """Call `main` and return the exit code.

    That is what `main` returns; 2, with one line on stderr, for a UserError, a package that is not installed, too
    little memory, or an error of the system; 130 for Ctrl-C, and 128 + its number for another signal to stop.
    """
    console.leave_when_asked()
    try:
        _check_current_folder()
        return main() or 0
    except BaseException as error:
        if stop := _stop(error):
            if not isinstance(stop, KeyboardInterrupt):
                raise stop from None
            print("interrupted; nothing more was saved", file=sys.stderr)
            return 130
        message = _in_words(error)
        if debug or message is None:
            raise
    print(f"error: {one_line(message)}", file=sys.stderr)
    return 2


def _check_current_folder():
    """Raise UserError if the current folder was removed: Paddle cannot be loaded then."""
    try:
        os.getcwd()
    except OSError as error:
        raise UserError("the current folder was removed or cannot be read; change to another one") from error


def _stop(error: BaseException | None) -> BaseException | None:
    """The exception of a signal that led to an error: while Paddle loads, it becomes an ImportError."""
    while error and not isinstance(error, (KeyboardInterrupt, SystemExit)):
        error = error.__cause__ or error.__context__
    return error


def _in_words(error: BaseException) -> str | None:
    """The message for an error that the user can correct; None: a bug."""
    match error:
        case UserError():
            return str(error)
        # With a dot in its name: a package that is installed, but broken.
        case ModuleNotFoundError() if error.name and "." not in error.name:
            return f"{PACKAGES.get(error.name, error.name)} is not installed: {install_command()}"
        case MemoryError():
            return "not enough memory; lower --num or data.batch_size, take a smaller network, or close other programs"
        case OSError() if error.errno is not None:
            return ": ".join(map(str, filter(None, (error.filename, error.strerror))))
    return None
