"""A run: one output folder with everything that a training leaves behind.

config.yml (resolved), run.json (data, device, versions of each session), metrics.jsonl, samples/ (grids),
log/ (VisualDL), checkpoints/.
"""

import json
import re
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image
from visualdl import LogWriter

from ppgan_lite import __version__, runtime
from ppgan_lite.build import build_method
from ppgan_lite.config import Config, differences, load_config, to_yaml
from ppgan_lite.data.image_array import Source
from ppgan_lite.engine import checkpoint
from ppgan_lite.errors import ConfigError, RunError, warn
from ppgan_lite.files import disk_errors, remove_folder, remove_leftovers, writing
from ppgan_lite.image_grid import grid, save_png

PREVIEW_IMAGES = 128  # 8 rows of 16, as in the tutorial
PREVIEW_COLUMNS = 16


class Run:
    """The folder of one training. `create` starts one, `open_existing` goes back to one.

    Attributes:
        folder: of the run.
        checkpoints: folder of the checkpoints.
        record: what run.json holds.
        source: of the data that it is trained on.
        image_shape: C, H, W.
    """

    def __init__(self, folder: Path, record: dict):
        self.folder = Path(folder)
        self.checkpoints = self.folder / "checkpoints"
        self.record = record
        self.source = Source(**record["data"])
        self.image_shape = tuple(int(size) for size in record["image_shape"])
        self._metrics = None  # open stream of metrics.jsonl while training
        self._writers = {}  # folder below log/ -> VisualDL writer

    @classmethod
    def create(cls, folder: Path, config: Config, source: Source, image_shape, device: str) -> "Run":
        """Make the folder and write run.json and config.yml; what a run left there before is removed.

        Raises:
            RunError: it cannot be written.
        """
        record = {"data": source.to_dict(), "image_shape": list(image_shape), "seed": config.train.seed, "sessions": []}
        run = cls(folder, record)
        with disk_errors(run.folder):
            run.folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(run.folder)
            for name in ("checkpoints", "samples", "log"):
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
        return load_config(self.folder / "config.yml")

    def check_same(self, config: Config, saved_config: dict, source: Source):
        """Refuse a config that would compute other steps than the saved one, and other data.

        Raises:
            ConfigError, RunError: naming the first key that differs, or both data sets.
        """
        if changed := differences(config.to_dict(), saved_config):
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
        kept = [record for record in self._read_metrics() if record["step"] <= step]
        with disk_errors(self.folder):
            for folder in (self.folder, self.checkpoints, self.folder / "samples"):
                remove_leftovers(folder)
            checkpoint.set_aside_after(self.checkpoints, step)
            with writing(self.folder / "metrics.jsonl") as stream:
                stream.writelines(_json_line(record) for record in kept)
            # VisualDL shows one file of a folder only, so the log must be one file again, not two.
            remove_folder(self.folder / "log")
            for path, of_step in self._preview_files():
                if of_step > step:
                    path.unlink()
            self._rebuild_log(kept)
        self._begin_session(config, device, step)

    def log(self, step: int, scalars: dict[str, float], **more):
        """Append one line to metrics.jsonl and a point to each VisualDL curve.

        `loss/d_real` is the tag `loss` in VisualDL's folder `d_real_loss`: all losses share one chart.
        """
        record = {"step": step, **scalars, **more}
        path = self.folder / "metrics.jsonl"
        with disk_errors(path):
            if self._metrics is None:
                self._metrics = open(path, "ab", buffering=0)  # noqa: SIM115 (open as long as the run)
            self._metrics.write(_json_line(record))
        self._log_curves(record)

    def preview(self, step: int, images):
        """Write a grid of images [N, C, H, W] in [-1, 1] to samples/ and to VisualDL (tag `numbers`)."""
        pixels = grid(images, PREVIEW_COLUMNS)
        path = self.folder / "samples" / f"step_{step:08d}.png"
        save_png(path, pixels, {**self.describe_images(step), "Batch norm": "statistics of this batch (training)"})
        self._writer("samples").add_image("numbers", pixels, step)

    def describe_images(self, step: int) -> dict[str, str]:
        """Metadata for pictures made at a step: what made them, and the data really used."""
        return {"Software": f"ppgan_lite {__version__}", "Step": str(step), "Data": self.source.title}

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
            "runtime": runtime.settings(),
            "versions": {"ppgan_lite": __version__, **runtime.versions()},
        }
        self.record["sessions"].append(session)
        with writing(self.folder / "run.json") as stream:
            stream.write(json.dumps(self.record, indent=1, ensure_ascii=False).encode())
        with writing(self.folder / "config.yml") as stream:
            stream.write(to_yaml(config).encode())
        with disk_errors(self.folder):
            for name in ("checkpoints", "samples", "log"):
                (self.folder / name).mkdir(exist_ok=True)

    def _rebuild_log(self, records: list[dict]):
        for record in records:
            self._log_curves(record)
        for path, step in self._preview_files():
            try:
                pixels = np.atleast_3d(np.asarray(Image.open(path)))
            except OSError:  # no picture any more: only VisualDL misses it
                continue
            self._writer("samples").add_image("numbers", pixels, step)

    def _log_curves(self, record: dict):
        for key, value in record.items():
            if "/" in key:
                kind, name = key.split("/")
                self._writer(f"{name}_{kind}").add_scalar(kind, value, record["step"])

    def _writer(self, name: str) -> LogWriter:
        if name not in self._writers:
            shown = f"{name} ({self.folder.name})"  # in place of the whole path, whose end VisualDL cuts off
            self._writers[name] = LogWriter(str(self.folder / "log" / name), flush_secs=10, display_name=shown)
        return self._writers[name]

    def _read_metrics(self) -> list[dict]:
        """The whole lines of metrics.jsonl; a torn last one is left out."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        try:
            records = [json.loads(line) for line in lines]
            _ = [record["step"] + 0 for record in records]
            return records
        except (ValueError, TypeError, LookupError) as error:
            raise RunError(f"{path}: damaged; move it away to go on without its records") from error

    def _preview_files(self) -> list[tuple[Path, int]]:
        matches = [(path, re.fullmatch(r"step_(\d+)\.png", path.name)) for path in (self.folder / "samples").glob("*")]
        return sorted((path, int(match[1])) for path, match in matches if match)


def open_trained(folder: Path, step: int | None):
    """A run, its method as a checkpoint left it, and the checkpoint.

    Args:
        step: None for the newest that is whole; damaged ones are warned of.

    Raises:
        UserError: no such run or checkpoint, or its networks are not those of the run's config.
    """
    run = Run.open_existing(folder)
    method = build_method(run.config(), run.image_shape)
    if step is None:
        saved = checkpoint.load_newest(run.checkpoints, on_damage=warn)
    else:
        saved = checkpoint.load_step(run.checkpoints, step)
    saved.restore(method)
    return run, method, saved


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
