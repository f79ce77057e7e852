"""A run: one output folder with everything that a training leaves behind.

config.yml (resolved) and run.json (data, device, versions of each session) are here; metrics.jsonl (scalars, and what
health has to say), samples/ (grids; real.png: of training images), log/ (VisualDL) and log_tensorboard/ in log.py;
evaluations/ (what evaluations found) and best/ (the checkpoint of the lowest Frechet distance) in results.py;
checkpoints/ (the newest) in checkpoint.py.
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
    """The folder of one training. `create` starts one, `open_existing` goes back to one.

    Attributes:
        folder: of the run.
        checkpoints: folder of the newest checkpoints.
        best: folder of the best checkpoint, where `train.evaluate_every` chose one.
        log: what the training records.
        results: what evaluations found.
        record: what run.json holds.
        source: of the data that it is trained on.
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
        self._config = None  # read when it is asked for

    @classmethod
    def create(cls, folder: Path, config: Config, dataset, device: str) -> "Run":
        """Make the folder and write run.json and config.yml; what a run left there before is removed.

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
        """Read run.json of a run that is there.

        Raises:
            RunError: there is no run, or its run.json is damaged.
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
        """Refuse a config that would compute other steps than the saved one, and other data.

        Raises:
            ConfigError, RunError: naming the first key that differs, or both data sets.
        """
        if changed := differences(config.to_dict(), check_config(saved_config).to_dict()):
            raise ConfigError(f"{changed[0]} as in {self.folder}; resume with the run's own config, or start a new run")
        if source.sha256 != self.source.sha256:
            raise RunError(
                f"{self.folder}: was trained on {self.source.name} from {self.source.origin}, but the data is now "
                f"{source}; resuming needs the same data: start a new run, with --run-dir or --overwrite"
            )

    def resume(self, config: Config, device: str, step: int):
        """Go back to the state of `step`: drop later records, and draw those that stay again.

        Raises:
            UserError: the folder cannot be written; a record that stays is damaged.
        """
        records = self.log.read()  # first: damaged ones must stop this before anything is changed
        with disk_errors(self.folder):
            names = ("checkpoints", "best", "samples", "evaluations")
            for folder in (self.folder, *(self.folder / name for name in names)):
                remove_leftovers(folder)
            checkpoint.set_aside_after(self.checkpoints, step)
        self.results.go_back(step)
        self.log.go_back(records, step, config.train.log_to)
        self._begin_session(config, device, step)

    def describe_images(self, step: int) -> dict[str, str]:
        """Metadata for pictures made at a step: what made them, and the data really used."""
        decay = self.config().train.ema
        weights = {} if decay is None else {"Weights": f"moving average, decay {decay:g}"}
        return {**self.describe_data(), "Step": str(step), **weights}

    def describe_data(self) -> dict[str, str]:
        """Metadata for pictures of the data: what wrote them, and the data really used."""
        return {"Software": f"ppgan_lite {__version__}", "Data": self.source.title}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        """Write out what is buffered."""
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
    """Refuse a folder that a new run cannot have, before anything is loaded or written.

    Raises:
        RunError: it is used (and neither flag is given), holds other things than a run, or has none to resume.
    """
    with disk_errors(folder):
        is_run, is_file = (folder / "run.json").exists(), folder.exists() and not folder.is_dir()
        names = [path.name for path in folder.iterdir()] if folder.exists() and not is_file else []
    # A process killed while it made the folder may have left its lock and a temporary file there.
    others = [name for name in names if name != LOCK and not name.endswith(".tmp")]
    if is_file:
        raise RunError(f"{folder}: is a file; give another --run-dir")
    if resume and not is_run:
        raise RunError(f"{folder}: nothing to resume (no run there); start without --resume")
    if is_run and not resume and not overwrite:
        raise RunError(f"{folder}: used by a run; go on with --resume, replace it with --overwrite, or give --run-dir")
    if others and not is_run:
        raise RunError(f"{folder}: holds other things than a run; give another --run-dir")


def _read_spec(record: dict) -> Spec:
    """The fields of the data, as run.json has them. Raises KeyError, ValueError, TypeError, AttributeError: damaged."""
    if "fields" in record:
        return from_record(record["fields"])
    # A run of version 0.1.0: images or points, whose classes have names since.
    shape, names = tuple(map(int, record["image_shape"])), tuple(map(str, record.get("class_names", ())))
    return points(shape[0], names) if shape[1:] == (1, 1) else images(shape, names)
