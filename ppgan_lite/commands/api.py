"""The Python API: what the tools do, for programs and notebooks. `import ppgan_lite` gives all of it.

run = ppgan_lite.train("dcgan_digits", steps=300, run_dir="output/try", train__preview_every=50)
pixels = run.sample(64)  # uint8 [64, 28, 28, 1]
result = ppgan_lite.evaluate(run)
run = ppgan_lite.load("output/try")  # later, or in another program; also an exported folder
translations = run.translate(pictures)  # a run of pix2pix, cyclegan or stargan
"""

import os
from pathlib import Path

import numpy as np

from ppgan_lite.commands import infer
from ppgan_lite.commands.evaluate import evaluate as evaluate_run
from ppgan_lite.commands.export import SIGNATURE
from ppgan_lite.commands.sample import Request, generate, infer_errors
from ppgan_lite.commands.translate import open_export, open_run, translate_arrays
from ppgan_lite.config.find import find_config
from ppgan_lite.config.load import load_config
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.engine import loop
from ppgan_lite.errors import ExportError
from ppgan_lite.runs.results import Result
from ppgan_lite.runs.run import Run


def _plain(value):
    """A value for a config: paths as texts, numbers of numpy as Python's."""
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case os.PathLike():
            return os.fspath(value)
        case np.generic():
            return value.item()
    return value


class TrainedRun:
    """A run: what a training wrote to its folder.

    Attributes:
        folder: the run's folder.
    """

    def __init__(self, folder: Path):
        self._run = Run.open_existing(folder)
        self.folder = self._run.folder

    def sample(
        self,
        num: int = 64,
        labels=None,
        seed: int = 0,
        step: int | str | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Images of the run's generator, uint8 [num, H, W, C]: the same as tools/sample.py gives for the same seed.

        Args:
            num: number of images.
            labels: classes for a conditional generator, used in turn: numbers or names, `[3, 1, 4]` or `"3,1,4"`; None
                for all.
            seed: seed of the noise.
            step: the checkpoint's step, `best`, or None for the newest undamaged one.
            truncation: see `ppgan_lite.methods.samplers.Sampler.truncated`; None: pictures as in training.

        Raises:
            UserError: no such checkpoint, or the generator takes no labels or not these, or cannot be truncated.
        """
        request = Request(num, seed, labels=labels, truncation=truncation)
        return to_uint8(generate(self._run, step, request).images)

    def translate(
        self,
        pictures,
        direction: str | None = None,
        attributes: str | list | None = None,
        step: int | str | None = None,
        device: str = "auto",
    ) -> np.ndarray | list[np.ndarray]:
        """Translations of pictures of any size: the same as tools/translate.py writes.

        Args:
            pictures: uint8 [N, H, W, C], or a list of [H, W, C] with different sizes; the result has the same form.
            direction: `a_to_b` or `b_to_a`; None for the only one, or `a_to_b`.
            attributes: for stargan: GROUP=VALUE, or NAME=yes or NAME=no, for each: `"colour=red,thickness=thin"`, or a
                list.
            step: the checkpoint's step, `best`, or None for the newest undamaged one.
            device: see `set_device`.

        Raises:
            UserError: no such checkpoint, direction or attribute; or the run translates no pictures, or not these.
        """
        return translate_arrays(open_run(self.folder, step, direction, attributes, device), pictures)

    def metrics(self) -> list[dict]:
        """The logged lines of metrics.jsonl. Raises RunError."""
        return self._run.log.read()

    def __repr__(self):
        return f"<run of {self._run.config().method.name} in {self.folder}>"


class Exported:
    """An exported model, run by Paddle Inference or onnxruntime.

    Attributes:
        folder: the exported folder.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        with infer_errors(ExportError):
            self._network = infer.Network(self.folder)

    def sample(self, num: int = 64, labels=None, seed: int = 0) -> np.ndarray:
        """Images of the exported generator, uint8 [num, H, W, C]: the same as infer.py gives for the same seed.

        Args:
            num, labels, seed: see `TrainedRun.sample`.

        Raises:
            ExportError: the network takes no labels or not these, or its engine fails; or it translates pictures.
        """
        if self._network.is_translator:
            raise ExportError(f"{self.folder}: this export translates pictures: use translate(pictures)")
        with infer_errors(ExportError):
            classes = self._network.labels(labels)
            inputs = self._network.draw(num, seed) | ({"labels": np.resize(classes, num)} if classes else {})
            images = next(iter(self._network(inputs).values()))
        return to_uint8(images)

    def translate(
        self,
        pictures,
        direction: str | None = None,
        attributes: str | list | None = None,
        engine: str = "auto",
        device: str = "auto",
    ) -> np.ndarray | list[np.ndarray]:
        """Translations of pictures of any size: the same as tools/translate.py writes.

        Args:
            pictures, direction, attributes: see `TrainedRun.translate`.
            engine: `auto`, `paddle`, `paddle-onednn` or `onnxruntime`.
            device: `auto`, `cpu` or `gpu`.

        Raises:
            ExportError: the export has no such direction or attribute, translates no pictures, or its engine fails.
            RunError: the network does not take these pictures.
        """
        return translate_arrays(open_export(self.folder, engine, direction, attributes, device), pictures)

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
    """Train as a config says, like tools/train.py, and return the run.

    Args:
        config: the name of a config that comes with ppgan_lite, or the path of a YAML file.
        steps: length of the training; None for the config's.
        run_dir: the run's folder; None for output/CONFIG_NAME.
        resume, overwrite: continue or replace the run that the folder already has; an error without either.
        device: see `set_device`.
        overrides: keys of the config, with two underscores for a dot: `data__batch_size=64`.

    Raises:
        UserError: anything that the user can correct, in one line.
        KeyboardInterrupt: the training was interrupted; its last step is saved.
    """
    path = find_config(config)
    keys = overrides | ({} if steps is None else {"train__steps": steps})
    checked = load_config(path, values={key.replace("__", "."): _plain(value) for key, value in keys.items()})
    folder = Path(run_dir or Path("output") / path.stem)
    if loop.train(checked, folder, resume, overwrite, device, dry_run=False):
        raise KeyboardInterrupt(f"{folder}: stopped by a signal and saved; continue with resume=True")
    return TrainedRun(folder)


def load(folder: str | Path) -> TrainedRun | Exported:
    """Open a run or an exported model, to draw samples from it.

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
    data_root: str | None = None,
    truncation: float | None = None,
) -> Result:
    """Measure a run, like tools/evaluate.py, and return the result of the (last) checkpoint.

    Args:
        run: what `train` or `load` returned, or a folder.
        step, num, features, seed, device, data_root, truncation: see commands/evaluate.py.

    Raises:
        UserError: no such run or checkpoint; the data, the features, `num` or `truncation` are not possible.
    """
    folder = run.folder if isinstance(run, TrainedRun) else Path(run)
    return evaluate_run(
        folder, step, num, features, seed, json=None, device=device, data_root=data_root, truncation=truncation
    )
