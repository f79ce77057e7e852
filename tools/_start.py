"""Shared by all tools: run a command of the ppgan_lite in this checkout. Any Python 3 can read this file."""

import os.path
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(name):
    """Run a command of `ppgan` with the arguments of this process, and exit with its exit code."""
    try:
        import ppgan_lite  # noqa: F401 (raises if Python is too old)
    except ImportError as error:
        sys.exit(_fail(error))
    from ppgan_lite.cli.main import main

    sys.exit(main([name, *sys.argv[1:]], tool=True))


def _fail(error):
    sys.stderr.write(f"error: {error}\n")
    return 2
