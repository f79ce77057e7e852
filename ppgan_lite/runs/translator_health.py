"""The health of a translator's run: what its previews show, and whether its cycle is learned."""

import statistics
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ppgan_lite.metrics.pixels import LUMA
from ppgan_lite.runs.health import LARGEST_SIDE, Alarm, Health

# Measured with narrow networks (ngf 8 or 16) for 500 to 1,000 steps. Healthy: pix2pix from outlines of Fashion-MNIST to
# its photos; CycleGAN between daisies and sunflowers (32 pixels, 1 block); and the trainings of
# configs/pix2pix_outlines_cpu.yml (6,000 steps) and stargan_digits_cpu.yml (1,500). Failing: CycleGAN from photos to
# outlines with 1 block (collapse), and on flowers with a rate of 1e-6, or without a cycle loss (cycle stuck). None
# copied its input or inverted it, not even on flowers with an identity weight of 100: see what a G that does so has.

PREVIEWS, STEPS = 3, 300  # previews and steps that a condition must hold

# Change. Healthy: outlines 0.71 to 1.02, flowers 0.50 to 0.81, digits 0.9 and more. A copy of the input: 0.
COPYING_CHANGE = 0.1

# Diversity. Healthy: pix2pix 0.10 at step 20, 0.22 at step 50, 0.85 at step 800, 0.98 at the end; flowers 0.33 and
# more; digits 0.27 at step 100 (ngf 8), 0.91 and more from step 500 on. Collapsed, white paper for all photos: 0.07
# at step 125, 0.03 at step 225, 0.005 at step 625.
ALIKE_DIVERSITY = 0.1

# Correlation of luminance. Healthy: down to -0.66, by CycleGAN from photos to outlines, where the truth has -0.21: a
# black background becomes white paper. Flowers 0.39 and more. A negative of the input: -1.
INVERTED_CORRELATION = -0.5
FARTHER = 0.6  # the correlation must be lower than real pictures' by this much
CYCLE_HOLDS = 0.5  # if the truth is unknown, an inversion is judged only below this cycle error: G has learned little

# Cycle loss, its median over the last steps over the first ones' median. Healthy: 0.60 to 0.84 after 470 to 980 steps.
# Stuck: 1.05 (rate) and 1.23 (no cycle loss).
EARLY_STEPS, LAST_STEPS, JUDGED_FROM = 100, 500, 1000
STUCK_RATIO = 0.9

REMEDIES = {
    "collapse": (
        "a larger method.l1_weight (method pix2pix only)",
        "a larger method.cycle_weight (method cyclegan only)",
        "a larger method.rec_weight (method stargan only)",
        "a lower optim.g.lr",
    ),
    "copies_input": (
        "waiting: it may pass by itself",
        "the other method.direction, if that was meant (method pix2pix only)",
        "a lower method.identity_weight or method.cycle_weight (method cyclegan only)",
        "a larger method.class_weight, or a lower method.rec_weight (method stargan only)",
    ),
    "cycle_stuck": (
        "a larger method.cycle_weight",
        "a lower optim.g.lr",
        "a wider or deeper generator (ngf, blocks)",
    ),
    "inverted": (
        "a larger method.l1_weight (method pix2pix only)",
        "a larger method.identity_weight (method cyclegan only)",
        "another train.seed: the first steps decide",
    ),
    "nan_near": ("a lower optim.*.lr",),
}


class Translated(NamedTuple):
    """What a preview shows of one direction: pictures [N, C, H, W] in [-1, 1] and what became of them.

    Attributes:
        inputs: the pictures.
        outputs: their translations.
        cycle: the translations translated back; None if nothing does that.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    cycle: np.ndarray | None = None


@dataclass(frozen=True)
class Reference:
    """How real pictures of the target domain differ from the inputs, and from each other. Distances are mean |x - y|.

    Attributes:
        distance: between inputs and real pictures: their own translations, or any.
        correlation: correlation of the luminance of inputs and the same real pictures.
        diversity: distance between real pictures.
        is_truth: whether each input is compared with its own true translation.
    """

    distance: float
    correlation: float
    diversity: float
    is_truth: bool

    @classmethod
    def measure(cls, inputs: np.ndarray, real: np.ndarray, paired: bool) -> "Reference":
        """Compare inputs with real pictures, [N, C, H, W] each: item by item, or without pairs every two items."""
        inputs, real = _thinned(inputs), _thinned(real)
        others = [real] if paired or len(real) == 1 else list(_shifted(real))
        return cls(
            statistics.fmean(_distance(inputs, other) for other in others),
            statistics.fmean(_correlation(inputs, other) for other in others),
            _diversity(real),
            paired,
        )


class TranslatorHealth(Health):
    """Watches a run of a translator.

    Args:
        references: direction, the name of a sampler -> the real pictures that its translations are compared with.
        watches: see `Health`.
    """

    REMEDIES = REMEDIES

    def __init__(self, references: dict[str, Reference], watches: dict[str, str]):
        super().__init__(watches)
        self._references = references
        self._cycle = _Fall()
        self._alarms |= {name: Alarm(STEPS, PREVIEWS) for name in ("collapse", "copies_input", "inverted")}
        self._alarms["cycle_stuck"] = Alarm(0)

    def observe(self, step, scalars):
        super().observe(step, scalars)
        if "loss/cycle" in scalars:
            self._cycle.add(step, scalars["loss/cycle"])
            ratio = self._cycle.ratio(step)
            words = (
                f"pictures do not come back from a translation there and back: over the last {LAST_STEPS} steps, "
                f"loss/cycle is {ratio:.2f} times what it was in the first {EARLY_STEPS} (healthy: below {STUCK_RATIO})"
            )
            self._update("cycle_stuck", step, ratio > STUCK_RATIO, words, since=self._cycle.since)

    def observe_preview(self, step: int, translated: dict[str, Translated]) -> dict[str, float]:
        """Take in a preview, always of the same inputs; returns what was measured, for the log.

        For each direction:

        - `health/change_DIRECTION`: distance of the outputs from the inputs, divided by real pictures' distance.
        - `health/diversity_DIRECTION`: distance between outputs, divided by the distance between real pictures.
        - `health/correlation_DIRECTION`: of the luminance of inputs and outputs, in [-1, 1].
        - `health/cycle_DIRECTION`: distance of the cycle's end from the input, divided as `change` is.
        """
        measures = {
            f"health/{name}_{direction}": value
            for direction, each in translated.items()
            for name, value in _measure(each, self._references[direction]).items()
        }
        self.observe_measures(step, measures)
        return measures

    def observe_measures(self, step, scalars):
        for name, problem in PROBLEMS.items():
            problems = {direction: problem(_of(direction, scalars), ref) for direction, ref in self._references.items()}
            words = "; ".join(f"{direction}: {why}" for direction, why in problems.items() if why)
            self._update(name, step, bool(words), words)


def _copies_input(measures: dict[str, float], reference: Reference) -> str | None:
    """How a direction copies its input, in words; None if it does not. So do the functions below."""
    if "change" in measures and measures["change"] < COPYING_CHANGE:
        return (
            f"the outputs are nearly the inputs: their distance is {measures['change']:.2f} times the distance between "
            f"inputs and real pictures (healthy: {COPYING_CHANGE} and more)"
        )


def _alike(measures, reference):
    if "diversity" in measures and measures["diversity"] < ALIKE_DIVERSITY:
        return (
            f"the outputs are nearly alike, whatever the input: their distance is {measures['diversity']:.2f} times "
            f"real pictures' distance (healthy: {ALIKE_DIVERSITY} and more)"
        )


def _inverted(measures, reference):
    is_known = reference.is_truth or measures.get("cycle", np.inf) < CYCLE_HOLDS
    limit = min(INVERTED_CORRELATION, reference.correlation - FARTHER)
    if is_known and "correlation" in measures and measures["correlation"] < limit:
        return (
            f"bright becomes dark, and dark bright: the luminance of outputs and inputs has a correlation of "
            f"{measures['correlation']:.2f}, of real pictures and inputs {reference.correlation:.2f}"
        )


PROBLEMS = {"copies_input": _copies_input, "collapse": _alike, "inverted": _inverted}


class _Fall:
    """How far a loss has fallen since the first steps."""

    def __init__(self):
        self._early = []
        self._last = []  # (step, value)

    def add(self, step: int, value: float):
        if step <= EARLY_STEPS:
            self._early.append(value)
        self._last = [(each, old) for each, old in self._last if step - LAST_STEPS < each < step] + [(step, value)]

    @property
    def since(self) -> int:
        """The first of the last steps."""
        return self._last[0][0]

    def ratio(self, step: int) -> float:
        """The median of the last steps over the first ones' median; 0 if it is too early, or these are unknown."""
        before = statistics.median(self._early or [0])
        if step < JUDGED_FROM or before <= 0:
            return 0.0
        return statistics.median(value for _, value in self._last) / before


def _measure(translated: Translated, reference: Reference) -> dict[str, float]:
    """What is measured of a direction, by name; what real pictures cannot be compared with is left out."""
    inputs, outputs = _thinned(translated.inputs), _thinned(translated.outputs)
    measures = {"correlation": _correlation(inputs, outputs)}
    if reference.distance:
        measures["change"] = _distance(inputs, outputs) / reference.distance
        if translated.cycle is not None:
            measures["cycle"] = _distance(inputs, _thinned(translated.cycle)) / reference.distance
    if reference.diversity:
        measures["diversity"] = _diversity(outputs) / reference.diversity
    return measures


def _of(direction: str, scalars: dict[str, float]) -> dict[str, float]:
    """What was logged of a direction: `health/NAME_DIRECTION` as NAME."""
    start, end = "health/", f"_{direction}"
    return {
        key[len(start) : -len(end)]: value
        for key, value in scalars.items()
        if key.startswith(start) and key.endswith(end)
    }


def _thinned(images: np.ndarray) -> np.ndarray:
    """Every second, third, ... pixel of images larger than LARGEST_SIDE."""
    stride = -(-max(images.shape[2:]) // LARGEST_SIDE)
    return images[:, :, ::stride, ::stride]


def _shifted(images: np.ndarray):
    """The images in other orders, so that each comes to the place of every other once."""
    return (np.roll(images, places, 0) for places in range(1, len(images)))


def _distance(some: np.ndarray, others: np.ndarray) -> float:
    """Mean |x - y|."""
    return float(np.abs(some - others).mean())


def _diversity(images: np.ndarray) -> float:
    """Mean distance of two different items; 0 of one."""
    return statistics.fmean(_distance(images, other) for other in _shifted(images)) if len(images) > 1 else 0.0


def _correlation(some: np.ndarray, others: np.ndarray) -> float:
    """Correlation of the luminance of two pictures, a mean over items; pictures of one brightness count as 0."""
    x, y = _centred_luminance(some), _centred_luminance(others)  # [N, pixels]
    scale = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    return float(((x * y).sum(1) / np.maximum(scale, 1e-6)).mean())


def _centred_luminance(images: np.ndarray) -> np.ndarray:
    """Luminance less its mean: [N, C, H, W], C 1 or 3 -> [N, pixels]."""
    luminance = (np.tensordot(LUMA, images, (0, 1)) if images.shape[1] == 3 else images).reshape(len(images), -1)
    return luminance - luminance.mean(1, keepdims=True)
