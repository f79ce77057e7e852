"""The progress of a training: a bar on a terminal and in a notebook, plain lines elsewhere."""

import sys
import time
from datetime import timedelta

from tqdm import tqdm

SHOWN = ("loss/", "accuracy/", "score/")  # kinds of scalars in plain lines, in this order


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
        # Without tqdm's steps per second, the losses and images/s fit on a terminal of 80 columns.
        form = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
        self.bar = tqdm(total=total, initial=done, bar_format=form) if _shows_bars() else None

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
        shown = [f"{key} {value:.4f}" for kind in SHOWN for key, value in scalars.items() if key.startswith(kind)]
        losses = "  ".join(shown)
        epoch = self.batches_in(step - 1) // self.epoch_batches + 1
        left = timedelta(seconds=round(self._images(step, self.total) / max(images_per_second, 1e-9)))
        line = f"step {step}/{self.total}  epoch {epoch}  {losses}  {images_per_second:.0f} images/s  {left} left"
        print(line, flush=True)

    def _images(self, step: int, later: int) -> int:
        """Number of real images used by the steps after `step`, up to `later`."""
        return (self.batches_in(later) - self.batches_in(step)) * self.batch_size

    def say(self, text: str):
        """Print a line without breaking the bar."""
        tqdm.write(text, file=sys.stderr if self.bar is not None else sys.stdout)
        sys.stdout.flush()


def _shows_bars() -> bool:
    """Whether stderr is a terminal or a notebook's output."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return sys.stderr.isatty() or type(shell).__name__ == "ZMQInteractiveShell"
