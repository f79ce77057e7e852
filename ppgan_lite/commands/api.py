"""The Python API: what the tools do, for programs and notebooks. `import ppgan_lite` gives all of it.

run = ppgan_lite.train("dcgan_digits", steps=300, run_dir="output/try", train__preview_every=50)
pixels = run.sample(64)  # uint8 [64, 28, 28, 1]
result = ppgan_lite.evaluate(run)
run = ppgan_lite.load("output/try")  # later, or in another program; also an exported folder
"""

import contextlib
import json
from pathlib import Path

import numpy as np

from ppgan_lite.commands import infer
from ppgan_lite.commands.evaluate import evaluate as evaluate_run
from ppgan_lite.commands.export import SIGNATURE
from ppgan_lite.commands.sample import Request, generate
from ppgan_lite.config.find import find_config
from ppgan_lite.config.load import load_config
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.engine import loop
from ppgan_lite.errors import ExportError
from ppgan_lite.runs.results import Result
from ppgan_lite.runs.run import Run


@contextlib.contextmanager
def _export_errors():
    """Turn what infer.py refuses, which knows none of this package's errors, into an ExportError."""
    try:
        yield
    except infer.InferError as error:
        raise ExportError(str(error)) from error


def _text(labels) -> str | None:
    """Labels as the tools take them: with commas between them."""
    return labels if labels is None or isinstance(labels, str) else ",".join(map(str, labels))


class TrainedRun:
    """A training's folder.

    Attributes:
        folder: of the run.
    """

    def __init__(self, folder: Path):
        self._run = Run.open_existing(folder)
        self.folder = self._run.folder

    def sample(self, num: int = 64, labels=None, seed: int = 0, step: int | str | None = None) -> np.ndarray:
        """Images by the run's generator, those of tools/sample.py for the same seed: uint8 [num, H, W, C].

        Args:
            num: images.
            labels: classes that a conditional generator is asked for, taken in turn: numbers or names, `[3, 1, 4]` or
                `"3,1,4"`; None for all.
            seed: of the noise.
            step: of the checkpoint; `best`, or None for the newest that is whole.

        Raises:
            UserError: no such checkpoint, or the generator does not take what is asked for.
        """
        return to_uint8(generate(self._run, step, Request(num, seed, labels=_text(labels))).images)

    def metrics(self) -> list[dict]:
        """The logged lines of metrics.jsonl. Raises RunError."""
        return self._run.log.read()

    def __repr__(self):
        return f"<run of {self._run.config().method.name} in {self.folder}>"


class Exported:
    """An exported folder, run by Paddle Inference or onnxruntime.

    Attributes:
        folder: of the export.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        with _export_errors():
            self._network = infer.Network(self.folder)

    def sample(self, num: int = 64, labels=None, seed: int = 0) -> np.ndarray:
        """Images by the exported generator, those of infer.py for the same seed: uint8 [num, H, W, C].

        Args:
            num, labels, seed: as of `TrainedRun.sample`.

        Raises:
            ExportError: the network does not take what is asked for, or its engine fails.
        """
        with _export_errors():
            chosen = self._network.labels(_text(labels))
            inputs = self._network.draw(num, seed) | ({"labels": np.resize(chosen, num)} if chosen else {})
            images = next(iter(self._network(inputs).values()))
        return to_uint8(images)

    def __repr__(self):
        return f"<export of {self._network.signature['source']['run']} in {self.folder}>"


def train(
    config: str | Path,
    steps: int | None = None,
    run_dir: str | Path | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    **overrides,
) -> TrainedRun:
    """Train by a config, as tools/train.py does, and return the run.

    Args:
        config: the name of a config that comes with ppgan_lite, or the path of a YAML file.
        steps: length of the training; None for that of the config.
        run_dir: folder of the run; None for output/CONFIG_NAME.
        resume, overwrite: continue the run that is in the folder, or replace it. Without either it is an error.
        device: see `set_device`.
        overrides: keys of the config, with two underscores for a dot: `data__batch_size=64`.

    Raises:
        UserError: one line for everything that can be mended.
        KeyboardInterrupt: it was interrupted; the last step is saved.
    """
    path = find_config(config)
    keys = overrides | ({} if steps is None else {"train__steps": steps})
    checked = load_config(path, [f"{key.replace('__', '.')}={json.dumps(value)}" for key, value in keys.items()])
    folder = Path(run_dir or Path("output") / path.stem)
    if loop.train(checked, folder, resume, overwrite, device, dry_run=False):
        raise KeyboardInterrupt(f"{folder}: stopped by a signal, and saved; go on with resume=True")
    return TrainedRun(folder)


def load(folder: str | Path) -> TrainedRun | Exported:
    """A run, or an exported folder, to draw samples with.

    Raises:
        UserError: the folder is neither, or is damaged.
    """
    folder = Path(folder)
    return Exported(folder) if (folder / SIGNATURE).exists() else TrainedRun(folder)


def evaluate(
    run: TrainedRun | str | Path,
    step: int | str | None = None,
    num: int | None = None,
    features: str = "auto",
    seed: int = 0,
    device: str = "auto",
) -> Result:
    """Measure a run, as tools/evaluate.py does, and return the result of the (last) checkpoint.

    Args:
        run: what `train` or `load` returned, or a folder.
        step, num, features, seed, device: see commands/evaluate.py.

    Raises:
        UserError: no such run or checkpoint; the data, the features or `num` do not fit.
    """
    folder = run.folder if isinstance(run, TrainedRun) else Path(run)
    return evaluate_run(folder, step, num, features, seed, json=None, device=device)
