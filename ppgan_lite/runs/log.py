"""The log of a run: metrics.jsonl, samples/, and what VisualDL and TensorBoard show of them and of the results.

metrics.jsonl has everything. log/ (VisualDL) and log_tensorboard/ only show it, with the pictures and the results, and
can be drawn again. So if a viewer's package is missing or fails, a warning is printed and the run goes on.
"""

import contextlib
import json
import time
from pathlib import Path

import numpy as np
from PIL import Image

from ppgan_lite.errors import RunError, warn
from ppgan_lite.files import disk_errors, files_by_step, remove_folder, remove_later, writing
from ppgan_lite.pictures.grid import save_png
from ppgan_lite.runs.health import Diagnosis
from ppgan_lite.runs.results import Result, Results

REAL = "real.png"  # in samples/: training images
EVALUATION, EVALUATION_OF_REAL = "evaluation", "evaluation_of_real_images"
FLUSH_SECONDS = 10  # longest delay until a viewer shows what was drawn


class Log:
    """What a training records while it runs.

    Args:
        folder: the run's folder.
        results: the run's results; they are drawn, too.
    """

    def __init__(self, folder: Path, results: Results):
        self._folder, self._results = folder, results
        self._metrics = None  # open stream of metrics.jsonl while training
        self._writers = {}  # name in WRITERS -> writer, or None after a failure

    def open(self, log_to: tuple[str, ...]):
        """Start drawing with these of WRITERS. Writers that fail or lack their package are reported and left out."""
        for name in log_to:
            if name not in self._writers:
                self._writers[name] = None
                with self._reporting(name):
                    self._writers[name] = WRITERS[name](self._folder)

    def close(self):
        """Flush and close all files."""
        self._draw("close")
        if self._metrics is not None:
            self._metrics.close()
        self._writers, self._metrics = {}, None

    def add_scalars(self, step: int, scalars: dict[str, float], **more):
        """Append one line to metrics.jsonl, with the time, and draw a point of each curve (keys `kind/name`).

        Raises:
            RunError: metrics.jsonl cannot be written.
        """
        self._append(step, {**scalars, **more})

    def add_diagnosis(self, diagnosis: Diagnosis):
        """Append a diagnosis to metrics.jsonl (its name as `diagnosis`), and draw it as text. Raises RunError."""
        record = {"diagnosis": diagnosis.name, "since": diagnosis.since}
        self._append(diagnosis.step, {**record, "words": diagnosis.words, "remedies": list(diagnosis.remedies)})

    def add_preview(self, step: int, pixels: np.ndarray, metadata: dict[str, str]):
        """Write a picture of samples, uint8 [H, W, C], to samples/, and draw it (tag `numbers`). Raises RunError."""
        path = self._folder / "samples" / f"step_{step:08d}.png"
        save_png(path, pixels, {**metadata, "Batch norm": "statistics of this batch (training)"})
        self._draw_picture("samples", "numbers", path, step)

    def add_real(self, pixels: np.ndarray, metadata: dict[str, str]):
        """Write a picture of real images as `add_preview` does (tag `real`), but only once. Raises RunError."""
        path = self._folder / "samples" / REAL
        if not path.exists():
            save_png(path, pixels, {**metadata, "Images": "real"})
            self._draw_picture("samples", "real", path, 0)

    def add_result(self, result: Result):
        """Draw a result from `results`: a chart per metric, with the values of real images, and its picture."""
        seconds = _modified(self._results.file(result.step))
        for name, figure in result.figures.items():
            self._draw("figure", EVALUATION, name, figure.value, result.step, seconds)
            if figure.real is not None:
                self._draw("figure", EVALUATION_OF_REAL, name, figure.real, result.step, seconds)
        self._draw_picture(EVALUATION, "confusion", self._results.picture(result.step), result.step)

    def read(self) -> list[dict]:
        """The records in metrics.jsonl; an incomplete last line is left out.

        Raises:
            RunError: any other line is damaged.
        """
        path = self._folder / "metrics.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        try:
            records = [json.loads(line) for line in lines]
            _ = [record["step"] + 0 for record in records]
            return records
        except (ValueError, TypeError, LookupError) as error:
            raise RunError(f"{path}: damaged; move it away to continue without its records") from error

    def previews(self) -> list[tuple[Path, int]]:
        """The pictures written by `add_preview` and their steps, oldest first."""
        return files_by_step(self._folder / "samples")

    def go_back(self, records: list[dict], step: int, log_to: tuple[str, ...]):
        """Drop everything recorded after a step, and draw the rest again, with the original times.

        It is drawn again because VisualDL reads a single file per folder.

        Args:
            records: the result of `read`.

        Raises:
            UserError: the folder cannot be written; a result is damaged.
        """
        remaining = [record for record in records if record["step"] <= step]
        with writing(self._folder / "metrics.jsonl") as stream:
            stream.writelines(_json_line(record) for record in remaining)
        with disk_errors(self._folder):
            remove_later(self._folder / "samples", step)
            for folder in DRAWN:
                remove_folder(self._folder / folder)
        self.open(log_to)
        for record in remaining:
            self._draw_record(record)
        self._draw_picture("samples", "real", self._folder / "samples" / REAL, 0)
        for path, preview_step in self.previews():
            self._draw_picture("samples", "numbers", path, preview_step)
        self._draw_results()

    def redraw_results(self, log_to: tuple[str, ...]):
        """Draw the results with the newest one's protocol again.

        Raises:
            UserError: a result is damaged; the old drawings cannot be removed.
        """
        self.open(log_to)
        with disk_errors(self._folder):
            for writer in filter(None, self._writers.values()):
                for series in (EVALUATION, EVALUATION_OF_REAL):
                    remove_folder(self._folder / writer.FOLDER / series)
        self._draw_results()

    def _draw_results(self):
        for result in self._results.comparable():
            self.add_result(result)

    def _append(self, step: int, record: dict):
        record = {"step": step, "time": round(time.time(), 3), **record}
        path = self._folder / "metrics.jsonl"
        with disk_errors(path):
            if self._metrics is None:
                self._metrics = open(path, "ab", buffering=0)  # noqa: SIM115 (open as long as the run)
            self._metrics.write(_json_line(record))
        self._draw_record(record)

    def _draw_record(self, record: dict):
        step, seconds = record["step"], record.get("time")  # older versions wrote no time
        if "diagnosis" in record:
            words = f"{record['diagnosis']}, since step {record['since']}: {record['words']}"
            text = "; ".join([words, *(f"may help: {remedy}" for remedy in record["remedies"])])
            self._draw("text", "health", "diagnosis", text, step, seconds)
        for key, value in record.items():
            if "/" in key:
                self._draw("curve", key, value, step, seconds)

    def _draw_picture(self, series: str, tag: str, path: Path, step: int):
        try:
            with Image.open(path) as picture:
                pixels = np.atleast_3d(np.asarray(picture))
        except OSError:  # missing or damaged: only the viewers need it
            return
        self._draw("picture", series, tag, pixels, step, _modified(path))

    def _draw(self, what: str, *arguments):
        """Call a method of all writers."""
        for name, writer in self._writers.items():
            if writer is not None:
                with self._reporting(name):
                    getattr(writer, what)(*arguments)

    @contextlib.contextmanager
    def _reporting(self, name: str):
        """Turn any error of a writer into a warning, and stop drawing with it."""
        try:
            yield
        except Exception as error:
            self._writers[name] = None
            viewer, package = WRITERS[name].__name__, WRITERS[name].PACKAGE
            missing = isinstance(error, ModuleNotFoundError) and error.name == package
            why = f"is not installed: pip install {package}" if missing else f"failed: {_in_one_line(error)}"
            warn(f"{self._folder}: drawing for {viewer} stops: {package} {why}; metrics.jsonl has everything")


class VisualDL:
    """Draws for VisualDL. Each series is a folder, and all series with the same tag share a chart.

    So all losses are in one chart: `loss/d_real` is the series `d_real_loss` with the tag `loss`. Times are unix
    seconds, or None for now, here and in `TensorBoard`.
    """

    FOLDER, PACKAGE = "log", "visualdl"

    def __init__(self, run: Path):
        from visualdl import LogWriter  # imported late: may be missing or broken, and imports Flask and pandas

        self._make, self._run, self._writers = LogWriter, run, {}
        (run / self.FOLDER).mkdir(exist_ok=True)

    def curve(self, key: str, value: float, step: int, seconds: float | None):
        kind, name = key.split("/")
        self.figure(f"{name}_{kind}", kind, value, step, seconds)

    def figure(self, series: str, tag: str, value: float, step: int, seconds: float | None):
        self._writer(series).add_scalar(tag, value, step, _milliseconds(seconds))

    def picture(self, series: str, tag: str, pixels: np.ndarray, step: int, seconds: float | None):
        # A copy: VisualDL scales a picture without values above 1 in place.
        self._writer(series).add_image(tag, pixels.copy(), step, _milliseconds(seconds))

    def text(self, series: str, tag: str, text: str, step: int, seconds: float | None):
        self._writer(series).add_text(tag, text, step, _milliseconds(seconds))

    def close(self):
        for writer in self._writers.values():
            writer.close()

    def _writer(self, series: str):
        if series not in self._writers:
            shown = f"{series} ({self._run.name})"  # VisualDL would show the path, cut off at the end
            folder = str(self._run / self.FOLDER / series)
            self._writers[series] = self._make(folder, flush_secs=FLUSH_SECONDS, display_name=shown)
        return self._writers[series]


class TensorBoard:
    """Draws for TensorBoard, which shows three runs: the training, the evaluations, and the values of real images.

    The tags of curves are the keys of metrics.jsonl, such as `loss/d_real`, with a section per kind.

    tensorboardX's SummaryWriter is not used: if a full disk kills its thread, the training waits for it for ever.
    """

    FOLDER, PACKAGE = "log_tensorboard", "tensorboardX"

    def __init__(self, run: Path):
        from tensorboardX import event_file_writer, summary
        from tensorboardX.proto.event_pb2 import Event

        self._make, self._summary, self._event = event_file_writer.EventsWriter, summary, Event
        self._folder, self._writers, self._flushed = run / self.FOLDER, {}, time.monotonic()
        self._folder.mkdir(exist_ok=True)

    def curve(self, key: str, value: float, step: int, seconds: float | None):
        self._write("training", self._summary.scalar(key, value), step, seconds)

    def figure(self, series: str, tag: str, value: float, step: int, seconds: float | None):
        self._write(series, self._summary.scalar(f"{EVALUATION}/{tag}", value), step, seconds)

    def picture(self, series: str, tag: str, pixels: np.ndarray, step: int, seconds: float | None):
        run = EVALUATION if series == EVALUATION else "training"
        self._write(run, self._summary.image(f"{series}/{tag}", pixels, dataformats="HWC"), step, seconds)

    def text(self, series: str, tag: str, text: str, step: int, seconds: float | None):
        self._write("training", self._summary.text(f"{series}/{tag}", text), step, seconds)

    def close(self):
        for writer in self._writers.values():
            writer.close()

    def _write(self, run: str, summary, step: int, seconds: float | None):
        if run not in self._writers:
            (self._folder / run).mkdir(exist_ok=True)
            self._writers[run] = self._make(str(self._folder / run / "events"))
        event = self._event(wall_time=time.time() if seconds is None else seconds, step=step, summary=summary)
        self._writers[run].write_event(event)
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self._flushed = time.monotonic()
            for writer in self._writers.values():
                writer.flush()


WRITERS = {"visualdl": VisualDL, "tensorboard": TensorBoard}  # the choices of train.log_to
DRAWN = tuple(writer.FOLDER for writer in WRITERS.values())  # folders that can be drawn again


def _modified(path: Path) -> float | None:
    """When a file was written, in unix seconds; None if it is missing."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)


def _in_one_line(error: Exception) -> str:
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])


def _json_line(record: dict) -> bytes:
    return json.dumps(record).encode() + b"\n"
