"""A run: one output folder with everything that a training leaves behind.

config.yml (resolved), run.json (data, device, versions of each session), metrics.jsonl (scalars, and what health has
to say), samples/ (grids; real.png: of training images), log/ (VisualDL), checkpoints/ (the newest), best/ (the one of
the lowest Frechet distance), evaluations/ (what evaluations found).
"""

import json
import re
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image
from visualdl import LogWriter

from ppgan_lite import __version__, runtime
from ppgan_lite.config.load import Config, check_config, differences, load_config, to_yaml
from ppgan_lite.data.image_array import Source
from ppgan_lite.errors import ConfigError, EvaluationError, RunError
from ppgan_lite.files import disk_errors, remove_folder, remove_leftovers, writing
from ppgan_lite.pictures.confusion import draw_confusion
from ppgan_lite.pictures.grid import save_png
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.health import Diagnosis
from ppgan_lite.runs.results import Result

REAL = "real.png"  # in samples/: training images


class Run:
    """The folder of one training. `create` starts one, `open_existing` goes back to one.

    Attributes:
        folder: of the run.
        checkpoints: folder of the newest checkpoints.
        best: folder of the best checkpoint, where `train.evaluate_every` chose one.
        record: what run.json holds.
        source: of the data that it is trained on.
        image_shape: C, H, W.
        class_names: of the data's labels.
    """

    def __init__(self, folder: Path, record: dict):
        self.folder = Path(folder)
        self.checkpoints = self.folder / "checkpoints"
        self.best = self.folder / "best"
        self.record = record
        self.source = Source(**record["data"])
        self.image_shape = tuple(int(size) for size in record["image_shape"])
        self.class_names = tuple(map(str, record.get("class_names", ())))  # runs of older versions have none
        self._config = None  # read when it is asked for
        self._metrics = None  # open stream of metrics.jsonl while training
        self._writers = {}  # folder below log/ -> VisualDL writer

    @classmethod
    def create(cls, folder: Path, config: Config, dataset, device: str) -> "Run":
        """Make the folder and write run.json and config.yml; what a run left there before is removed.

        Raises:
            RunError: it cannot be written.
        """
        record = {
            "data": dataset.source.to_dict(),
            "image_shape": list(dataset.image_shape),
            "class_names": list(dataset.class_names),
            "seed": config.train.seed,
            "sessions": [],
        }
        run = cls(folder, record)
        with disk_errors(run.folder):
            run.folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(run.folder)
            for name in ("checkpoints", "best", "samples", "evaluations", "log"):
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
        except (ValueError, LookupError, TypeError) as error:
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
        """Go back to the state of `step`: drop later records and rebuild the VisualDL log from those that stay.

        Raises:
            RunError: the folder cannot be written.
        """
        kept = [record for record in self.read_metrics() if record["step"] <= step]
        with disk_errors(self.folder):
            names = ("checkpoints", "best", "samples", "evaluations")
            for folder in (self.folder, *(self.folder / name for name in names)):
                remove_leftovers(folder)
            checkpoint.set_aside_after(self.checkpoints, step)
            for later in checkpoint.list_steps(self.best):
                if later > step:
                    remove_folder(self.best / f"step_{later:08d}")
            with writing(self.folder / "metrics.jsonl") as stream:
                stream.writelines(_json_line(record) for record in kept)
            # VisualDL shows one file of a folder only, so the log must be one file again, not two.
            remove_folder(self.folder / "log")
            for path, of_step in [*self.previews(), *self._files_by_step("evaluations")]:
                if of_step > step:
                    path.unlink()
            self._rebuild_log(kept)
        self._begin_session(config, device, step)

    def log(self, step: int, scalars: dict[str, float], **more):
        """Append one line to metrics.jsonl and a point to each VisualDL curve.

        `loss/d_real` is the tag `loss` in VisualDL's folder `d_real_loss`: all losses share one chart.
        """
        self._append({"step": step, **scalars, **more})

    def log_diagnosis(self, diagnosis: Diagnosis):
        """Append a diagnosis to metrics.jsonl (its name as `diagnosis`), and to VisualDL as a text."""
        record = {"step": diagnosis.step, "diagnosis": diagnosis.name, "since": diagnosis.since}
        self._append({**record, "words": diagnosis.words, "remedies": list(diagnosis.remedies)})

    def _append(self, record: dict):
        path = self.folder / "metrics.jsonl"
        with disk_errors(path):
            if self._metrics is None:
                self._metrics = open(path, "ab", buffering=0)  # noqa: SIM115 (open as long as the run)
            self._metrics.write(_json_line(record))
        self._log_record(record)

    def preview(self, step: int, pixels):
        """Write a picture of samples, uint8 [H, W, C], to samples/ and to VisualDL (tag `numbers`)."""
        path = self.folder / "samples" / f"step_{step:08d}.png"
        save_png(path, pixels, {**self.describe_images(step), "Batch norm": "statistics of this batch (training)"})
        self._writer("samples").add_image("numbers", pixels, step)

    def previews(self) -> list[tuple[Path, int]]:
        """The pictures that `preview` wrote, oldest first, and their steps."""
        return self._files_by_step("samples")

    def add_real(self, pixels):
        """Write a picture of real images, uint8 [H, W, C], as `preview` does (tag `real`), but once in a run only."""
        path = self.folder / "samples" / REAL
        if not path.exists():
            save_png(path, pixels, {**self._describe_data(), "Images": "real"})
            self._log_picture("samples", "real", path, 0)

    def evaluation_file(self, step: int) -> Path:
        """Where what was found at a step is kept; a picture of it lies beside, under the same name."""
        return self.folder / "evaluations" / f"step_{step:08d}.json"

    def add_result(self, result: Result):
        """Keep what an evaluation found, instead of what one found before at the same step. Raises RunError."""
        path = self.evaluation_file(result.step)
        with disk_errors(path):
            path.parent.mkdir(exist_ok=True)
        result.write(path)
        if result.confusion is not None:
            picture = draw_confusion(result, self.class_names)
            save_png(path.with_suffix(".png"), picture, {"Step": str(result.step)})

    def read_results(self) -> list[Result]:
        """What evaluations found, oldest step first. Raises EvaluationError."""
        return [Result.read(path) for path, _ in self._files_by_step("evaluations") if path.suffix == ".json"]

    def log_result(self, result: Result):
        """Draw the figures of an evaluation in VisualDL, a chart for each metric, with those of real images.

        Also the picture beside the result, where there is one.
        """
        for name, figure in result.figures.items():
            self._writer("evaluation").add_scalar(name, figure.value, result.step)
            if figure.real is not None:
                self._writer("evaluation_of_real_images").add_scalar(name, figure.real, result.step)
        self._log_picture("evaluation", "confusion", self.evaluation_file(result.step).with_suffix(".png"), result.step)

    def save_best(self, result: Result, method, config: Config):
        """Keep the method's checkpoint in best/ if none of the same protocol had a lower Frechet distance.

        Raises:
            RunError: it cannot be written.
        """
        path = self.best / "result.json"
        try:
            known = Result.read(path) if checkpoint.list_steps(self.best) else None
        except EvaluationError:
            known = None
        if known is None or known.protocol != result.protocol or known.distance > result.distance:
            checkpoint.save(self.best, result.step, method, config.to_dict(), keep=1)
            result.write(path)

    def log_results_anew(self):
        """Draw the results in VisualDL again, those with the protocol of the newest.

        It shows one file of a folder only, so nothing can be added to one.

        Raises:
            UserError: a result is damaged; the log cannot be written.
        """
        results = self._comparable_results()
        for name in ("evaluation", "evaluation_of_real_images"):
            with disk_errors(self.folder):
                remove_folder(self.folder / "log" / name)
        for result in results:
            self.log_result(result)

    def _comparable_results(self) -> list[Result]:
        results = self.read_results()
        return [result for result in results if result.protocol == results[-1].protocol]

    def describe_images(self, step: int) -> dict[str, str]:
        """Metadata for pictures made at a step: what made them, and the data really used."""
        decay = self.config().train.ema
        weights = {} if decay is None else {"Weights": f"moving average, decay {decay:g}"}
        return {**self._describe_data(), "Step": str(step), **weights}

    def _describe_data(self) -> dict[str, str]:
        return {"Software": f"ppgan_lite {__version__}", "Data": self.source.title}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        """Write out what is buffered."""
        for writer in self._writers.values():
            writer.close()
        if self._metrics is not None:
            self._metrics.close()
        self._writers, self._metrics = {}, None

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
            for name in ("checkpoints", "samples", "log"):
                (self.folder / name).mkdir(exist_ok=True)

    def _rebuild_log(self, records: list[dict]):
        for record in records:
            self._log_record(record)
        self._log_picture("samples", "real", self.folder / "samples" / REAL, 0)
        for path, step in self.previews():
            self._log_picture("samples", "numbers", path, step)
        for result in self._comparable_results():
            self.log_result(result)

    def _log_picture(self, writer: str, tag: str, path: Path, step: int):
        try:
            pixels = np.atleast_3d(np.asarray(Image.open(path)))
        except OSError:  # no picture (any more): only VisualDL misses it
            return
        self._writer(writer).add_image(tag, pixels, step)

    def _log_record(self, record: dict):
        if "diagnosis" in record:
            words = f"{record['diagnosis']}, since step {record['since']}: {record['words']}"
            text = "; ".join([words, *(f"may help: {remedy}" for remedy in record["remedies"])])
            self._writer("health").add_text("diagnosis", text, record["step"])
        for key, value in record.items():
            if "/" in key:
                kind, name = key.split("/")
                self._writer(f"{name}_{kind}").add_scalar(kind, value, record["step"])

    def _writer(self, name: str) -> LogWriter:
        if name not in self._writers:
            shown = f"{name} ({self.folder.name})"  # in place of the whole path, whose end VisualDL cuts off
            self._writers[name] = LogWriter(str(self.folder / "log" / name), flush_secs=10, display_name=shown)
        return self._writers[name]

    def read_metrics(self) -> list[dict]:
        """The whole lines of metrics.jsonl; a torn last one is left out."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        try:
            records = [json.loads(line) for line in lines]
            _ = [record["step"] + 0 for record in records]
            return records
        except (ValueError, TypeError, LookupError) as error:
            raise RunError(f"{path}: damaged; move it away to go on without its records") from error

    def _files_by_step(self, folder: str) -> list[tuple[Path, int]]:
        matches = [(path, re.fullmatch(r"step_(\d+)\.\w+", path.name)) for path in (self.folder / folder).glob("*")]
        return sorted((path, int(match[1])) for path, match in matches if match)


def check_folder(folder: Path, resume: bool, overwrite: bool):
    """Refuse a folder that a new run cannot have, before anything is loaded or written.

    Raises:
        RunError: it is used (and neither flag is given), holds other things than a run, or has none to resume.
    """
    with disk_errors(folder):
        is_run, is_file = (folder / "run.json").exists(), folder.exists() and not folder.is_dir()
        # A process killed while it made the folder may have left a temporary file there.
        others = [] if is_file or not folder.exists() else [x for x in folder.iterdir() if not x.name.endswith(".tmp")]
    if is_file:
        raise RunError(f"{folder}: is a file; give another --run-dir")
    if resume and not is_run:
        raise RunError(f"{folder}: nothing to resume (no run there); start without --resume")
    if is_run and not resume and not overwrite:
        raise RunError(f"{folder}: used by a run; go on with --resume, replace it with --overwrite, or give --run-dir")
    if others and not is_run:
        raise RunError(f"{folder}: holds other things than a run; give another --run-dir")


def _json_line(record: dict) -> bytes:
    return json.dumps(record).encode() + b"\n"
