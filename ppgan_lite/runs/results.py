"""What evaluations found, each with the protocol it was made by: figures of different protocols are never compared."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ppgan_lite.errors import EvaluationError
from ppgan_lite.files import disk_errors, files_by_step, remove_folder, remove_later, seal, unseal, writing
from ppgan_lite.pictures.grid import save_png
from ppgan_lite.runs import checkpoint

FORMAT = 1


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        value: of the run.
        real: the same of real images: the floor of a distance (train against test images), the aim of others.
        error: standard error or deviation of `value`, where the metric gives one.
    """

    value: float
    real: float | None = None
    error: float | None = None


@dataclass(frozen=True)
class Result:
    """The figures of one checkpoint, by the metric's name.

    Attributes:
        step: of the checkpoint.
        protocol: all that the figures depend on besides the run, as plain values.
        figures: metric -> Figure.
        seconds: that the evaluation took.
        confusion: of a classifier: row i counts the test images of class i by the class they were taken for.
    """

    step: int
    protocol: dict[str, str | int | bool]
    figures: dict[str, Figure]
    seconds: float
    confusion: tuple[tuple[int, ...], ...] | None = None

    def write(self, path: Path):
        """Write the result as JSON. Raises RunError."""
        with writing(path) as stream:
            stream.write(seal({"format": FORMAT, **asdict(self)}))

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Read what `write` wrote.

        Raises:
            EvaluationError: it cannot be read, has been changed, or is of a newer format.
        """
        try:
            record = unseal(path.read_bytes())
        except OSError as error:
            raise EvaluationError(f"{path}: cannot be read: {error.strerror}") from error
        if record is None:
            raise EvaluationError(
                f"{path}: damaged (its checksum does not fit); delete it, and evaluate that step again"
            )
        if record.pop("format") != FORMAT:
            raise EvaluationError(f"{path}: of another format than {FORMAT}; evaluate that step again")
        record["figures"] = {name: Figure(**figure) for name, figure in record["figures"].items()}
        if record["confusion"] is not None:
            record["confusion"] = tuple(map(tuple, record["confusion"]))
        return cls(**record)

    @property
    def distance(self) -> float:
        """The Frechet distance, by which checkpoints are ranked."""
        return self.figures["frechet_distance"].value

    def table(self) -> str:
        """The figures as text, each beside what real images have, where any has."""
        has_real = any(figure.real is not None for figure in self.figures.values())
        rows = [("metric", "this run", "real images" if has_real else "", "")]
        for name, figure in self.figures.items():
            spread = "" if figure.error is None else f" ± {figure.error:.2g}"
            real = "" if figure.real is None else f"{figure.real:#.4g}"
            rows.append((name, f"{figure.value:#.4g}{spread}", real, METRICS.get(name, "")))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        cells = [[cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows]
        return "\n".join("  ".join(row).rstrip() for row in cells)


class Results:
    """The results that a run keeps, one for each step, and the best of its checkpoints.

    Args:
        folder: of the results: step_00000012.json and, of a classifier, a picture of the same name.
        best: folder of the best checkpoint.
        class_names: of the data's labels.
    """

    def __init__(self, folder: Path, best: Path, class_names: tuple[str, ...]):
        self._folder, self._best, self._class_names = folder, best, class_names

    def file(self, step: int) -> Path:
        """Where the result of a step is kept."""
        return self._folder / f"step_{step:08d}.json"

    def picture(self, step: int) -> Path:
        """Where the picture of a classifier's confusion matrix at a step is kept."""
        return self.file(step).with_suffix(".png")

    def add(self, result: Result):
        """Keep a result, in place of the one that was kept for its step. Raises RunError."""
        path = self.file(result.step)
        with disk_errors(path):
            self._folder.mkdir(exist_ok=True)
        result.write(path)
        if result.confusion is not None:
            from ppgan_lite.pictures.confusion import draw_confusion  # here: matplotlib, for classifiers only

            picture = draw_confusion(result, self._class_names)
            save_png(self.picture(result.step), picture, {"Step": str(result.step)})

    def read(self) -> list[Result]:
        """All results, oldest step first. Raises EvaluationError."""
        return [Result.read(path) for path, _ in files_by_step(self._folder) if path.suffix == ".json"]

    def comparable(self) -> list[Result]:
        """The results with the protocol of the newest. Raises EvaluationError."""
        results = self.read()
        return [result for result in results if result.protocol == results[-1].protocol]

    def keep_best(self, result: Result, method, config):
        """Keep the method's checkpoint as the best if none of the same protocol had a lower Frechet distance.

        Args:
            config: of the run, resolved.

        Raises:
            RunError: it cannot be written.
        """
        path = self._best / "result.json"
        try:
            known = Result.read(path) if checkpoint.list_steps(self._best) else None
        except EvaluationError:
            known = None
        if known is None or known.protocol != result.protocol or known.distance > result.distance:
            checkpoint.save(self._best, result.step, method, config.to_dict(), keep=1)
            result.write(path)

    def go_back(self, step: int):
        """Remove the results, and the best checkpoint, of later steps. Raises RunError."""
        with disk_errors(self._folder):
            remove_later(self._folder, step)
            for later in checkpoint.list_steps(self._best):
                if later > step:
                    remove_folder(self._best / f"step_{later:08d}")


METRICS = {
    "frechet_distance": "lower is better; real: train against test images",
    "kernel_distance": "lower is better; real: train against test images",
    "classifier_score": "higher is better",
    "precision": "share of the fakes that look real",
    "recall": "share of the real images that the fakes cover",
    "density": "as precision, but outliers count less; not bounded by 1",
    "coverage": "share of the real images with a fake beside them",
    "class_kl": "nats; 0: the classes are as frequent as in the test images",
    "nearer_to_train": "share of the images nearer to a train than to a test image; 0.5: nothing memorised",
    "copies_of_train": "share of the images that are a near copy of one of as many training images",
    "ms_ssim": "of pairs; higher than for real images: less diverse",
    "total_variation": "mean step between neighbouring pixels; higher than for real images: noisier",
    "high_frequency_energy": "share of the power above half the Nyquist frequency",
    "conditional_accuracy": "share of the images that the classifier takes for the class asked for",
    "code_accuracy": "of the test images, where each category stands for the class most frequent in it",
    "slant_by_code": "largest |correlation| of a continuous code with the slant of the images made with it",
    "drawn_slant_by_code": "the same of the codes read off test images, with the slant these were drawn with",
    "thickness_by_code": "largest |correlation| of a continuous code with the thickness of the strokes made with it",
    "drawn_thickness_by_code": "the same of the codes read off test images, with the thickness these were drawn with",
    "accuracy": "of the test images",
    "train_accuracy": "of as many training images",
}


def check_same_protocol(first: Result, other: Result, names: tuple[str, str]):
    """Refuse to compare two results that were not measured alike.

    Args:
        names: of the two, for the message.

    Raises:
        EvaluationError: naming the first difference.
    """
    if differs := difference(first, other):
        raise EvaluationError(f"{names[0]} and {names[1]} cannot be compared: {differs}; evaluate both alike")


def difference(first: Result, other: Result) -> str | None:
    """What differs first between the protocols of two results, in words; None where they are the same.

    Whether the weights are a moving average does not count: it is what was measured, not how.
    """
    for key in sorted((first.protocol.keys() | other.protocol.keys()) - {"ema"}):
        a, b = first.protocol.get(key), other.protocol.get(key)
        if a != b:
            return f"{key} was {json.dumps(a)} and {json.dumps(b)}"
    return None
