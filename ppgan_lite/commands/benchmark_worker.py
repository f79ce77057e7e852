"""The process that takes training steps for benchmark.py and reports their times.

`python -m ppgan_lite.commands.benchmark_worker DEVICE CONFIG [KEY=VALUE]...` reads lines with a number of steps from
standard input and answers each with a line of JSON.
"""

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.commands.benchmark import SKIPPED
from ppgan_lite.config.load import load_config
from ppgan_lite.errors import UserError


class Stopwatch:
    """Seconds of each phase of a step: a mark names the phase that has just ended."""

    def __init__(self, synchronize):
        self.phases = defaultdict(list)
        self._synchronize = synchronize

    def begin_step(self):
        """Start the clock of a step."""
        self._step = defaultdict(float)
        self._last = time.perf_counter()

    def mark(self, phase: str):
        """Count the time since the last mark as `phase`."""
        self._synchronize()
        now = time.perf_counter()
        self._step[phase] += now - self._last
        self._last = now

    def end_step(self) -> float:
        """Record the step's phases; returns their sum."""
        for phase, seconds in self._step.items():
            self.phases[phase].append(seconds)
        return sum(self._step.values())


def serve(config, device: str, folder: Path, lines, write):
    """For each of `lines`, a number of steps, take that many and `write` a line of JSON about them.

    These are the steps of a training run from step `SKIPPED` + 1 on: real batches, logging to `folder` every
    `train.log_every` steps. Previews, checkpoints, evaluations, health, the average of G's weights and gradient norms
    are left out.
    """
    paddle = runtime.load_paddle()

    from ppgan_lite.config.build import build_dataset, build_method
    from ppgan_lite.data.loader import batches
    from ppgan_lite.device import seed_paddle, set_device
    from ppgan_lite.runs.run import Run

    device = set_device(device)
    dataset = build_dataset(config)
    method = build_method(config, dataset.spec)
    data = batches(dataset, config.data.batch_size, config.train.seed)
    watch = Stopwatch(paddle.device.synchronize if device == "gpu" else lambda: None)
    _mark_updates(method, watch)
    step = SKIPPED
    with Run.create(folder, config, dataset, device) as run:
        for line in lines:
            answer = {"seconds": [], "resident_bytes": []}
            for _ in range(int(line)):
                step += 1
                watch.begin_step()
                seed_paddle(config.train.seed, step)
                real = [next(data) for _ in range(config.method.num_batches(step))]
                watch.mark("data")
                scalars = method.train_step(real, step)
                watch.mark("rest of the step")
                if step % config.train.log_every == 0:
                    run.log.add_scalars(step, {key: float(value) for key, value in scalars.items()})
                watch.mark("logging")
                answer["seconds"].append(watch.end_step())
                answer["resident_bytes"] += _resident_bytes()
            write(json.dumps({**answer, "phases": watch.phases, "peak_bytes": _peak_bytes()}))
            watch.phases.clear()


def _mark_updates(method, watch: Stopwatch):
    plain = method.update

    def update(name, loss):
        plain(name, loss)
        watch.mark(f"update {name}")

    method.update = update


def _peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _resident_bytes() -> list[int]:
    path = Path("/proc/self/statm")
    return [int(path.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")] if path.exists() else []


def main(arguments: list[str]) -> int:
    """Serve the steps of a config through standard input and output."""
    output = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # other output must not mix with the answers

    def run():
        config = load_config(arguments[1], arguments[2:])
        with tempfile.TemporaryDirectory() as folder:
            serve(config, arguments[0], Path(folder), sys.stdin, lambda text: print(text, file=output))

    try:
        run()
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
