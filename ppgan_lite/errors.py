"""Errors that a user can mend: each is one line that names the thing and what to do (exit code 2)."""

import sys


class UserError(Exception):
    """Base of all errors that tools print as one line, without a traceback."""


class ConfigError(UserError):
    """A key, a value or a combination in a config that cannot be used."""


class DataError(UserError):
    """Data that is missing, damaged or does not fit the config."""


class CheckpointError(UserError):
    """A checkpoint that is missing, damaged or does not fit the networks."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint whose files are missing or not what was saved."""


class RunError(UserError):
    """A run that cannot start or go on: its folder, its device, or a loss that is no number."""


class ExportError(UserError):
    """A network that cannot leave the suite, or that would leave it as another one."""


class EvaluationError(UserError):
    """A measurement that cannot be made, or two that cannot be compared."""


def warn(message):
    """Tell the user, in one line on stderr, of something that does not stop the work."""
    print(f"warning: {message}", file=sys.stderr)
