"""What an evaluation found, with the protocol it was made by: figures of different protocols are never compared."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ppgan_lite.errors import EvaluationError
from ppgan_lite.files import seal, unseal, writing

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
