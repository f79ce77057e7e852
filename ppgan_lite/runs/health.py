"""The health of a run: diagnoses of failing training, from what the steps compute anyway.

Translators are in translator_health.py; what follows is about GANs that make images from noise.

According to the PyTorch blog, a healthy run settles at a D loss of 0.5 to 0.8, a G loss of 0.5 to 2 and a D accuracy
near 80 %; a sick one collapses (all images alike) or fails to converge (D's loss goes to 0, G emits noise). These
ranges cannot serve as alarms: a run that ended with good digits had a D loss of 0.23 and an accuracy of 97 % for a
while. The limits below are measured.

Losses are logistic losses, in nats. A rule does not apply to methods that do not log everything it reads.
"""

import math
import statistics
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# Measured on MNIST with batches of 128. Healthy, up to good digits: configs/dcgan_mnist.yml for 2,000 steps, and
# dcgan_transposed_mnist.yml for 1,500 and, with another seed, 700. Failing: the latter with a z_dim of 1 and bilinear
# upsampling (collapse), and with rates doubled at each step from 41 on (nan_near); dcgan_mnist.yml with a G of 2
# channels against a D of 32 that learns at 2e-3 (convergence failure).

WINDOW = 100  # approximate averaging window of D's losses and accuracies, in steps

# Diversity. Healthy: 0.40 to 1.41 in all 105 previews, from step 10 on. Collapsed: 0.000 to 0.075. Three previews, so
# that neither an untrained G nor a transient raises an alarm.
# Colour images start lower: dcgan64 on CIFAR-10 (32 pixels, ngf 16) and on 4,054 flowers (64 pixels, ngf 12) has 0.10
# to 0.19 up to step 150, 0.21 and more from step 200 on, 0.6 at step 700; on CIFAR-10 0.75 to 0.86 from step 900 on.
# Flowers with an ngf of 2, where D wins within 400 steps, have 0.02 to 0.06: a collapse is reported.
COLLAPSED_DIVERSITY = 0.2
COLLAPSED_STEPS, COLLAPSED_PREVIEWS = 200, 3

# D's loss is the mean of its losses on real and on generated images. Healthy: never below 0.225, shortly before the
# first digits. Failing: below 0.15 from step 301 on, below 0.1 from step 391 on, 0.022 at step 780. The accuracy
# separates less well (healthy: up to 0.977; failing: 0.97 to 1), but it excludes other kinds of losses, and a D that is
# right on one kind of images only.
STRONG_D_LOSS = 0.15
STRONG_ACCURACY = 0.97
FAILED_D_LOSS = 0.1
FAILED_G_LOSS = 2.0  # the end of the blog's range; healthy: up to 1.82; failing: 2.9 to 4.6
# So many steps, because PyTorch's 64x64 DCGAN tutorial on faces ends well, but three of eight published logs show a D
# loss (halved) below 0.07 and a G loss of 8 to 40 at two entries in a row, 50 steps apart, in the first 150 steps.
STRONG_STEPS = 300

# D gives all images the same answer. Healthy: no accuracy below 0.51 from step 50 on (means over WINDOW). Blind: the
# tutorial's listing with its leaking gradients has at most 0.03 on generated images and 1.00 on real ones.
BLIND_ACCURACY = 0.1

# Losses and gradient norms over the median of their earlier values. Healthy: up to 3.2; collapsing: up to 11.
# Diverging: above 100 from step 54 on, NaN at step 81. Losses then swing between 0 and ever larger values, so not every
# value is far.
FAR = 100.0
FAR_VALUES, FAR_AMONG = 2, 10  # alarm: this many far values among the last so many of the same key
MEDIAN_OF, MEDIAN_FROM = 100, 5  # largest and smallest number of values for a median

RECOVERED_STEPS = 100  # steps a condition must be absent before it is reported again
LARGEST_SIDE = 64  # pixels; larger images are compared by every second, third, ... pixel

NARROWER_D = "a narrower discriminator, or a wider generator (ndf, ngf, widths)"
SMOOTHING = "label smoothing: method.real_target 0.9 (method gan only)"
WASSERSTEIN = "a Wasserstein loss: method.name wgan_gp, with discriminator.norm none"
SPECTRAL = "spectral normalisation: discriminator.norm spectral (discriminator infogan only)"
REMEDIES = {
    "collapse": (
        "a larger method.z_dim",
        "a lower optim.g.lr",
        "two time scales: optim.d.lr (d_real.lr, d_fake.lr) 4.0e-4 and optim.g.lr 1.0e-4",
        WASSERSTEIN,
        SPECTRAL,
    ),
    "convergence_failure": (
        "a lower optim.d.lr (d_real.lr, d_fake.lr)",
        NARROWER_D,
        SMOOTHING,
        WASSERSTEIN,
        SPECTRAL,
    ),
    "d_blind": (
        "method.gradients own, instead of as_listed",
        "a higher optim.d.lr (d_real.lr, d_fake.lr)",
        "a wider discriminator (ndf, widths)",
    ),
    "d_too_strong": (
        "waiting: it may pass by itself",
        "a lower optim.d.lr (d_real.lr, d_fake.lr)",
        NARROWER_D,
        SMOOTHING,
    ),
    "nan_near": (
        "a lower optim.*.lr",
        SPECTRAL,
    ),
}


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a run.

    Attributes:
        name: a key of `Health.REMEDIES`.
        step: the step of the diagnosis.
        since: the first observed step of the condition.
        words: one sentence with the figures behind it.
        remedies: what may help, with config keys where possible; most are from the blog.
    """

    name: str
    step: int
    since: int
    words: str
    remedies: tuple[str, ...]


class Health:
    """Watches a run, from any step on. The state is in memory only: when a run is resumed, observe its log again.

    Args:
        watches: discriminator -> generator that learns from it, by the names in their scalars: `d` for `loss/d_real`,
            `loss/d_fake`, `accuracy/d_real` and `accuracy/d_fake`, `g` for `loss/g`.

    Attributes:
        REMEDIES: name of a diagnosis -> what may help.
    """

    REMEDIES = REMEDIES

    def __init__(self, watches: dict[str, str]):
        self._balances = [
            {
                key: Mean()
                for key in (f"loss/{d}_real", f"loss/{d}_fake", f"loss/{g}", f"accuracy/{d}_real", f"accuracy/{d}_fake")
            }
            for d, g in watches.items()
        ]
        self._sizes = {}  # key of a loss or a gradient norm -> _Size
        self._alarms = {
            "convergence_failure": Alarm(STRONG_STEPS),
            "d_blind": Alarm(STRONG_STEPS),
            "d_too_strong": Alarm(STRONG_STEPS),
            "nan_near": Alarm(0),
        }
        self._new = []
        self._history = []  # see `summary`

    def observe(self, step: int, scalars: dict[str, float]):
        """Take in the `loss/...`, `accuracy/...` and `grad_norm/...` of a step; steps may be left out."""
        for key, value in scalars.items():
            if key.startswith(("loss/", "grad_norm/")):
                self._sizes.setdefault(key, _Size()).add(step, value)
        self._check_sizes(step)
        balances = [means for means in self._balances if means.keys() <= scalars.keys()]
        for means in balances:
            for key, mean in means.items():
                mean.add(step, scalars[key])
        if balances:
            self._check_balances(step, balances)

    def observe_measures(self, step: int, scalars: dict[str, float]):
        """Take in what was measured of a preview, keys `health/...`: of a new one, or from the log of a resumed run."""

    def diagnoses(self) -> list[Diagnosis]:
        """The diagnoses since the last call. A condition is reported again only if it was absent in between."""
        new, self._new = self._new, []
        return new

    def summary(self) -> list[dict]:
        """All diagnoses so far: `name`, `step`, `since`, and `until`, the step at which it ended (None: it has not)."""
        return [dict(entry) for entry in self._history]

    def _check_sizes(self, step: int):
        far = {key: size for key, size in self._sizes.items() if len(size.far_steps) >= FAR_VALUES}
        if not far:
            self._update("nan_near", step, False)
            return
        key, size = max(far.items(), key=lambda item: item[1].ratio)
        words = f"{key} is {size.value:.3g}, {size.ratio:.3g} times its usual size: it may soon be infinite or NaN"
        self._update("nan_near", step, True, words, since=size.far_steps[0])

    def _check_balances(self, step: int, balances: list[dict]):
        """Update the alarms on whether a discriminator has won, is blind, or is too strong."""
        self._check_each("convergence_failure", step, balances, _has_won, "D has won, and G no longer learns from it")
        self._check_each("d_blind", step, balances, _is_blind, "D gives nearly all images the same answer")
        failed = self._alarms["convergence_failure"].raised
        self._check_each(
            "d_too_strong",
            step,
            balances,
            lambda d: _is_strong(d) and not failed,
            "D classifies nearly all images correctly",
        )

    def _check_each(self, name: str, step: int, balances: list[dict], holds, words: str):
        """Update an alarm by whether any discriminator meets its condition; the first one is described."""
        balances = [_Balance(*(mean.value for mean in means.values())) for means in balances]
        bad = next((balance for balance in balances if holds(balance)), None)
        self._update(name, step, bad is not None, f"{words}: {(bad or balances[0]).figures()}")

    def _update(self, name: str, step: int, bad: bool, words: str = "", since: int | None = None):
        """Update an alarm by whether its condition holds at a step; record where it begins and ends."""
        alarm = self._alarms[name]
        if not alarm.changes(step, bad):
            return
        if alarm.raised:
            since = alarm.since if since is None else since
            self._new.append(Diagnosis(name, step, since, words, self.REMEDIES[name]))
            self._history.append({"name": name, "step": step, "since": since, "until": None})
        else:
            next(entry for entry in reversed(self._history) if entry["name"] == name)["until"] = alarm.since


class GeneratorHealth(Health):
    """Watches a run of a generator, also for a collapse.

    Args:
        real_images: [N, C, H, W] from the data, uint8 or in [-1, 1]: the reference for diversity. N is at most the
            number of images in a preview.
        watches: see `Health`.
    """

    def __init__(self, real_images, watches: dict[str, str]):
        super().__init__(watches)
        real = np.asarray(real_images)
        self._num_real = len(real)
        self._real_distance = _nearest_distance(real) / (127.5 if real.dtype == np.uint8 else 1.0)
        self._alarms["collapse"] = Alarm(COLLAPSED_STEPS, COLLAPSED_PREVIEWS)

    def observe_preview(self, step: int, images) -> float | None:
        """Take in images [N, C, H, W] in [-1, 1], N at least 2, always from the same noise; returns their diversity.

        Diversity is the median distance of an image to its nearest neighbour, divided by the same median for as many
        real images. Near 1: as diverse as the data. Near 0: images all alike, of a few kinds, or along a curve, as
        with a z_dim of 1, even if the curve passes through all digits. Noise is diverse, too. None if there are no two
        different real images.
        """
        if not 0 < self._real_distance < math.inf:
            return None
        images = np.asarray(images[: self._num_real], "float32")  # with more images, nearest neighbours would be nearer
        diversity = _nearest_distance(images) / self._real_distance
        self.observe_diversity(step, diversity)
        return diversity

    def observe_diversity(self, step: int, value: float):
        """Take in the diversity of a preview, as `observe_preview` returned it: from the log of a resumed run."""
        words = (
            f"the generated images are nearly alike: the distance to the nearest other image is {value:.2f} times the "
            f"distance among real images (healthy: {COLLAPSED_DIVERSITY} and more)"
        )
        self._update("collapse", step, value < COLLAPSED_DIVERSITY, words)

    def observe_measures(self, step, scalars):
        if "health/diversity" in scalars:
            self.observe_diversity(step, scalars["health/diversity"])


class Alarm:
    """Raised once a condition holds for `steps` steps and `times` observations, lowered RECOVERED_STEPS after its end.

    Attributes:
        raised: whether the alarm is raised.
        since: the first step of the condition that the last change of `raised` is based on.
    """

    def __init__(self, steps: int, times: int = 1):
        self.raised = False
        self.since = None
        self._steps, self._times = steps, times
        self._seen = 0  # observations in a row that contradict `raised`

    def changes(self, step: int, bad: bool) -> bool:
        """Take in whether the condition holds at a step; returns whether this raises or lowers the alarm."""
        if bad == self.raised:
            self._seen = 0
            return False
        if self._seen == 0:
            self.since = step
        self._seen += 1
        steps, times = (RECOVERED_STEPS, 1) if self.raised else (self._steps, self._times)
        if self._seen < times or step - self.since < steps:
            return False
        self.raised, self._seen = bad, 0
        return True


class _Balance(NamedTuple):
    """Mean losses and accuracies of a discriminator and its generator."""

    loss_d_real: float
    loss_d_fake: float
    loss_g: float
    accuracy_real: float
    accuracy_fake: float

    @property
    def loss_d(self) -> float:
        """The mean of D's losses on real and on generated images."""
        return (self.loss_d_real + self.loss_d_fake) / 2

    @property
    def is_accurate(self) -> bool:
        """Whether D classifies nearly all images correctly, real and generated ones."""
        return min(self.accuracy_real, self.accuracy_fake) > STRONG_ACCURACY

    def figures(self) -> str:
        """The means in words."""
        return (
            f"averaged over about {WINDOW} steps, D's loss is {self.loss_d:.2g} (healthy: 0.5 to 0.8), its accuracy "
            f"{self.accuracy_real:.1%} on real and {self.accuracy_fake:.1%} on generated images, and G's loss "
            f"{self.loss_g:.2g} (healthy: 0.5 to 2)"
        )


def _has_won(balance: _Balance) -> bool:
    return balance.is_accurate and balance.loss_d < FAILED_D_LOSS and balance.loss_g > FAILED_G_LOSS


def _is_blind(balance: _Balance) -> bool:
    low, high = sorted((balance.accuracy_real, balance.accuracy_fake))
    return low < BLIND_ACCURACY < 1 - BLIND_ACCURACY < high


def _is_strong(balance: _Balance) -> bool:
    return balance.is_accurate and balance.loss_d < STRONG_D_LOSS


class Mean:
    """Mean of about the last WINDOW steps, whether every step is reported or one in ten.

    Weights decay exponentially; the mean age of a value is WINDOW / 2, as in a plain window.
    """

    def __init__(self):
        self._step = None
        self._sum = self._weight = 0.0

    def add(self, step: int, value: float):
        steps = 1 if self._step is None else max(0, step - self._step)  # a log that was edited may go back
        keep = math.exp(-steps / (WINDOW / 2))
        self._sum = keep * self._sum + (1 - keep) * value
        self._weight = keep * self._weight + (1 - keep)
        self._step = step

    @property
    def value(self) -> float:
        """The mean."""
        return self._sum / self._weight


class _Size:
    """The size of a loss or a gradient norm, compared with the median of its earlier values.

    Attributes:
        value: the last value.
        ratio: its absolute value over the median, or over 1 if the median is less: a loss near 0 may grow again.
        far_steps: the steps at which one of the last FAR_AMONG values was FAR.
    """

    def __init__(self):
        self.value = self.ratio = 0.0
        self.far_steps = []
        self._before = deque(maxlen=MEDIAN_OF)
        self._steps = deque(maxlen=FAR_AMONG)

    def add(self, step: int, value: float):
        usual = max(statistics.median(self._before), 1.0) if len(self._before) >= MEDIAN_FROM else math.inf
        self.value, self.ratio = value, abs(value) / usual
        self._steps.append(step)
        self.far_steps = [far_step for far_step in self.far_steps if far_step >= self._steps[0]]
        if not self.ratio <= FAR:  # NaN is far, too
            self.far_steps.append(step)
        if math.isfinite(value):
            self._before.append(abs(value))


def _nearest_distance(images: np.ndarray) -> float:
    """Median over images [N, C, H, W] of the Euclidean distance to the nearest other one; infinite for one image."""
    stride = -(-max(images.shape[2:]) // LARGEST_SIDE)
    flat = images[:, :, ::stride, ::stride].reshape(len(images), -1).astype("float32")  # [N, pixels]
    squares = (flat**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * flat @ flat.T  # [N, N], squared
    np.fill_diagonal(distances, np.inf)
    return float(np.median(np.sqrt(np.maximum(distances.min(axis=1), 0))))
