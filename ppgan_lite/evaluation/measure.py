"""Evaluations: all metrics of a generator, or the accuracy of a classifier, by one fixed protocol."""

import time
from functools import cached_property

import numpy as np
import paddle

from ppgan_lite.data.pixels import from_uint8, to_uint8
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation.feature_network import FeatureNetwork
from ppgan_lite.metrics import classes, codes, pixels
from ppgan_lite.metrics.frechet import Moments, frechet_distance
from ppgan_lite.metrics.kernel import kernel_distance
from ppgan_lite.metrics.neighbours import memorisation, prdc
from ppgan_lite.metrics.samples import check
from ppgan_lite.metrics.score import classifier_score
from ppgan_lite.runs.results import Figure, Result

BATCH_IMAGES = 256  # generated or classified at once
NUM_IMAGES = 10_000  # of each kind that are compared, where the test images are as many
MIN_IMAGES = 100  # fewer tell nothing


class GeneratorEvaluation:
    """Measures generators against one sample of real images, whose features are computed once.

    Args:
        train, test: data sets; `num` images of each are used, drawn by `seed`: the first would not do, as MNIST's
            first 5,000 test images are harder than the others, and images in folders are sorted by class.
        network: by whose features images are compared.
        num: images of each kind.
        seed: of the noise and of everything drawn.

    Raises:
        EvaluationError: there are not so many images, or too few to measure anything by.
    """

    def __init__(self, train, test, network: FeatureNetwork, num: int, seed: int):
        if num < MIN_IMAGES:
            there = f"there are {len(test)} test images"
            raise EvaluationError(f"{num} images are too few to measure by; give at least {MIN_IMAGES} ({there})")
        for name, dataset in (("training", train), ("test", test)):
            if len(dataset) < num:
                raise EvaluationError(f"{num} images: {train.source.name} has only {len(dataset)} {name} images")
        self.network = network
        self.num = num
        self.seed = seed
        self._train_data, self._test_data = train, test

    @cached_property
    def _test(self) -> "_Sample":
        chosen = np.random.default_rng([self.seed, 5]).permutation(len(self._test_data))
        return _Sample.of_data(self._test_data, chosen[: self.num], self.network)

    @cached_property
    def _train(self) -> "_Sample":
        return _Sample.of_data(self._train_data, self._train_order[: self.num], self.network)

    @cached_property
    def _fresh(self) -> np.ndarray | None:
        """Other training images, to tell how near one that is in neither sample comes to both; None: there are none."""
        chosen = self._train_order[self.num : 2 * self.num]
        return _take(self._train_data, chosen) if len(chosen) == self.num else None

    @cached_property
    def _of_real_images(self) -> dict[str, tuple[float, float]]:
        return self._figures(self._train)

    @property
    def _train_order(self) -> np.ndarray:
        return np.random.default_rng([self.seed, 4]).permutation(len(self._train_data))

    def __call__(self, method, step: int) -> Result:
        """Measure the generator of a method, with batch norms on their running statistics, as an export has them.

        Raises:
            EvaluationError: it makes NaN or infinity.
        """
        start = time.monotonic()
        images, inputs = self._generate(method)
        fake = _Sample(images, self.network)
        found = self._figures(fake)
        figures = {
            name: Figure(value, self._of_real_images[name][0], None if np.isnan(error) else error)
            for name, (value, error) in found.items()
        }
        # Of ImageNet's classes, which Inception tells, none was asked for.
        if "labels" in inputs and self.network.name == self._test_data.source.name:
            figures["conditional_accuracy"] = self._of_labels(fake, inputs["labels"])
        if "codes" in inputs:
            figures |= self._of_codes(method, fake, inputs["codes"])
        return Result(step, self.protocol(method), figures, round(time.monotonic() - start, 2))

    def protocol(self, method) -> dict:
        """All that the figures depend on besides the generator, and whether that is a moving average."""
        return {
            "features": self.network.name,
            "features_sha256": self.network.sha256,
            "preprocessing": f"{self.network.preprocessing}; fakes rounded to 8 bits",
            "data": self._test_data.source.name,
            "data_sha256": self._test_data.source.sha256,
            "train_sha256": self._train_data.source.sha256,
            "split": "test",
            "num_real": self.num,
            "num_fake": self.num,
            "batch_norm": "running statistics",
            "ema": "g_ema" in method.networks,
            "seed": self.seed,
        }

    def _generate(self, method) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Images uint8 [N, C, H, W], and what the generator was given for them, name -> [N, ...]."""
        seed_paddle(self.seed, 0, 3)  # other numbers than the previews' and the samples'
        inputs = method.draw(self.num)
        starts = range(0, self.num, BATCH_IMAGES)
        batches = ({name: values[i : i + BATCH_IMAGES] for name, values in inputs.items()} for i in starts)
        images = np.concatenate([np.asarray(method.generate(batch)) for batch in batches])
        check("generated images", images, self.num)  # as bytes, NaN would be black
        # [N, H, W, C] -> [N, C, H, W]
        return to_uint8(images).transpose(0, 3, 1, 2), {name: np.asarray(values) for name, values in inputs.items()}

    def _of_labels(self, fake: "_Sample", asked: np.ndarray) -> Figure:
        """The share of images of the class asked for; of the test images, that which the classifier has right."""
        share = classes.conditional_accuracy(fake.predicted, asked)
        of_real = classes.conditional_accuracy(self._test.predicted, self._test.labels)
        return Figure(share, of_real, _share_error(share, self.num))

    def _of_codes(self, method, fake: "_Sample", asked: np.ndarray) -> dict[str, Figure]:
        """What the codes of an InfoGAN stand for, by those asked for [N, codes] and by those it reads off images."""
        train, test = self._train, self._test
        of_train, _ = _recognise(method, train.images)
        of_test, means = _recognise(method, test.images)
        share = codes.code_accuracy(of_train, train.labels, of_test, test.labels)
        figures = {"code_accuracy": Figure(share, error=_share_error(share, self.num))}
        images = from_uint8(fake.images)
        for factor, measure in (("slant", pixels.slant), ("thickness", pixels.thickness)):
            figures[f"{factor}_by_code"] = Figure(codes.correlation(asked, measure(images)))
            if factor in test.factors:
                figures[f"drawn_{factor}_by_code"] = Figure(codes.correlation(means, test.factors[factor]))
        return figures

    def _figures(self, sample: "_Sample") -> dict[str, tuple[float, float]]:
        """Metric -> value and error (NaN where there is none) of a sample against the test images."""
        none = float("nan")
        test, train = self._test, self._train
        is_real = sample is train
        near = prdc(test.features, sample.features)
        figures = {
            "frechet_distance": (frechet_distance(test.moments, sample.moments), none),
            "kernel_distance": kernel_distance(
                test.features, sample.features, subset_size=min(1000, self.num // 2), seed=self.seed
            ),
            # The aim is the test images' score, which no sample is compared with.
            "classifier_score": classifier_score((test if is_real else sample).probabilities),
            **{name: (getattr(near, name), none) for name in ("precision", "recall", "density", "coverage")},
            "class_kl": (classes.kl_to(sample.histogram, test.histogram), none),
        }
        if self._fresh is not None:
            fresh = self._fresh if is_real else sample.images
            memory = memorisation(_small(fresh), _small(train.images), _small(test.images))
            figures["nearer_to_train"] = (memory.nearer_train, none)
            figures["copies_of_train"] = (memory.near_copies / self.num, none)
        images = from_uint8((test if is_real else sample).images)
        figures["ms_ssim"] = (pixels.diversity(images, seed=self.seed), none)
        figures["total_variation"] = _mean(pixels.total_variation(images))
        figures["high_frequency_energy"] = _mean(pixels.high_frequency_energy(images))
        return figures


class _Sample:
    """Images uint8 [N, C, H, W] and what the metrics need of them; `labels` and `factors` are those of real images."""

    def __init__(self, images: np.ndarray, network: FeatureNetwork, labels=None, factors=None):
        self.images, self.labels, self.factors = images, labels, factors
        self.features, self.probabilities = network(images)
        self.moments = Moments()
        self.moments.update(self.features)
        self.predicted = self.probabilities.argmax(1)
        self.histogram = classes.class_histogram(self.predicted, self.probabilities.shape[1])

    @classmethod
    def of_data(cls, dataset, indices: np.ndarray, network: FeatureNetwork) -> "_Sample":
        """Images of a data set."""
        factors = {name: values[indices] for name, values in dataset.factors.items()}
        return cls(_take(dataset, indices), network, dataset.labels[indices], factors)


def evaluate_classifier(method, train, test, step: int) -> Result:
    """The accuracy of a classifier on all test images, with its confusion matrix, and on as many training images."""
    start = time.monotonic()
    chosen = np.random.default_rng(4).permutation(len(train))[: len(test)]
    train_right = _classify(method, train, chosen) == train.labels[chosen]
    predicted = _classify(method, test, np.arange(len(test)))
    confusion = np.zeros((len(test.class_names),) * 2, int)
    np.add.at(confusion, (test.labels, predicted), 1)
    right = (predicted == test.labels).mean()
    figures = {
        "accuracy": Figure(float(right), error=_share_error(right, len(test))),
        "train_accuracy": Figure(float(train_right.mean())),
    }
    protocol = {
        "data": test.source.name,
        "data_sha256": test.source.sha256,
        "split": "test",
        "num_real": len(test),
        "preprocessing": "pixels in [-1, 1]",
        "batch_norm": "running statistics",
    }
    seconds = round(time.monotonic() - start, 2)
    return Result(step, protocol, figures, seconds, tuple(tuple(map(int, row)) for row in confusion))


def _classify(method, dataset, indices: np.ndarray) -> np.ndarray:
    chunks = (indices[start : start + BATCH_IMAGES] for start in range(0, len(indices), BATCH_IMAGES))
    images = (paddle.to_tensor(dataset.batch(chunk)["image"]) for chunk in chunks)
    return np.concatenate([method.classify(batch).numpy().argmax(1) for batch in images])


def _recognise(method, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What an InfoGAN takes the codes of images uint8 [N, C, H, W] for: categories [N], and means [N, codes]."""
    chunks = (from_uint8(images[start : start + BATCH_IMAGES]) for start in range(0, len(images), BATCH_IMAGES))
    categories, means = zip(*(method.recognise(paddle.to_tensor(chunk)) for chunk in chunks), strict=True)
    return np.concatenate([x.numpy() for x in categories]), np.concatenate([x.numpy() for x in means])


def _share_error(share: float, num: int) -> float:
    """The standard error of a share of `num` images."""
    return float(np.sqrt(share * (1 - share) / num))


def _mean(values: np.ndarray) -> tuple[float, float]:
    """The mean of [N] and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _small(images: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels: [N, C, H, W] -> float32 [N, C, H // 2, W // 2]. Copies stay near; a quarter of the cost."""
    even = images[:, :, : images.shape[2] // 2 * 2, : images.shape[3] // 2 * 2].astype("float32")
    return (even[:, :, ::2, ::2] + even[:, :, 1::2, ::2] + even[:, :, ::2, 1::2] + even[:, :, 1::2, 1::2]) / 4


def _take(dataset, indices: np.ndarray) -> np.ndarray:
    """Images of a data set as uint8 [N, C, H, W]."""
    return to_uint8(dataset.batch(indices)["image"]).transpose(0, 3, 1, 2)
