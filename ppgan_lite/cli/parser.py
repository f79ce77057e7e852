"""What all commands share: the parser, common options, and exit codes for errors.

This file and the commands' files import only the standard library at the top: help and usage errors are immediate, and
a missing package is reported when a command runs.
"""

import argparse
import signal
import sys
from pathlib import Path

from ppgan_lite.config.find import install_command
from ppgan_lite.errors import UserError, one_line

PACKAGES = {"PIL": "Pillow", "cv2": "opencv-python-headless", "paddle": "Paddle", "yaml": "PyYAML"}  # module -> package


class Parser(argparse.ArgumentParser):
    """A parser that keeps the line breaks of its description and reports bad usage in one line."""

    def __init__(self, description: str, called: str | None = None):
        super().__init__(prog=called, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")
        self._flags = []

    def parse_args(self, args=None, namespace=None):
        """The parsed arguments, checked against the rules of `give_own_options`."""
        args = super().parse_args(args, namespace)
        for flag, own, shared in self._flags:
            self._check_flag(args, flag, own, shared)
        return args

    def error(self, message):
        """Exit with code 2 and one line."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")

    def give_own_options(self, flag: str, own: set[str], shared: set[str]):
        """Allow options `own` only with `flag`, and with `flag` only options `own` and `shared`."""
        self._flags.append((flag, own, shared))

    def _check_flag(self, args, flag: str, own: set[str], shared: set[str]):
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


def whole_number(low: int):
    """An argparse type: a whole number, at least `low`."""

    def parse(text: str) -> int:
        number = int(text)
        if number < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {number}")
        return number

    parse.__name__ = "whole number"  # argparse: invalid whole number value
    return parse


def exit_on_sigterm():
    """Make SIGTERM raise SystemExit(143), so that half-written files are removed.

    Call it after the import of paddle, which sets a handler of its own.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def run_tool(main, debug: bool) -> int:
    """Call `main` and return the exit code.

    That is what `main` returns; 2, with one line on stderr, for a UserError or a package that is not installed; 130 for
    Ctrl-C.
    """
    try:
        return main() or 0
    except UserError as error:
        if debug:
            raise
        message = str(error)
    except ModuleNotFoundError as error:
        if debug or not error.name or "." in error.name:  # with a dot: a package that is installed, but broken
            raise
        message = f"{PACKAGES.get(error.name, error.name)} is not installed: {install_command()}"
    except KeyboardInterrupt:
        print("interrupted; nothing more was saved", file=sys.stderr)
        return 130
    print(f"error: {one_line(message)}", file=sys.stderr)
    return 2
