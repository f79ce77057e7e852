"""A run: the output folder of one training.

- config.yml (resolved), run.json (data; device and versions of each session): here
- metrics.jsonl (scalars, diagnoses), samples/ (previews; real.png), log/ (VisualDL), log_tensorboard/: log.py
- evaluations/ (results), best/ (checkpoint with the lowest Frechet distance): results.py
- checkpoints/ (the newest): checkpoint.py
"""

import json
from datetime import datetime
from pathlib import Path

from ppgan_lite import __version__, runtime
from ppgan_lite.config.load import Config, check_config, differences, load_config, to_yaml
from ppgan_lite.data.base import Source
from ppgan_lite.data.spec import Spec, from_record, images, points, to_record
from ppgan_lite.errors import ConfigError, RunError
from ppgan_lite.files import LOCK, disk_errors, remove_folder, remove_leftovers, writing
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.log import DRAWN, Log
from ppgan_lite.runs.results import Results


class Run:
    """The folder of one training, from `create` or `open_existing`.

    Attributes:
        folder: the run's folder.
        checkpoints: the folder of the newest checkpoints.
        best: the folder of the best checkpoint; empty or missing without `train.evaluate_every`.
        log: what the training records.
        results: the results of evaluations.
        record: the content of run.json.
        source: the source of the training data.
        spec: the fields of the data.
    """

    def __init__(self, folder: Path, record: dict):
        self.folder = Path(folder)
        self.checkpoints = self.folder / "checkpoints"
        self.best = self.folder / "best"
        self.record = record
        self.source = Source(**record["data"])
        self.spec = _read_spec(record)
        class_names = self.spec["label"].names if "label" in self.spec else ()
        self.results = Results(self.folder / "evaluations", self.best, class_names)
        self.log = Log(self.folder, self.results)
        self._config = None  # read at the first access

    @classmethod
    def create(cls, folder: Path, config: Config, dataset, device: str) -> "Run":
        """Make the folder and write run.json and config.yml; an earlier run in it is removed.

        Raises:
            RunError: it cannot be written.
        """
        record = {
            "data": dataset.source.to_dict(),
            "fields": to_record(dataset.spec),
            "seed": config.train.seed,
            "sessions": [],
        }
        run = cls(folder, record)
        with disk_errors(run.folder):
            run.folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(run.folder)
            for name in ("checkpoints", "best", "samples", "evaluations", *DRAWN):
                remove_folder(run.folder / name)
            (run.folder / "metrics.jsonl").unlink(missing_ok=True)
        run._begin_session(config, device, 0)
        return run

    @classmethod
    def open_existing(cls, folder: Path) -> "Run":
        """Open the run in a folder.

        Raises:
            RunError: there is no run, or run.json is damaged.
        """
        path = Path(folder) / "run.json"
        try:
            run = cls(folder, json.loads(path.read_bytes()))
            _ = run.record["sessions"][-1]["runtime"]
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RunError(f"{folder}: not the folder of a run (no run.json in it)") from error
        except OSError as error:
            raise RunError(f"{path}: cannot be read: {error.strerror}") from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise RunError(f"{path}: damaged") from error
        return run

    def config(self) -> Config:
        """The resolved config that the run was started with."""
        if self._config is None:
            self._config = load_config(self.folder / "config.yml")
        return self._config

    def check_same(self, config: Config, saved_config: dict, source: Source):
        """Refuse a config that would train differently from the saved one, or other data.

        Raises:
            ConfigError, RunError: naming the first key that differs, or both data sources.
        """
        if changed := differences(config.to_dict(), check_config(saved_config).to_dict()):
            raise ConfigError(f"{changed[0]} as in {self.folder}; resume with the run's own config, or start a new run")
        if source.sha256 != self.source.sha256:
            raise RunError(
                f"{self.folder}: was trained on {self.source.name} from {self.source.origin}, but the data is now "
                f"{source}; resuming needs the same data: start a new run, with --run-dir or --overwrite"
            )

    def resume(self, config: Config, device: str, step: int):
        """Go back to the state at `step`: drop later records, and draw the earlier ones again.

        Raises:
            UserError: the folder cannot be written; an earlier record is damaged.
        """
        records = self.log.read()  # first: an error must come before anything is changed
        with disk_errors(self.folder):
            names = ("checkpoints", "best", "samples", "evaluations")
            for folder in (self.folder, *(self.folder / name for name in names)):
                remove_leftovers(folder)
            checkpoint.set_aside_after(self.checkpoints, step)
        self.results.go_back(step)
        self.log.go_back(records, step, config.train.log_to)
        self._begin_session(config, device, step)

    def describe_images(self, step: int) -> dict[str, str]:
        """Metadata for pictures generated at a step: software, data really used, step, kind of weights."""
        decay = self.config().train.ema
        weights = {} if decay is None else {"Weights": f"moving average, decay {decay:g}"}
        return {**self.describe_data(), "Step": str(step), **weights}

    def describe_data(self) -> dict[str, str]:
        """Metadata for pictures of the data: software, data really used."""
        return {"Software": f"ppgan_lite {__version__}", "Data": self.source.title}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        """Flush and close the log."""
        self.log.close()

    def _begin_session(self, config: Config, device: str, step: int):
        session = {
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "from_step": step,
            "device": device,
            "processor": runtime.processor(),
            "runtime": runtime.settings(),
            "versions": {"ppgan_lite": __version__, **runtime.versions()},
        }
        self.record["sessions"].append(session)
        with writing(self.folder / "run.json") as stream:
            stream.write(json.dumps(self.record, indent=1, ensure_ascii=False).encode())
        with writing(self.folder / "config.yml") as stream:
            stream.write(to_yaml(config).encode())
        self._config = config
        with disk_errors(self.folder):
            for name in ("checkpoints", "samples"):
                (self.folder / name).mkdir(exist_ok=True)
        self.log.open(config.train.log_to)


def check_folder(folder: Path, resume: bool, overwrite: bool):
    """Refuse a folder that a training cannot use, before anything is loaded or written.

    Raises:
        RunError: it has a run (and neither flag is given), has other files but no run, or has no run to resume.
    """
    with disk_errors(folder):
        is_run, is_file = (folder / "run.json").exists(), folder.exists() and not folder.is_dir()
        names = [path.name for path in folder.iterdir()] if folder.exists() and not is_file else []
    # A killed process may have left its lock and a temporary file.
    others = [name for name in names if name != LOCK and not name.endswith(".tmp")]
    if is_file:
        raise RunError(f"{folder}: is a file, not a folder; give another --run-dir")
    if resume and not is_run:
        raise RunError(f"{folder}: no run to resume; start without --resume")
    if is_run and not resume and not overwrite:
        raise RunError(
            f"{folder}: already has a run; continue it with --resume, or give --overwrite or another --run-dir"
        )
    if others and not is_run:
        raise RunError(f"{folder}: has other files, but no run; give another --run-dir")


def _read_spec(record: dict) -> Spec:
    """The fields of the data from run.json. Raises KeyError, ValueError, TypeError, AttributeError if it is damaged."""
    if "fields" in record:
        return from_record(record["fields"])
    # Version 0.1.0 had images or points only, and no class names at first.
    shape, names = tuple(map(int, record["image_shape"])), tuple(map(str, record.get("class_names", ())))
    return points(shape[0], names) if shape[1:] == (1, 1) else images(shape, names)
