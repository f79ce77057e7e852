"""Measure how long a training step takes, phase by phase, and compare it with other implementations of the same step.

Each contender is a separate process that stays alive and takes steps on request: it reads a number of steps as a line
of standard input and answers with a line of JSON. So contenders are measured in turn, round by round, and a temporary
slowdown of the machine affects all of them.

This module does not import paddle: our own steps are taken by benchmark_worker.py, and the same networks and steps in
PyTorch and in plain Paddle by the twins in benchmarks/.
"""

import contextlib
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from ppgan_lite import runtime
from ppgan_lite.config.load import Config, load_config
from ppgan_lite.errors import UserError
from ppgan_lite.files import writing

ROUNDS = 5  # rounds, in each of which every contender has a turn
DESCRIBED = ("python", "paddlepaddle", "paddlepaddle-gpu")  # versions that `describe` lists
WARM_UP = 3  # steps taken before the measurement
SKIPPED = 25  # first steps of a training, which are not taken: in each of them WGAN trains its critic 100 times
REST = 0.5  # seconds between two contenders: OpenMP's threads spin for a while after their last work


class Contender:
    """A process that takes training steps on request. A context manager.

    Raises:
        UserError: the process failed; the message is the last line of its error output.
    """

    def __init__(self, name: str, command: list[str], environment: dict[str, str]):
        self.name = name
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._process = subprocess.Popen(  # noqa: S603 (our own programs)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
            encoding="utf-8",
            errors="backslashreplace",
        )

    def take(self, steps: int) -> dict:
        """Take steps and return what the process measured, at least `seconds` (one per step) and `peak_bytes`."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{steps}\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._stderr.seek(0)
            last = self._stderr.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise UserError(f"{self.name}: {last.removeprefix('error: ') or 'ended without an error message'}")
        time.sleep(REST)
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        """End the process."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if exception[0] is not None:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._stderr.close()


def ours(config: Path, overrides: list[str], device: str = "auto", environment=()) -> Contender:
    """Our training step of a config, with some environment variables changed."""
    return _worker("ppgan_lite", config, overrides, device, os.environ | dict(environment))


def stock(config: Path, overrides: list[str], device: str = "auto") -> Contender:
    """The same networks and step with Paddle's own operations and default settings."""
    return _worker("stock Paddle, our networks and step", config, overrides, device, runtime.stock_environment())


def plain_layers(config: Path, overrides: list[str], device: str = "auto", environment=()) -> Contender:
    """The same networks and step with Paddle's own operations, but our settings."""
    environment = os.environ | {runtime.LAYERS: "plain"} | dict(environment)
    return _worker("Paddle's operations, our networks, step and settings", config, overrides, device, environment)


def _worker(name: str, config: Path, overrides: list[str], device: str, environment) -> Contender:
    command = [sys.executable, "-m", "ppgan_lite.commands.benchmark_worker", device, str(config), *overrides]
    return Contender(name, command, runtime.importing_the_same(environment))


@dataclass
class Measurement:
    """Time and memory of one contender.

    Attributes:
        name: the contender's name.
        seconds: duration of each step.
        phases: name of a phase -> its duration in each step; empty for contenders other than ours.
        peak_bytes: largest memory use of the process; None if the system does not report it.
        resident_bytes: memory use after each step; empty if it is not reported.
    """

    name: str
    seconds: list[float]
    phases: dict[str, list[float]]
    peak_bytes: int | None
    resident_bytes: list[int]

    def add(self, answer: dict):
        """Add a round's answer."""
        self.seconds += answer["seconds"]
        self.peak_bytes = answer["peak_bytes"]
        self.resident_bytes += answer.get("resident_bytes", [])
        for phase, seconds in answer.get("phases", {}).items():
            self.phases.setdefault(phase, []).extend(seconds)

    @property
    def median(self) -> float:
        """Median of the seconds per step."""
        return median(self.seconds)

    @property
    def p90(self) -> float:
        """90th percentile of the seconds per step."""
        return sorted(self.seconds)[int(0.9 * (len(self.seconds) - 1) + 0.5)]


def measure(contenders: list[Contender], steps: int, rounds: int, say=lambda text: None) -> list[Measurement]:
    """Have each contender take `steps` steps, in turn, in `rounds` rounds, after WARM_UP steps that do not count.

    Args:
        say: called with a line of text after each round.
    """
    results = [Measurement(contender.name, [], {}, None, []) for contender in contenders]
    for contender in contenders:
        contender.take(WARM_UP)
    for number, share in enumerate(_shares(steps, rounds), 1):
        for contender, result in zip(contenders, results, strict=True):
            result.add(contender.take(share))
        medians = [median(result.seconds[-share:]) for result in results]
        texts = [f"{r.name} {seconds:.3f} s" for r, seconds in zip(results, medians, strict=True)]
        ratios = [f"{seconds / medians[0]:.2f} times" for seconds in medians[1:]]
        say(f"round {number}/{rounds}: {', '.join(texts)}" + (f" ({', '.join(ratios)})" if ratios else ""))
    return results


def pair_ratios(first: Measurement, other: Measurement, rounds: int) -> list[float]:
    """Median time per step of `other`, divided by the median of `first`, for each round."""
    ends = itertools.accumulate(_shares(len(first.seconds), rounds), initial=0)
    return [median(other.seconds[a:b]) / median(first.seconds[a:b]) for a, b in itertools.pairwise(ends)]


def _shares(steps: int, rounds: int) -> list[int]:
    """Number of steps in each round, as equal as possible."""
    return [steps // rounds + (i < steps % rounds) for i in range(rounds)]


def images_per_step(config: Config) -> tuple[int, str]:
    """Number of real images in a step, and its description: 250, `5 batches of 50`."""
    num, size = config.method.num_batches(SKIPPED + 1), config.data.batch_size
    return num * size, f"{num} batches of {size}" if num > 1 else f"batch of {size}"


def table(results: list[Measurement], images: int) -> str:
    """A Markdown table of the measurements, ours first, with the ratio of each time to ours.

    Args:
        images: number of images per step, see `images_per_step`.
    """
    lines = [
        "| | s/step, median | p90 | images/s | peak memory | times ours |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        memory = f"{result.peak_bytes / 2**20:,.0f} MB" if result.peak_bytes else "?"
        lines.append(
            f"| {result.name} | {result.median:.3f} | {result.p90:.3f} | {images / result.median:,.0f} "
            f"| {memory} | {result.median / results[0].median:.2f} |"
        )
    return "\n".join(lines)


def phase_table(result: Measurement) -> str:
    """A Markdown table of the mean time of each phase of a step."""
    lines = ["| phase | ms/step | share |", "| --- | --- | --- |"]
    means = {phase: sum(seconds) / len(seconds) for phase, seconds in result.phases.items()}
    for phase, seconds in means.items():
        lines.append(f"| {phase} | {1000 * seconds:.1f} | {seconds / sum(means.values()):.1%} |")
    return "\n".join(lines)


def report(config: Path, overrides: list[str], device: str, steps: int, vs_stock: bool, file: Path):
    """Measure a config, print the results, and write them to a JSON file.

    Args:
        vs_stock: also measure stock Paddle, in turn.
        file: the JSON file, or None.

    Raises:
        UserError: the config is wrong, a step fails, or the file cannot be written.
    """
    loaded = load_config(config, overrides)
    images, batches = images_per_step(loaded)
    if file and not file.parent.is_dir():
        raise UserError(f"{file}: cannot be written: no folder {file.parent}")
    rounds = min(steps, max(ROUNDS, steps // 100))
    with contextlib.ExitStack() as stack:
        contenders = [stack.enter_context(ours(config, overrides, device))]
        if vs_stock:
            contenders.append(stack.enter_context(stock(config, overrides, device)))
        results = measure(contenders, steps, rounds, say=lambda text: print(text, flush=True))
    print(f"\n{config}, {batches}, {steps} steps after {WARM_UP} of warm-up, {describe(machine())}\n")
    print(table(results, images), phase_table(results[0]), sep="\n\n")
    if vs_stock:
        ratios = pair_ratios(*results, rounds)
        spread = f"round by round: {min(ratios):.2f} to {max(ratios):.2f}"
        print(f"\n{results[1].name} takes {median(ratios):.2f} times as long ({spread})")
    if file:
        with writing(file) as stream:
            record = {"machine": machine(), "config": str(config), "overrides": overrides}
            record |= {"batch_size": loaded.data.batch_size, "images_per_step": images}
            stream.write(json.dumps({**record, "results": [asdict(result) for result in results]}, indent=1).encode())


def machine() -> dict:
    """This machine: processor, usable cores, system, versions, and our settings."""
    return {
        "processor": runtime.processor(),
        "cores": runtime.usable_cores(),
        "system": platform.platform(terse=True),
        "versions": runtime.versions(),
        "settings": runtime.settings(),
    }


def describe(record: dict) -> str:
    """The record of `machine()` as a line of text."""
    settings = " ".join(f"{name}={value}" for name, value in record["settings"].items() if value is not None)
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items() if name in DESCRIBED)
    return f"{record['cores']} cores of {record['processor']}, {versions}, {settings or 'no settings'}"
