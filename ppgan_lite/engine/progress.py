"""How far a training is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from datetime import timedelta

from tqdm import tqdm


class Progress:
    """Shows losses, images/s and the time that is left. A context manager.

    Args:
        done, total: steps.
        steps_per_epoch: to tell the epoch; need not be whole.
        images_per_step: to tell the speed.
    """

    def __init__(self, done: int, total: int, steps_per_epoch: float, images_per_step: int):
        self.total, self.steps_per_epoch, self.images_per_step = total, steps_per_epoch, images_per_step
        self.step, self.time = done, time.monotonic()
        # Without tqdm's steps per second, the losses and images/s fit on a terminal of 80 columns.
        form = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
        self.bar = tqdm(total=total, initial=done, bar_format=form) if sys.stderr.isatty() else None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.bar is not None:
            self.bar.close()

    def advance(self):
        """Tell of a step that has been taken."""
        if self.bar is not None:
            self.bar.update()

    def measure(self, step: int) -> float:
        """Images per second since the last call."""
        steps, elapsed = step - self.step, time.monotonic() - self.time
        self.step, self.time = step, time.monotonic()
        return steps * self.images_per_step / max(elapsed, 1e-9)

    def show(self, step: int, scalars: dict[str, float], images_per_second: float):
        """Tell of a step that has been logged."""
        if self.bar is not None:
            losses = [f"{key[5:]} {value:.2f}" for key, value in scalars.items() if key.startswith("loss/")]
            self.bar.set_postfix_str(" ".join([*losses, f"{images_per_second:.0f} images/s"]))
            return
        shown = {key: value for key, value in scalars.items() if key.startswith(("loss/", "accuracy/"))}
        losses = "  ".join(f"{key} {value:.4f}" for key, value in shown.items())
        epoch = int((step - 1) / self.steps_per_epoch) + 1
        left = timedelta(seconds=round((self.total - step) * self.images_per_step / max(images_per_second, 1e-9)))
        line = f"step {step}/{self.total}  epoch {epoch}  {losses}  {images_per_second:.0f} images/s  {left} left"
        print(line, flush=True)

    def say(self, text: str):
        """Print a line without tearing the bar."""
        tqdm.write(text, file=sys.stderr if self.bar is not None else sys.stdout)
        sys.stdout.flush()
