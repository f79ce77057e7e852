"""The log of a run: metrics.jsonl, samples/, and what VisualDL and TensorBoard show of them and of the results.

metrics.jsonl has everything. log/ (VisualDL) and log_tensorboard/ only show it, with the pictures and the results, and
can be drawn again. So if a viewer's package is missing or fails, a warning is printed and the run goes on.
"""

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppgan_lite import runtime
from ppgan_lite.errors import ConfigError, RunError, warn
from ppgan_lite.files import clear_folder, disk_errors, files_by_step, read_file, remove_folder, remove_later, writing
from ppgan_lite.pictures.grid import save_png
from ppgan_lite.pictures.read import read_png
from ppgan_lite.runs.health import Diagnosis
from ppgan_lite.runs.results import Result, Results
from ppgan_lite.schema.check import check_value
from ppgan_lite.schema.tree import parse_json, read_record
from ppgan_lite.schema.types import Range, Whole

MOST_BYTES = 2**29  # limit for metrics.jsonl: two million steps
MOST_IN_LINE = 2**16  # bytes
REAL = "real.png"  # in samples/: training images
EVALUATION, EVALUATION_OF_REAL = "evaluation", "evaluation_of_real_images"
FLUSH_SECONDS = 10  # longest delay until a viewer shows what was drawn


# What is read of a line of metrics.jsonl: its step; these numbers, if it has them (older versions wrote no time);
# scalars (keys `kind/name`); all of a diagnosis.
NUMBERS = {"time": Range(0, 2**33), "images_per_second": Range(0, 1e100)}
SCALAR = Range(-1e100, 1e100)  # sums and squares are finite


@dataclass(frozen=True)
class _DiagnosisLine:
    """What is read of a line with a diagnosis."""

    step: Whole
    since: Whole
    diagnosis: str
    words: str
    remedies: tuple[str, ...] = ()


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
        save_png(path, pixels, metadata)
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
        """The records in metrics.jsonl. An incomplete last line is left out, and so are damaged ones, with a warning.

        Raises:
            RunError: the file cannot be read.
        """
        path = self._folder / "metrics.jsonl"
        try:
            lines = read_file(path, MOST_BYTES).split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        except OSError as error:
            reason = f"cannot be read: {error.strerror}; move it away to continue without its records"
            raise RunError(f"{path}: {reason}") from error
        records, damaged = [], []
        for number, line in enumerate(lines, 1):
            try:
                records.append(_read_line(line))
            except ConfigError as error:
                damaged.append(f"line {number}: {error}")
        if damaged:
            warn(f"{path}: damaged, {len(damaged)} of {len(lines)} lines are left out (the first: {damaged[0]})")
        return records

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
                clear_folder(self._folder / folder)
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
            line = _json_line(record)
            while line:  # on a full disk, the first write may be short; the next one then raises the error
                line = line[self._metrics.write(line) :]
        self._draw_record(record)

    def _draw_record(self, record: dict):
        step, seconds = record["step"], record.get("time")  # older versions wrote no time
        if "diagnosis" in record:
            words = f"{record['diagnosis']}, since step {record['since']}: {record['words']}"
            text = "; ".join([words, *(f"may help: {remedy}" for remedy in record.get("remedies", ()))])
            self._draw("text", "health", "diagnosis", text, step, seconds)
        for key, value in record.items():
            if "/" in key:
                self._draw("curve", key, value, step, seconds)

    def _draw_picture(self, series: str, tag: str, path: Path, step: int):
        try:
            pixels = np.atleast_3d(np.asarray(read_png(path)))
        except RunError:  # missing or damaged: only the viewers need it
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
        with runtime.writable_home():
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


def _read_line(content: bytes) -> dict:
    """A record from its line. Raises ConfigError: what is wrong with it, in a few words."""
    if len(content) > MOST_IN_LINE:
        raise ConfigError(f"more than {MOST_IN_LINE:,} bytes")
    record = parse_json(content)
    if not isinstance(record, dict):
        raise ConfigError("not a record")
    if "diagnosis" in record:
        read_record(record, _DiagnosisLine)
    check_value(record.get("step"), "step", Whole)
    for key, value in record.items():  # not by read_record: there may be a million lines
        allowed = NUMBERS.get(key) or ("/" in key and SCALAR)
        if allowed and not (type(value) in (int, float) and value in allowed and key.count("/") < 2):
            raise ConfigError(f"{key!r} is not a number, or not a scalar's key")
    return record


def _json_line(record: dict) -> bytes:
    return json.dumps(record).encode() + b"\n"
