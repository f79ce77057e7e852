"""The metrics of a generator: groups of figures, each with the generator input that it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.evaluation.images import Images, RealImages
from ppgan_lite.evaluation.likelihood import likelihood_figures
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.samplers import parts_of
from ppgan_lite.metrics import classes, codes, pixels
from ppgan_lite.metrics.frechet import frechet_distance
from ppgan_lite.metrics.kernel import kernel_distance
from ppgan_lite.metrics.neighbours import memorisation, prdc
from ppgan_lite.metrics.samples import mean_and_error, share_error
from ppgan_lite.metrics.score import classifier_score
from ppgan_lite.runs.results import Figure


@dataclass(frozen=True)
class Generated:
    """Generated images.

    Attributes:
        method: the method of the generator.
        inputs: the generator's inputs, name -> [N, ...].
        images: the images.
    """

    method: Method
    inputs: dict[str, np.ndarray]
    images: Images


class Comparison:
    """Compares generated images with real ones; the figures of real images are computed once.

    Args:
        real: the real images.
        num_draws: for bounds of the likelihood, see `GeneratorEvaluation`.
    """

    def __init__(self, real: RealImages, num_draws: int | None):
        self.real, self._num_draws = real, num_draws

    def image_figures(self, generated: Generated) -> dict[str, Figure]:
        """The metrics of the images alone, each with its value for as many training images."""
        return {
            name: Figure(value, self._real_figures[name][0], error)
            for name, (value, error) in self._figures(generated.images).items()
        }

    def likelihood_figures(self, generated: Generated) -> dict[str, Figure]:
        """How probable the real images are; empty for a method without a likelihood."""
        return likelihood_figures(generated.method, self.real, self._num_draws)

    def label_figures(self, generated: Generated) -> dict[str, Figure]:
        """The share of images classified as the requested class, with the classifier's accuracy on test images.

        Empty unless the feature network is a classifier of this data: another one has other classes.
        """
        test = self.real.test
        if self.real.network.name != self.real.test_source.name:
            return {}
        share = classes.conditional_accuracy(generated.images.predicted, generated.inputs["labels"])
        test_share = classes.conditional_accuracy(test.predicted, test.labels)
        return {"conditional_accuracy": Figure(share, test_share, share_error(share, self.real.num))}

    def code_figures(self, generated: Generated) -> dict[str, Figure]:
        """What the codes of an InfoGAN mean, in generated images and as Q recognises them in real images."""
        train, test, requested = self.real.train, self.real.test, generated.inputs["codes"]
        train_categories, _ = _recognise(generated.method, train.images)
        test_categories, means = _recognise(generated.method, test.images)
        figures = {}
        if (test.labels >= 0).all():  # pictures of own folders may have no class
            share = codes.code_accuracy(train_categories, train.labels, test_categories, test.labels)
            figures["code_accuracy"] = Figure(share, error=share_error(share, self.real.num))
        images = from_uint8(generated.images.images)
        for factor, measure in (("slant", pixels.slant), ("thickness", pixels.thickness)):
            figures[f"{factor}_by_code"] = Figure(codes.correlation(requested, measure(images)))
            if factor in test.factors:
                figures[f"drawn_{factor}_by_code"] = Figure(codes.correlation(means, test.factors[factor]))
        return figures

    @cached_property
    def _real_figures(self) -> dict[str, tuple[float, float | None]]:
        return self._figures(self.real.train)

    def _figures(self, images: Images) -> dict[str, tuple[float, float | None]]:
        """Metric -> (value, standard error or None) of images against the test images."""
        num, seed, test, train = self.real.num, self.real.seed, self.real.test, self.real.train
        is_real = images is train
        near = prdc(test.features, images.features)
        figures = {
            "frechet_distance": (frechet_distance(test.moments, images.moments), None),
            "kernel_distance": kernel_distance(
                test.features, images.features, subset_size=min(1000, num // 2), seed=seed
            ),
            # Nothing is compared with the test images here: the real figure is their own. Likewise for pixels, below.
            "classifier_score": classifier_score((test if is_real else images).probabilities),
            **{name: (getattr(near, name), None) for name in ("precision", "recall", "density", "coverage")},
            "class_kl": (classes.kl_to(images.histogram, test.histogram), None),
        }
        if self.real.fresh is not None:
            fresh = self.real.fresh if is_real else images.images
            memory = memorisation(_small(fresh), _small(train.images), _small(test.images))
            figures["nearer_to_train"] = (memory.nearer_train, None)
            figures["copies_of_train"] = (memory.near_copies / num, None)
        scaled = from_uint8((test if is_real else images).images)
        figures["ms_ssim"] = (pixels.diversity(scaled, seed=seed), None)
        figures["total_variation"] = mean_and_error(pixels.total_variation(scaled))
        figures["high_frequency_energy"] = mean_and_error(pixels.high_frequency_energy(scaled))
        return figures


# The input that the generator must have (None: any generator), and the figures that are then measured.
MEASURES: tuple[tuple[str | None, Callable[[Comparison, Generated], dict[str, Figure]]], ...] = (
    (None, Comparison.image_figures),
    (None, Comparison.likelihood_figures),
    ("labels", Comparison.label_figures),
    ("codes", Comparison.code_figures),
)


def _recognise(method, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes that an InfoGAN recognises in images uint8 [N, C, H, W]: categories [N] and means [N, codes]."""
    recognised = (method.recognise(part["images"]) for part in parts_of({"images": from_uint8(images)}))
    categories, means = zip(*recognised, strict=True)
    return np.concatenate([x.numpy() for x in categories]), np.concatenate([x.numpy() for x in means])


def _small(images: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels, [N, C, H // 2, W // 2] float32: copies are still found, at a quarter of the cost."""
    even = images[:, :, : images.shape[2] // 2 * 2, : images.shape[3] // 2 * 2].astype("float32")
    return (even[:, :, ::2, ::2] + even[:, :, 1::2, ::2] + even[:, :, ::2, 1::2] + even[:, :, 1::2, 1::2]) / 4
