"""What the commands share: their parser, and how errors become exit codes.

Nothing outside the standard library is imported here, nor at the top of a command's file: help and usage errors answer
at once, and a package that is missing is reported when a command runs.
"""

import argparse
import signal
import sys
from pathlib import Path

from ppgan_lite.config.find import install_command
from ppgan_lite.errors import UserError

PACKAGES = {"PIL": "Pillow", "cv2": "opencv-python-headless", "paddle": "Paddle", "yaml": "PyYAML"}  # by module


class Parser(argparse.ArgumentParser):
    """A parser that keeps its description's lines and answers bad usage in one line."""

    def __init__(self, description: str, called: str | None = None):
        super().__init__(prog=called, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")
        self._flags = []

    def parse_args(self, args=None, namespace=None):
        """The arguments, after checking those of each flag that `give_own_options` named."""
        args = super().parse_args(args, namespace)
        for flag, own, shared in self._flags:
            self.check_flag(args, flag, own, shared)
        return args

    def error(self, message):
        """Exit with code 2 and one line."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")

    def give_own_options(self, flag: str, own: set[str], shared: set[str]):
        """Have `parse_args` refuse other options than `own` and `shared` with a flag, and `own` ones without it."""
        self._flags.append((flag, own, shared))

    def check_flag(self, args, flag: str, own: set[str], shared: set[str]):
        """Exit where other options than its `own` and `shared` ones came with a flag, or its own ones without it."""
        given = [name for name, value in vars(args).items() if value != self.get_default(name)]
        for name in given:
            if flag in given and name not in {flag, *own, *shared}:
                self.error(f"argument --{name}: not allowed with argument --{flag}")
            if flag not in given and name in own:
                self.error(f"argument --{name}: only allowed with argument --{flag}")


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
        "--device", choices=["auto", "cpu", "gpu"], default="auto", help="default: auto, a GPU if there is one"
    )


def add_step(parser: Parser, *more: str):
    """Add --step: a checkpoint's step, `best`, or one of `more`."""
    words = ("best", *more)

    def parse(text: str):
        return text if text in words else whole_number(1)(text)

    parse.__name__ = f"whole number, {' or '.join(words)}"
    parser.add_argument(
        "--step",
        type=parse,
        help=f"checkpoint to use: its step, {' or '.join(words)} (default: the newest)",
    )


def whole_number(low: int):
    """An argparse type: a whole number, at least `low`."""

    def parse(text: str) -> int:
        number = int(text)
        if number < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {number}")
        return number

    parse.__name__ = "whole number"  # argparse's message for a text that is none
    return parse


def exit_on_sigterm():
    """Have SIGTERM exit with code 143 by way of Python, so that half-written files are removed.

    To be called after paddle is imported, which sets a handler of its own.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def run_tool(main, debug: bool) -> int:
    """Call `main` and return the exit code.

    It is what `main` returns, 2 (and one line on stderr) for a UserError or a package that is not installed, and 130
    for Ctrl-C.
    """
    try:
        return main() or 0
    except UserError as error:
        if debug:
            raise
        message = str(error)
    except ModuleNotFoundError as error:
        if debug or not error.name or "." in error.name:  # with a dot: the package is there, but not what it should be
            raise
        message = f"{PACKAGES.get(error.name, error.name)} is not installed: {install_command()}"
    except KeyboardInterrupt:
        print("interrupted; nothing more was saved", file=sys.stderr)
        return 130
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2
