"""What the tools share: their parser, and how errors become exit codes. No paddle here: --help answers at once."""

import argparse
import sys
from pathlib import Path

from ppgan_lite.errors import UserError


class Parser(argparse.ArgumentParser):
    """A parser that keeps its description's lines and answers bad usage in one line."""

    def __init__(self, description: str):
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")

    def error(self, message):
        """Exit with code 2 and one line."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")

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
    parser.add_argument("-c", "--config", type=Path, required=required, help="YAML file of the experiment")
    parser.add_argument(
        "-o",
        "--override",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a key of the config, for example optim.g.lr=1e-4; may be repeated",
    )


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


def run_tool(main, debug: bool) -> int:
    """Call `main` and return the exit code: what it returns, 2 for a UserError (one line), 130 for Ctrl-C."""
    try:
        return main() or 0
    except UserError as error:
        if debug:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing more was saved", file=sys.stderr)
        return 130
