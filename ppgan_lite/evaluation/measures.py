"""What is measured of a generator: a table of measures, each with the inputs that the generator must take for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.evaluation.images import Images, RealImages
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.samplers import parts_of
from ppgan_lite.metrics import classes, codes, pixels
from ppgan_lite.metrics.frechet import frechet_distance
from ppgan_lite.metrics.kernel import kernel_distance
from ppgan_lite.metrics.neighbours import memorisation, prdc
from ppgan_lite.metrics.samples import share_error
from ppgan_lite.metrics.score import classifier_score
from ppgan_lite.runs.results import Figure

NONE = float("nan")  # in place of an error that a metric does not give


@dataclass(frozen=True)
class Generated:
    """What a generator made.

    Attributes:
        method: that it belongs to.
        inputs: that it made the images from, name -> [N, ...].
        images: what it made.
    """

    method: Method
    inputs: dict[str, np.ndarray]
    images: Images


class Comparison:
    """Real images, and their own figures, computed once."""

    def __init__(self, real: RealImages):
        self.real = real

    def image_figures(self, generated: Generated) -> dict[str, Figure]:
        """The metrics of the images alone, each next to that of as many training images."""
        return {
            name: Figure(value, self._of_real_images[name][0], None if np.isnan(error) else error)
            for name, (value, error) in self._figures(generated.images).items()
        }

    def label_figures(self, generated: Generated) -> dict[str, Figure]:
        """The share of images of the class asked for; of the test images, that which the classifier has right.

        Only of the data's own classifier: of the classes of another network none was asked for.
        """
        test = self.real.test
        if self.real.network.name != self.real.test_source.name:
            return {}
        share = classes.conditional_accuracy(generated.images.predicted, generated.inputs["labels"])
        of_test = classes.conditional_accuracy(test.predicted, test.labels)
        return {"conditional_accuracy": Figure(share, of_test, share_error(share, self.real.num))}

    def code_figures(self, generated: Generated) -> dict[str, Figure]:
        """What the codes of an InfoGAN stand for: of those asked for, and of those that it reads off real images."""
        train, test, asked = self.real.train, self.real.test, generated.inputs["codes"]
        of_train, _ = _recognise(generated.method, train.images)
        of_test, means = _recognise(generated.method, test.images)
        share = codes.code_accuracy(of_train, train.labels, of_test, test.labels)
        figures = {"code_accuracy": Figure(share, error=share_error(share, self.real.num))}
        images = from_uint8(generated.images.images)
        for factor, measure in (("slant", pixels.slant), ("thickness", pixels.thickness)):
            figures[f"{factor}_by_code"] = Figure(codes.correlation(asked, measure(images)))
            if factor in test.factors:
                figures[f"drawn_{factor}_by_code"] = Figure(codes.correlation(means, test.factors[factor]))
        return figures

    @cached_property
    def _of_real_images(self) -> dict[str, tuple[float, float]]:
        return self._figures(self.real.train)

    def _figures(self, images: Images) -> dict[str, tuple[float, float]]:
        """Metric -> value and error (NONE where there is none) of images against the test images."""
        num, seed, test, train = self.real.num, self.real.seed, self.real.test, self.real.train
        is_real = images is train
        near = prdc(test.features, images.features)
        figures = {
            "frechet_distance": (frechet_distance(test.moments, images.moments), NONE),
            "kernel_distance": kernel_distance(
                test.features, images.features, subset_size=min(1000, num // 2), seed=seed
            ),
            # The aim is the test images' score, which no images are compared with.
            "classifier_score": classifier_score((test if is_real else images).probabilities),
            **{name: (getattr(near, name), NONE) for name in ("precision", "recall", "density", "coverage")},
            "class_kl": (classes.kl_to(images.histogram, test.histogram), NONE),
        }
        if self.real.fresh is not None:
            fresh = self.real.fresh if is_real else images.images
            memory = memorisation(_small(fresh), _small(train.images), _small(test.images))
            figures["nearer_to_train"] = (memory.nearer_train, NONE)
            figures["copies_of_train"] = (memory.near_copies / num, NONE)
        scaled = from_uint8((test if is_real else images).images)
        figures["ms_ssim"] = (pixels.diversity(scaled, seed=seed), NONE)
        figures["total_variation"] = _mean(pixels.total_variation(scaled))
        figures["high_frequency_energy"] = _mean(pixels.high_frequency_energy(scaled))
        return figures


# The input that a generator must take for it (None: any generator), and what is measured.
MEASURES: tuple[tuple[str | None, Callable[[Comparison, Generated], dict[str, Figure]]], ...] = (
    (None, Comparison.image_figures),
    ("labels", Comparison.label_figures),
    ("codes", Comparison.code_figures),
)


def _recognise(method, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What an InfoGAN takes the codes of images uint8 [N, C, H, W] for: categories [N], and means [N, codes]."""
    read = (method.recognise(part["images"]) for part in parts_of({"images": from_uint8(images)}))
    categories, means = zip(*read, strict=True)
    return np.concatenate([x.numpy() for x in categories]), np.concatenate([x.numpy() for x in means])


def _mean(values: np.ndarray) -> tuple[float, float]:
    """The mean of [N] and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _small(images: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels: [N, C, H, W] -> float32 [N, C, H // 2, W // 2]. Copies stay near; a quarter of the cost."""
    even = images[:, :, : images.shape[2] // 2 * 2, : images.shape[3] // 2 * 2].astype("float32")
    return (even[:, :, ::2, ::2] + even[:, :, 1::2, ::2] + even[:, :, ::2, 1::2] + even[:, :, 1::2, 1::2]) / 4
