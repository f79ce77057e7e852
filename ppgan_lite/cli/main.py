"""The program `ppgan`: it reads the name of a command and runs the command's file with the other arguments."""

import importlib
import re
import sys

import ppgan_lite
from ppgan_lite import console
from ppgan_lite.cli.parser import Parser, run_tool
from ppgan_lite.schema.check import nearest

COMMANDS = (
    "train",
    "options",
    "sample",
    "translate",
    "evaluate",
    "export",
    "infer",
    "prepare-data",
    "benchmark",
    "report",
)


def main(argv=None, tool: bool = False) -> int:
    """Run a command line; returns the exit code.

    Args:
        argv: a command's name and its arguments; None: the arguments of the process.
        tool: show the command in help and errors as `python tools/NAME.py`, not as `ppgan NAME`.
    """
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    console.guard(quiet=name != "train")
    if name in ("-h", "--help"):
        print(_overview())
    elif name == "--version":
        print(f"ppgan_lite {ppgan_lite.__version__}")
    elif name not in COMMANDS:
        known = f"commands: {', '.join(COMMANDS)}{nearest(name, COMMANDS)}"
        print(f"error: unknown command {name!r}; {known}", file=sys.stderr)
        return 2
    else:
        return _run(name, arguments, _as_tool if tool else str)
    return 0


def _run(name: str, arguments: list[str], shown) -> int:
    """Run a command; `shown` rewrites the commands in a text as the user types them."""
    command, called = _module(name), shown(f"ppgan {name}")
    if name == "infer":  # its parser is in the file that is copied into exports
        return run_tool(lambda: command.main(arguments, called), debug=False)
    parser = Parser(shown(command.__doc__), called)
    command.add_arguments(parser)
    args = parser.parse_args(arguments)
    return run_tool(lambda: command.run(args), args.debug)


def _module(name: str):
    return importlib.import_module(f"ppgan_lite.cli.{name.replace('-', '_')}")


def _as_tool(text: str) -> str:
    """A text with `ppgan train -c NAME` rewritten as `python tools/train.py -c configs/NAME.yml`, for all commands."""
    text = re.sub(r"-c (\w+)", r"-c configs/\1.yml", text)
    return re.sub(r"\bppgan ([a-z-]+)", lambda match: f"python tools/{match[1].replace('-', '_')}.py", text)


def _overview() -> str:
    """The help of the program, with the first line of each command's docstring."""
    lines = [f"  {name:<13} {_module(name).__doc__.splitlines()[0]}" for name in COMMANDS]
    about = ppgan_lite.__doc__.splitlines()[0]
    ends = "ppgan COMMAND --help shows a command's options and examples; ppgan --version shows the version."
    return "\n".join(["usage: ppgan COMMAND [OPTION]...", "", about, "", *lines, "", ends])
