"""Errors that a user can fix: each is one line that names the problem and what to do (exit code 2)."""

import sys


class UserError(Exception):
    """Base of all errors that tools print as one line, without a traceback."""


class ConfigError(UserError):
    """A key, value or combination in a config that cannot be used."""


class DataError(UserError):
    """Data that is missing or damaged, or does not fit the config."""


class CheckpointError(UserError):
    """A checkpoint that is missing or damaged, or does not fit the networks."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint with files that are missing or were changed."""


class RunError(UserError):
    """A run that cannot start or continue: its folder, its device, or a loss that is not a number."""


class ExportError(UserError):
    """A network that cannot be exported, or an export that computes something else."""


class EvaluationError(UserError):
    """An evaluation that is not possible, or two that cannot be compared."""


def one_line(text) -> str:
    """A text for the console: on one line, and with what could move the cursor or forge a line escaped.

    File names may have any character but / and zero, and configs and records from outside any at all.
    """
    words = " ".join(str(text).split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in words)


def warn(message):
    """Print a warning of one line to stderr."""
    print(f"warning: {one_line(message)}", file=sys.stderr)
