"""The console of a process, and the signals that ask it to stop.

A console may be gone or go at any time (`| head`, a full disk, a closed terminal), and may lack characters. That costs
what it would have shown, never the work of a command.
"""

import contextlib
import errno
import os
import signal
import sys
import threading

from ppgan_lite.errors import warn

# A closed terminal, a batch system at its time limit, and Windows' Ctrl-Break ask as politely as Ctrl-C and kill do.
_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGBREAK")
STOPPING = tuple(getattr(signal, name) for name in _STOPPING if hasattr(signal, name))


def stopping() -> list[int]:
    """The signals of STOPPING that end this process: neither ignored since its start, as by `nohup`, nor handled by it.

    Ctrl-C always counts: shells let the background jobs of a script ignore it, and `kill -INT` means those.
    """
    ours = (signal.SIG_DFL, _leave)
    return [number for number in STOPPING if number == signal.SIGINT or signal.getsignal(number) in ours]


def leave_when_asked():
    """Make the signals of `stopping` except Ctrl-C raise SystemExit, so that half-written files are removed."""
    if threading.current_thread() is threading.main_thread():
        for number in stopping():
            if number != signal.SIGINT:
                signal.signal(number, _leave)


def _leave(number, frame):
    sys.exit(128 + number)


class Stream:
    """A text stream that never fails; characters that it cannot show are escaped.

    Args:
        stream: the stream to write to.
        on_loss: called with the first error.
    """

    def __init__(self, stream, on_loss):
        self._stream, self._on_loss = stream, on_loss
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self):
        """Flush what can be flushed."""
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return not getattr(self._stream, "closed", False) and self._stream.isatty()

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def _try(self, call, *arguments):
        try:
            call(*arguments)
        except (OSError, ValueError, RuntimeError) as error:  # closed; a signal's warning amid another line
            on_loss, self._on_loss = self._on_loss, lambda error: None
            on_loss(error)


def guard(quiet: bool = False):
    """Replace sys.stdout and sys.stderr by streams that never fail.

    The loss of stdout is a warning on stderr.

    Args:
        quiet: no warning if what read stdout has ended, as `| head` does.
    """
    _open_descriptors()

    def on_loss(error):
        if not (quiet and getattr(error, "errno", None) == errno.EPIPE):
            reason = getattr(error, "strerror", None) or error
            warn(f"standard output cannot be written ({reason}): going on without it")

    if not isinstance(sys.stderr, Stream):
        sys.stderr = Stream(sys.stderr or _nothing(2), lambda error: None)
    if not isinstance(sys.stdout, Stream):
        if sys.stdout is None and not quiet:
            warn("standard output is closed: going on without it")
        sys.stdout = Stream(sys.stdout or _nothing(1), on_loss)


@contextlib.contextmanager
def guarded():
    """`guard` for the time of a block."""
    before = sys.stdout, sys.stderr
    guard()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _open_descriptors():
    """Open each of the three standard descriptors that is closed, for reading and writing nothing.

    Otherwise the next file gets the number, and whatever libraries print is written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one


def _nothing(number: int):
    """A stream for a standard descriptor that was closed."""
    return open(number, "w", encoding="utf-8", closefd=False)
