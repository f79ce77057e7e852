"""Results of evaluations, with their protocol: figures of different protocols are never compared."""

import contextlib
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean

from ppgan_lite.errors import ConfigError, EvaluationError
from ppgan_lite.files import (
    disk_errors,
    files_by_step,
    make_folder,
    read_file,
    remove_folder,
    remove_later,
    seal,
    unseal,
    writing,
)
from ppgan_lite.pictures.grid import save_png
from ppgan_lite.runs import checkpoint
from ppgan_lite.schema.tree import read_record
from ppgan_lite.schema.types import Measured, Whole

FORMAT = 1
MOST_BYTES = 2**26  # limit for a result, which may have a confusion matrix of thousands of classes
RESULT = "result.json"  # in the best checkpoint
TRUNCATION = "truncation_"  # begins the name of a folder of results for truncated noise
INPUT, MEAN = "input copied", "mean picture"  # baselines of translations: the input itself, the mean training picture


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        value: the run's value.
        real: the value of real images: the minimum of a distance (training against test images), the aim of others.
        error: standard error or deviation of `value`, if the metric has one.
        baselines: values of what needs no training, by name.
    """

    value: Measured
    real: Measured | None = None
    error: Measured | None = None
    baselines: dict[str, Measured] = field(default_factory=dict)

    def cells(self) -> tuple[str, str]:
        """The value with its error, and the value of real images, as text; empty if there is none."""
        spread = "" if self.error is None else f" ± {self.error:.2g}"
        return f"{self.value:#.4g}{spread}", "" if self.real is None else f"{self.real:#.4g}"

    def baseline_cells(self, names) -> tuple[str, ...]:
        """The values of the baselines called `names` as text; empty where there is none."""
        return tuple(f"{self.baselines[name]:#.4g}" if name in self.baselines else "" for name in names)


@dataclass(frozen=True)
class Result:
    """The figures of one checkpoint.

    Attributes:
        step: the checkpoint's step.
        protocol: everything else that the figures depend on, as plain values.
        figures: name -> Figure. A name is a metric, or PART/METRIC for a direction or a group of attributes.
        seconds: duration of the evaluation.
        confusion: a classifier's confusion matrix: row i counts the test images of class i by predicted class.
    """

    step: Whole
    protocol: dict[str, str | int | bool]
    figures: dict[str, Figure]
    seconds: Measured
    confusion: tuple[tuple[Whole, ...], ...] | None = None

    def write(self, path: Path):
        """Write the result as JSON. Raises RunError."""
        with writing(path) as stream:
            stream.write(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The result as JSON."""
        return seal({"format": FORMAT, **asdict(self)})

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Read what `write` wrote.

        Raises:
            EvaluationError: the file cannot be read, has been changed, or has another format.
        """
        try:
            record = unseal(read_file(path, MOST_BYTES))
        except OSError as error:
            raise EvaluationError(f"{path}: cannot be read: {error.strerror}") from error
        what_to_do = "delete it and evaluate that step again"
        if record is None:
            raise EvaluationError(f"{path}: damaged (checksum mismatch); {what_to_do}")
        if record.get("format") != FORMAT:
            raise EvaluationError(f"{path}: unknown format; evaluate that step again")
        try:
            return read_record(record, cls)
        except ConfigError as error:
            raise EvaluationError(f"{path}: damaged ({error}); {what_to_do}") from error

    @property
    def distance(self) -> float:
        """What ranks checkpoints; lower is better, and infinite for a result without it.

        The Frechet distance; of a translator the L1 distance to the true pictures, or without true pictures the Frechet
        distance, each the mean over its directions, or the share of attributes that were not reached.
        """
        if "attribute_reached" in self.figures:
            return 1 - self.figures["attribute_reached"].value
        for metric in ("l1", "frechet_distance"):
            if values := [figure.value for name, figure in self.figures.items() if split(name)[1] == metric]:
                return fmean(values)
        return math.inf

    def headline(self) -> str:
        """The most important figures and what they mean: two or three lines for a generator, one for anything else."""
        if "accuracy" in self.figures:
            return self._of_classifier()
        if "attribute_reached" in self.figures:
            return self._of_attributes()
        parts = dict.fromkeys(split(name)[0] for name in self.figures)
        return self._of_generator() if "" in parts else "; ".join(map(self._of_direction, parts))

    def _of_classifier(self) -> str:
        accuracy, on_train = self.figures["accuracy"], self.figures["train_accuracy"]
        totals = [sum(row) for row in self.confusion]
        return (
            f"test accuracy {accuracy.value:.4f} ± {accuracy.error:.2g} (training images: {on_train.value:.4f}; "
            f"guessing the most frequent class: {max(totals) / sum(totals):.4f})"
        )

    def _of_generator(self) -> str:
        distance, precision, coverage = (self.figures[name] for name in ("frechet_distance", "precision", "coverage"))
        return (
            f"Frechet distance {distance.value:.3g} (real images: {distance.real:.3g}; lower is better): "
            f"{describe_quality(precision, coverage)}\n"
            f"{precision.value:.0%} of the generated images look real (of real images: {precision.real:.0%}); "
            f"{coverage.value:.0%} of the real images have a similar generated one (real: {coverage.real:.0%})"
            f"{self._of_likelihood()}"
        )

    def _of_likelihood(self) -> str:
        """A line on the likelihood of test images; empty without one."""
        for name, unit, digits in (("bits_per_dim", "bits per dimension", 3), ("nats", "nats", 2)):
            if figure := self.figures.get(name):
                train = self.figures[f"train_{name}"].value
                return (
                    f"\n{figure.value:.{digits}f} ± {figure.error:.2g} {unit} for test images "
                    f"(training images: {train:.{digits}f}; lower is better)"
                )
        return ""

    def _of_attributes(self) -> str:
        reached, cycle = self.figures["attribute_reached"], self.figures["cycle_l1"]
        kept = self.figures.get("attributes_kept")
        others = f"; {kept.value:.1%} of the others kept (real: {kept.real:.1%})" if kept else ""
        return (
            f"{reached.value:.1%} of the wanted attributes reached (recognised in real images: {reached.real:.1%})"
            f"{others}; L1 {cycle.value:.3g} there and back"
        )

    def _of_direction(self, part: str) -> str:
        figures, words = {split(name)[1]: figure for name, figure in self.figures.items() if split(name)[0] == part}, []
        for metric, title in HEADLINE.items():
            if figure := figures.get(metric):
                known = {} if figure.real is None else {"real images": figure.real}
                others = ", ".join(f"{name} {value:.3g}" for name, value in (known | figure.baselines).items())
                words.append(f"{title} {figure.value:.3g}" + (f" ({others})" if others else ""))
        return f"{part.replace('_', ' ')}: {', '.join(words)}"

    def table(self) -> str:
        """All figures as text, in groups, each next to the value of real images and of baselines."""
        has_real = any(figure.real is not None for figure in self.figures.values())
        baselines = list(dict.fromkeys(name for figure in self.figures.values() for name in figure.baselines))
        rows = [("metric", "this run", "real images" if has_real else "", *baselines, "")]
        for title, names in self._groups().items():
            rows.append((title, *[""] * (len(rows[0]) - 1)))
            for name in names:
                figure = self.figures[name]
                cells = (*figure.cells(), *figure.baseline_cells(baselines))
                rows.append((f"  {split(name)[1]}", *cells, words_of(name)))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        cells = [[cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows]
        return "\n".join("  ".join(row).rstrip() for row in cells)

    def _groups(self) -> dict[str, list[str]]:
        """The figures' names by the title of their group in tables."""
        groups = {title: [name for name in names if name in self.figures] for title, names in GROUPS.items()}
        for name in self.figures:
            part, _ = split(name)
            if part or name not in METRICS:
                groups.setdefault(part.replace("_", " ") or "other", []).append(name)
        return {title: names for title, names in groups.items() if names}

    def describe_protocol(self) -> str:
        """The protocol on one line, with shortened checksums."""
        return ", ".join(f"{key} {value}" for key, value in short_checksums(self.protocol).items())


def short_checksums(protocol: dict) -> dict:
    """A protocol with its checksums shortened to 12 digits, for people to read."""
    return {key: value[:12] if key.endswith("sha256") else value for key, value in protocol.items()}


class Results:
    """A run's results, one per step, and its best checkpoint.

    Args:
        folder: the folder of the results: step_00000012.json, for classifiers with a picture of the same name.
        best: the folder of the best checkpoint.
        class_names: names of the data's classes.
    """

    def __init__(self, folder: Path, best: Path, class_names: tuple[str, ...]):
        self._folder, self._best, self._class_names = folder, best, class_names

    def with_truncation(self, truncation: float) -> "Results":
        """The results for noise truncated at this value: a folder of their own, which reports and curves leave out."""
        return Results(self._folder / f"{TRUNCATION}{truncation}", self._best, self._class_names)

    def file(self, step: int) -> Path:
        """The path of a step's result."""
        return self._folder / f"step_{step:08d}.json"

    def picture(self, step: int) -> Path:
        """The path of the picture of a classifier's confusion matrix at a step."""
        return self.file(step).with_suffix(".png")

    def add(self, result: Result):
        """Write a result, in place of an earlier one for its step. Raises RunError.

        Its file is the last to be written: a step that has one needs no further evaluation.
        """
        path = self.file(result.step)
        with disk_errors(path):
            make_folder(self._folder)
        if result.confusion is not None:
            from ppgan_lite.pictures.confusion import draw_confusion  # imports matplotlib: only if needed

            picture = draw_confusion(result, self._class_names)
            save_png(self.picture(result.step), picture, {"Step": str(result.step)})
        result.write(path)

    def read(self) -> list[Result]:
        """All results, oldest step first. Raises EvaluationError."""
        return [Result.read(path) for path, _ in files_by_step(self._folder) if path.suffix == ".json"]

    def comparable(self) -> list[Result]:
        """The results with the protocol of the newest. Raises EvaluationError."""
        results = self.read()
        return [result for result in results if result.protocol == results[-1].protocol]

    def keep_best(self, result: Result, method, config):
        """Save the method as the best checkpoint unless the present best has no larger `distance`.

        A best checkpoint that was measured by another protocol is replaced.

        Args:
            config: the run's resolved config.

        Raises:
            RunError: it cannot be written.
        """
        best = self._best_result()
        if best is None or best.protocol != result.protocol or best.distance > result.distance:
            files = {RESULT: result.to_bytes()}
            checkpoint.save(self._best, result.step, method, config.to_dict(), keep=1, more=files)

    def _best_result(self) -> Result | None:
        """The result of the best checkpoint; None if there is none, or its result is damaged."""
        for step in checkpoint.list_steps(self._best)[-1:]:
            for folder in (self._best / f"step_{step:08d}", self._best):  # the second: earlier versions
                with contextlib.suppress(EvaluationError):
                    if (result := Result.read(folder / RESULT)).step == step:
                        return result
        return None

    def go_back(self, step: int):
        """Remove the results, and the best checkpoint, if they are from later steps. Raises RunError."""
        with disk_errors(self._folder):
            for folder in (self._folder, *self._folder.glob(f"{TRUNCATION}*")):
                remove_later(folder, step)
            for later in checkpoint.list_steps(self._best):
                if later > step:
                    remove_folder(self._best / f"step_{later:08d}")
        checkpoint.remove_old(self._best, keep=1)  # a killed process may have left the one before


GROUPS = {
    "overall": {
        "frechet_distance": "lower is better; real: training against test images",
        "kernel_distance": "lower is better; real: training against test images",
        "classifier_score": "higher is better",
    },
    "realism and variety": {
        "precision": "share of generated images that look real",
        "recall": "share of real images within the range of the generated ones",
        "density": "like precision, but less misled by outliers; can exceed 1",
        "coverage": "share of real images with a similar generated one",
        "class_kl": "difference from the test images' class frequencies, in nats; 0: none",
    },
    "likelihood": {
        "bits_per_dim": "bits for each value of test images, without loss; 8: all levels alike; lower is better",
        "train_bits_per_dim": "the same for training images; much lower than for test images: memorised",
        "nats": "-log p of a whole test image in black and white; lower is better",
        "train_nats": "the same for training images; much lower than for test images: memorised",
    },
    "memorised training images": {
        "nearer_to_train": "share nearer to a training than to a test image; 0.5: nothing memorised",
        "copies_of_train": "share of generated images that are nearly a training image",
    },
    "pixels": {
        "ms_ssim": "similarity of pairs of images; higher than real: less varied",
        "total_variation": "mean difference of neighbouring pixels; higher than real: noisier",
        "high_frequency_energy": "share of the power above half the Nyquist frequency",
    },
    "control by class or code": {
        "conditional_accuracy": "share of generated images classified as the requested class",
        "code_accuracy": "share of test images right if a category stands for its most frequent class",
        "slant_by_code": "largest |correlation| of a code with the slant of generated images",
        "drawn_slant_by_code": "the same for codes recognised in test images and their drawn slant",
        "thickness_by_code": "largest |correlation| of a code with the stroke width of generated images",
        "drawn_thickness_by_code": "the same for codes recognised in test images and their drawn stroke width",
    },
    "attributes": {
        "attribute_reached": "share of translations that are recognised as having the wanted attribute",
        "attributes_kept": "share of the other attributes that are recognised as before",
        "cycle_l1": "mean absolute difference of a picture translated there and back; lower is better",
    },
    "classification": {
        "accuracy": "share of test images classified correctly",
        "train_accuracy": "share of as many training images classified correctly",
    },
}
LIKELIHOODS = ("bits_per_dim", "nats")
METRICS = {name: words for group in GROUPS.values() for name, words in group.items()}
# The metrics of one direction of a translator.
TRANSLATION = {
    "l1": "mean absolute difference from the true picture, 0 to 2; lower is better",
    "psnr": "peak signal-to-noise ratio to the true picture, in dB; higher is better",
    "ssim": "structural similarity to the true picture, at most 1; higher is better",
    "frechet_distance": METRICS["frechet_distance"],
    "kernel_distance": METRICS["kernel_distance"],
    "cycle_l1": METRICS["cycle_l1"],
    "label_accuracy": "share of the label map's pixels that a segmenter finds in the translation",
}
DIRECTIONS = ("a_to_b", "b_to_a")
DIRECTED = {f"{direction}/{metric}": words for direction in DIRECTIONS for metric, words in TRANSLATION.items()}
HEADLINE = {"l1": "L1", "frechet_distance": "Frechet distance", "cycle_l1": "cycle L1"}


def split(name: str) -> tuple[str, str]:
    """A figure's direction or group of attributes, empty if it has none, and its metric."""
    part, _, metric = name.rpartition("/")
    return part, metric


def directions_of(figures) -> set[str]:
    """The directions of some figures, by their names."""
    return {split(name)[0] for name in figures} & set(DIRECTIONS)


def words_of(name: str) -> str:
    """What a figure means; empty if it is of a later version."""
    return (METRICS | TRANSLATION).get(split(name)[1], "")


# Words for the smaller of precision and coverage, each relative to real images. These two are shares, while the scale
# of Frechet distances depends on the data set and the feature network. Precision alone would not notice a generator of
# one good image, coverage alone would not notice noise among good images.
# Measured on MNIST (docs/RESULTS.md; Frechet distances in brackets): untrained, noise-like or collapsed at most 0.002
# (68 and more); 300 steps of the DCGAN 0.08 (33); blurred or often malformed digits, VAE and WGAN, 0.2 (17 to 19);
# recognisable digits 0.3 and more (14 and less), as docs/claims.yml requires; the best runs 0.73 to 0.78 (1.8 to 3.3).
# CIFAR-10 has 0.71 at a distance of 11, photographs of flowers 0.88, also at 11.
QUALITY = (
    (0.9, "close to real images"),
    (0.6, "good"),
    (0.3, "fair"),
    (0.02, "poor"),
    (0.0, "unlike the data"),
)
# A collapsed BEGAN on MNIST has a precision of 0.84 and a coverage of 0.14, relative to real images (distance 75).
REALISTIC, FEW_KINDS = 0.8, 0.3


def describe_quality(precision: Figure, coverage: Figure) -> str:
    """The quality of generated images in words, from precision and coverage relative to real images."""
    # Real images reach 0 only if training and test images have nothing in common: then take the plain shares.
    realism, variety = (figure.value / (figure.real or 1.0) for figure in (precision, coverage))
    if realism >= REALISTIC and variety < FEW_KINDS:
        return "realistic, but of few kinds"
    return next(words for least, words in QUALITY if min(realism, variety) >= least)


OF_METHODS = {"ema", "likelihood"}  # keys of a protocol that describe the method


def check_same_protocol(first: Result, other: Result, names: tuple[str, str]):
    """Refuse to compare results of different protocols.

    Args:
        names: names of the two results, for the message.

    Raises:
        EvaluationError: naming the first difference.
    """
    if differs := difference(first, other):
        raise EvaluationError(
            f"{names[0]} and {names[1]} cannot be compared: {differs}; evaluate both with the same protocol"
        )


def difference(first: Result, other: Result) -> str | None:
    """The first difference between the protocols of two results, in words; None if they are the same.

    Whether the weights are a moving average is ignored, and the kind of the likelihood: these are what was measured,
    not how.
    """
    for key in sorted((first.protocol.keys() | other.protocol.keys()) - OF_METHODS):
        a, b = first.protocol.get(key), other.protocol.get(key)
        if a != b:
            return f"{key} was {json.dumps(a)} and {json.dumps(b)}"
    return None
