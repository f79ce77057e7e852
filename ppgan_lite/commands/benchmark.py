"""How long a training step takes, phase by phase, and how that compares with another way to compute the same.

Each contender is a process of its own that stays alive and takes steps when it is told to: a line with a number of
steps on its standard input, answered by a line of JSON. So two can be measured in turn, round by round, and a machine
that is slower for a while is slower for both.

No paddle here: our own steps are taken by benchmark_worker.py, the same networks and step in PyTorch and in Paddle as
people write it by the twins in benchmarks/.
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

ROUNDS = 5  # turns of the contenders
DESCRIBED = ("python", "paddlepaddle", "paddlepaddle-gpu")  # versions that a line tells
WARM_UP = 3  # steps before anything is measured
SKIPPED = 25  # steps that are not even taken: those in which WGAN's critic is trained 100 times each
REST = 0.5  # seconds between two contenders: OpenMP's threads spin for a while after their last work


class Contender:
    """A process that takes training steps on demand. A context manager.

    Raises:
        UserError: the process could not do it; its last line of output says why.
    """

    def __init__(self, name: str, command: list[str], environment: dict[str, str]):
        self.name = name
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._process = subprocess.Popen(  # noqa: S603 (our own programs)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, env=environment, text=True
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
            raise UserError(f"{self.name}: {last.removeprefix('error: ') or 'ended without a word'}")
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


def ours(config: Path, overrides: list[str], device: str = "auto") -> Contender:
    """Our training step of a config."""
    return _worker("ppgan_lite", config, overrides, device, os.environ)


def stock(config: Path, overrides: list[str], device: str = "auto") -> Contender:
    """The same networks and step with Paddle's own operations and defaults."""
    return _worker("stock Paddle, our networks and step", config, overrides, device, runtime.stock_environment())


def plain_layers(config: Path, overrides: list[str], device: str = "auto") -> Contender:
    """The same networks and step with Paddle's own operations, but our settings."""
    environment = os.environ | {runtime.LAYERS: "plain"}
    return _worker("Paddle's operations, our networks, step and settings", config, overrides, device, environment)


def _worker(name: str, config: Path, overrides: list[str], device: str, environment) -> Contender:
    command = [sys.executable, "-m", "ppgan_lite.commands.benchmark_worker", device, str(config), *overrides]
    return Contender(name, command, runtime.importing_the_same(environment))


@dataclass
class Measurement:
    """What one contender took.

    Attributes:
        seconds: of each step.
        phases: name -> seconds of each step; empty for foreign contenders.
        peak_bytes: the most memory that the process held; None where the system does not tell.
        resident_bytes: memory that it held after each step; empty where not told.
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
        """Seconds of the middle step."""
        return median(self.seconds)

    @property
    def p90(self) -> float:
        """Seconds that nine of ten steps stay below."""
        return sorted(self.seconds)[int(0.9 * (len(self.seconds) - 1) + 0.5)]


def measure(contenders: list[Contender], steps: int, rounds: int, say=lambda text: None) -> list[Measurement]:
    """Let the contenders take `steps` steps each, in turn, in `rounds` rounds; the first steps do not count.

    Args:
        say: is told of each round, as a line of text.
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
    """How many times longer `other` took than `first`, round by round."""
    ends = itertools.accumulate(_shares(len(first.seconds), rounds), initial=0)
    return [median(other.seconds[a:b]) / median(first.seconds[a:b]) for a, b in itertools.pairwise(ends)]


def _shares(steps: int, rounds: int) -> list[int]:
    """Steps of each round, as equal as they can be."""
    return [steps // rounds + (i < steps % rounds) for i in range(rounds)]


def images_per_step(config: Config) -> tuple[int, str]:
    """Real images that a step takes, as a number and in words: 250, `5 batches of 50`."""
    num, size = config.method.num_batches(SKIPPED + 1), config.data.batch_size
    return num * size, f"{num} batches of {size}" if num > 1 else f"batch of {size}"


def table(results: list[Measurement], images: int) -> str:
    """A Markdown table of the measurements, ours first: each one's time against ours.

    Args:
        images: that a step takes, as `images_per_step` counts them.
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
    """A Markdown table of where a step's time goes, by the means of the phases."""
    lines = ["| phase | ms/step | share |", "| --- | --- | --- |"]
    means = {phase: sum(seconds) / len(seconds) for phase, seconds in result.phases.items()}
    for phase, seconds in means.items():
        lines.append(f"| {phase} | {1000 * seconds:.1f} | {seconds / sum(means.values()):.1%} |")
    return "\n".join(lines)


def report(config: Path, overrides: list[str], device: str, steps: int, vs_stock: bool, file: Path):
    """Measure a config, print what was found, and write it to a JSON file.

    Args:
        vs_stock: measure in turn with stock Paddle.
        file: to write, or None.

    Raises:
        UserError: the config is wrong, a step cannot be taken, or the file cannot be written.
    """
    loaded = load_config(config, overrides)
    images, batches = images_per_step(loaded)
    if file and not file.parent.is_dir():
        raise UserError(f"{file}: cannot be written: there is no folder {file.parent}")
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
        spread = f"pair by pair: {min(ratios):.2f} to {max(ratios):.2f}"
        print(f"\n{results[1].name} takes {median(ratios):.2f} times as long ({spread})")
    if file:
        with writing(file) as stream:
            record = {"machine": machine(), "config": str(config), "overrides": overrides}
            record |= {"batch_size": loaded.data.batch_size, "images_per_step": images}
            stream.write(json.dumps({**record, "results": [asdict(result) for result in results]}, indent=1).encode())


def machine() -> dict:
    """What this runs on: processor, cores that may be used, system, versions, and our settings."""
    return {
        "processor": runtime.processor(),
        "cores": runtime.usable_cores(),
        "system": platform.platform(terse=True),
        "versions": runtime.versions(),
        "settings": runtime.settings(),
    }


def describe(found: dict) -> str:
    """`machine()` in a line."""
    settings = " ".join(f"{name}={value}" for name, value in found["settings"].items() if value is not None)
    versions = ", ".join(f"{name} {found['versions'][name]}" for name in found["versions"] if name in DESCRIBED)
    return f"{found['cores']} cores of {found['processor']}, {versions}, {settings or 'no settings'}"
