"""The progress of a training: a bar on a terminal and in a notebook, plain lines elsewhere."""

import contextlib
import os
import sys
import time
from datetime import timedelta

from tqdm import tqdm

KINDS = ("loss", "accuracy", "score")  # kinds of scalars in plain lines, in this order
LINE = 100  # most characters of a plain line
FIRST_LINES = 10  # so many plain lines are shown as they come
SECONDS = 10  # and the others at least so far apart


class Progress:
    """Shows losses, images/s and the remaining time. A context manager.

    Args:
        done, total: number of steps already taken, and in all.
        batches_in: function from a number of steps to the number of batches that they use.
        epoch_batches: number of batches in an epoch.
        batch_size: number of images in a batch.
    """

    def __init__(self, done: int, total: int, batches_in, epoch_batches: int, batch_size: int):
        self.total, self.batches_in, self.epoch_batches, self.batch_size = total, batches_in, epoch_batches, batch_size
        self.step, self.time = done, time.monotonic()
        self.lines, self.last_line = 0, self.time  # plain lines so far, and when the last one was shown
        # Without tqdm's steps per second, the losses and images/s fit on a terminal of 80 columns.
        form = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
        # tqdm shows nothing on a terminal that it believes to have no lines.
        shape = {"ncols": _width(), "nrows": 20}
        self.bar = tqdm(total=total, initial=done, bar_format=form, **shape) if _shows_bars() else None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.bar is not None:
            self.bar.close()

    def advance(self):
        """Count a finished step."""
        if self.bar is not None:
            self.bar.update()

    def measure(self, step: int) -> float:
        """Images per second since the last call."""
        images, elapsed = self._images(self.step, step), time.monotonic() - self.time
        self.step, self.time = step, time.monotonic()
        return images / max(elapsed, 1e-9)

    def show(self, step: int, scalars: dict[str, float], images_per_second: float):
        """Show the scalars of a logged step."""
        if self.bar is not None:
            losses = [f"{key[5:]} {value:.2f}" for key, value in scalars.items() if key.startswith("loss/")]
            self.bar.set_postfix_str(" ".join([*losses, f"{images_per_second:.0f} images/s"]))
            return
        now = time.monotonic()
        if self.lines < FIRST_LINES or now - self.last_line >= SECONDS or step == self.total:
            self.lines, self.last_line = self.lines + 1, now
            print(self._line(step, scalars, images_per_second), flush=True)

    def _line(self, step: int, scalars: dict[str, float], images_per_second: float) -> str:
        """A plain line, with as many of the scalars as have room: `loss g 0.25 d 1.2  accuracy d_real 0.9`."""
        left = timedelta(seconds=round(self._images(step, self.total) / max(images_per_second, 1e-9)))
        line = f"step {step}/{self.total}  epoch {self.batches_in(step - 1) // self.epoch_batches + 1}"
        end = f"  {images_per_second:.0f} images/s  {left} left"
        before = None
        for kind, name in sorted((key.split("/") for key in scalars if key.split("/")[0] in KINDS), key=_by_kind):
            text = f" {name} {scalars[f'{kind}/{name}']:.3g}"
            text = text if kind == before else f"  {kind}{text}"
            if len(line) + len(text) + len(end) > LINE:
                break
            line, before = line + text, kind
        return line + end

    def _images(self, step: int, later: int) -> int:
        """Number of real images used by the steps after `step`, up to `later`."""
        return (self.batches_in(later) - self.batches_in(step)) * self.batch_size

    def say(self, text: str):
        """Print a line without breaking the bar."""
        tqdm.write(text, file=sys.stderr if self.bar is not None else sys.stdout)
        sys.stdout.flush()


def _by_kind(key: list[str]) -> int:
    return KINDS.index(key[0])


def _width() -> int | None:
    """The width of a bar on a terminal that does not know its own, as in some containers; None: its own."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a notebook's output has none
        if os.get_terminal_size(sys.stderr.fileno()).columns == 0:
            return 80
    return None


def _shows_bars() -> bool:
    """Whether stderr is a terminal or a notebook's output."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return sys.stderr.isatty() or type(shell).__name__ == "ZMQInteractiveShell"
