"""A run: the output folder of one training.

- config.yml (resolved), run.json (data; device and versions of each session): here
- metrics.jsonl (scalars, diagnoses), samples/ (previews; real.png), log/ (VisualDL), log_tensorboard/: log.py
- evaluations/ (results), best/ (checkpoint with the lowest Frechet distance): results.py
- checkpoints/ (the newest): checkpoint.py
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ppgan_lite import __version__, runtime
from ppgan_lite.config.load import Config, check_config, differences, load_config, to_yaml
from ppgan_lite.data.source import Source
from ppgan_lite.data.spec import Spec, from_record, images, points, to_record
from ppgan_lite.errors import ConfigError, RunError
from ppgan_lite.files import (
    LOCK,
    check_link,
    clear_folder,
    disk_errors,
    make_folder,
    read_file,
    remove_leftovers,
    writing,
)
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.log import DRAWN, Log
from ppgan_lite.runs.results import Results
from ppgan_lite.schema.tree import parse_json, read_record, to_json

FOLDERS = ("checkpoints", "best", "samples", "evaluations", *DRAWN)  # any may be a link to a folder on another disk
MOST_BYTES = 2**24  # limit for run.json: the names of MOST_CLASSES classes have room


@dataclass(frozen=True)
class _Session:
    """What is read of a session in run.json."""

    device: str
    runtime: dict[str, str | None]
    versions: dict[str, str]
    processor: str = ""  # not in the first versions


@dataclass(frozen=True)
class _Record:
    """What is read of run.json."""

    data: Source
    sessions: tuple[_Session, ...]
    fields: dict | None = None
    image_shape: tuple[int, int, int] | None = None  # version 0.1.0 had images or points only
    class_names: tuple[str, ...] = ()  # in version 0.1.0, which had none at first

    def spec(self) -> Spec:
        """The fields of the data. Raises ConfigError."""
        if self.fields is not None or self.image_shape is None:
            return from_record(self.fields)
        shape, names = self.image_shape, self.class_names
        spec = points(shape[0], names) if shape[1:] == (1, 1) else images(shape, names)
        return from_record(to_record(spec))


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

    Raises:
        ConfigError: the record is wrong.
    """

    def __init__(self, folder: Path, record: dict):
        self.folder = Path(folder)
        self.checkpoints = self.folder / "checkpoints"
        self.best = self.folder / "best"
        self.record = record
        known = read_record(record, _Record)
        self.source, self.spec = known.data, known.spec()
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
            "class_names": list(dataset.spec["label"].names) if "label" in dataset.spec else [],  # for other programs
            "seed": config.train.seed,
            "sessions": [],
        }
        run = cls(folder, record)
        with disk_errors(run.folder):
            make_folder(run.folder)
            remove_leftovers(run.folder)
            for name in FOLDERS:
                clear_folder(run.folder / name)
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
            run = cls(folder, parse_json(read_file(path, MOST_BYTES)))
            if not run.record["sessions"]:
                raise ConfigError("no sessions")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RunError(f"{folder}: not the folder of a run (no run.json in it)") from error
        except OSError as error:
            raise RunError(f"{path}: cannot be read: {error.strerror}") from error
        except ConfigError as error:
            raise RunError(f"{path}: damaged ({error}); restore it from a copy, or train again") from error
        return run

    def config(self) -> Config:
        """The resolved config that the run was started with.

        Raises:
            RunError: config.yml is missing, damaged or from another version.
        """
        if self._config is None:
            path = self.folder / "config.yml"
            try:
                self._config = load_config(path)
            except ConfigError as error:
                wrote = self.record["sessions"][-1]["versions"].get("ppgan_lite", "an unknown version")
                raise RunError(
                    f"{path}: missing, damaged or from another version ({error}); use the version that wrote it "
                    f"({wrote}), or restore it: each checkpoint's manifest.json has the config, too"
                ) from error
        return self._config

    def check_same(self, config: Config, saved_config: dict, source: Source):
        """Refuse a config that would train differently from the saved one, or other data.

        Raises:
            ConfigError, RunError: naming the first key that differs, or both data sources.
        """
        try:
            saved = check_config(saved_config).to_dict()
        except ConfigError as error:
            message = f"the config saved with its checkpoint is damaged, or from another version of ppgan_lite: {error}"
            raise RunError(f"{self.folder}: {message}; move that checkpoint away, or use that version") from error
        if changed := differences(config.to_dict(), saved):
            raise ConfigError(f"{changed[0]} as in {self.folder}; resume with the run's own config, or start a new run")
        if source.sha256 != self.source.sha256:
            raise RunError(
                f"{self.folder}: was trained on {self.source.name} from {self.source.origin}, but the data is now "
                f"{source}; resuming needs the same data: start a new run, with --run-dir or --overwrite"
            )

    def resume(self, config: Config, device: str, step: int):
        """Go back to the state at `step`: drop later records, and draw the earlier ones again.

        Raises:
            UserError: the folder cannot be written; a result is damaged.
        """
        records, _ = self.log.read(), self.results.read()  # first: an error must come before anything is changed
        with disk_errors(self.folder):
            for folder in (self.folder, *(self.folder / name for name in FOLDERS)):
                remove_leftovers(folder)
            checkpoint.set_aside_after(self.checkpoints, step)
        checkpoint.remove_old(self.checkpoints, config.train.keep)
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
            stream.write(to_json(self.record))
        with writing(self.folder / "config.yml") as stream:
            stream.write(to_yaml(config).encode())
        self._config = config
        with disk_errors(self.folder):
            for name in ("checkpoints", "samples"):
                make_folder(self.folder / name)
        self.log.open(config.train.log_to)


def check_folder(folder: Path, resume: bool, overwrite: bool):
    """Refuse a folder that a training cannot use, before anything is loaded or written.

    Raises:
        RunError: it has a run (and neither flag is given), has other files but no run, or has no run to resume.
    """
    with disk_errors(folder):
        for path in (folder, *(folder / name for name in FOLDERS)):
            check_link(path)
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
