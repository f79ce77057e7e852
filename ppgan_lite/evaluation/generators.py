"""The evaluation of generators: all metrics that apply to their inputs, by one fixed protocol."""

import time

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation.feature_network import FeatureNetwork
from ppgan_lite.evaluation.images import Images, RealImages
from ppgan_lite.evaluation.likelihood import likelihood_protocol
from ppgan_lite.evaluation.measures import MEASURES, Comparison, Generated
from ppgan_lite.methods.samplers import arrays_of
from ppgan_lite.metrics.samples import check
from ppgan_lite.runs.results import Result

NUM_IMAGES = 10_000  # default number of generated and of real images, unless there are fewer test images
MIN_IMAGES = 100  # with fewer the metrics are mostly noise


def check_enough(num: int, num_train: int, num_test: int, advice: str = "", least: int = MIN_IMAGES):
    """Raise EvaluationError if images are too few to evaluate.

    Args:
        num: number of generated and of real images.
        num_train, num_test: number of images in each split.
        advice: the end of the message.
        least: number of images that are needed.
    """
    if num < least:
        training = f" and {num_train} training images" if num_train < least else ""
        needed = f"at least {least} are needed (there are {num_test} test images{training})"
        raise EvaluationError(f"{num} images are too few to evaluate; {needed}{advice}")


class GeneratorEvaluation:
    """Measures generators against one sample of real images, with features computed once.

    Args:
        train, test, network, num: see `RealImages`.
        seed: seed of the noise and of the selection of real images.
        truncation: see `Sampler.truncated`; None: pictures as the generator was trained to make them.
        num_draws: random draws for each image that a bound of the likelihood is computed from; None: the method's.

    Raises:
        EvaluationError: `num` is too small, or there are fewer real images.
    """

    def __init__(
        self,
        train: Dataset,
        test: Dataset,
        network: FeatureNetwork,
        num: int,
        seed: int,
        truncation: float | None = None,
        num_draws: int | None = None,
    ):
        check_enough(num, len(train), len(test))
        for name, dataset in (("training", train), ("test", test)):
            if len(dataset) < num:
                raise EvaluationError(f"{num} images: {train.source.name} has only {len(dataset)} {name} images")
        self.real = RealImages(train, test, network, num, seed)
        self._comparison = Comparison(self.real, num_draws)
        self._truncation, self._num_draws = truncation, num_draws

    def __call__(self, method, step: int) -> Result:
        """Measure the generator of a method; batch norms use their running statistics, as in an exported model.

        With truncated noise the statistics are computed again, for such noise.

        Raises:
            EvaluationError: it generates NaN or infinity.
        """
        start = time.monotonic()
        generated = self._generate(method)
        figures = {}
        for required, measure in MEASURES:
            if required is None or required in generated.inputs:
                figures |= measure(self._comparison, generated)
        return Result(step, self.protocol(method), figures, round(time.monotonic() - start, 2))

    def protocol(self, method) -> dict:
        """Everything else that the figures depend on, and whether the generator is a moving average."""
        truncation = {} if self._truncation is None else {"truncation": str(self._truncation)}
        recomputed = truncation and next(iter(method.samplers().values())).recomputes_statistics
        network, train, test = self.real.network, self.real.train_source, self.real.test_source
        return {
            "features": network.name,
            "features_sha256": network.sha256,
            "preprocessing": f"{network.preprocessing}; fakes rounded to 8 bits",
            "data": test.name,
            "data_sha256": test.sha256,
            "train_sha256": train.sha256,
            "split": "test",
            "num_real": self.real.num,
            "num_fake": self.real.num,
            "batch_norm": "statistics of truncated noise" if recomputed else "running statistics",
            "ema": bool(method.averages),
            **likelihood_protocol(method, self._num_draws),
            "seed": self.real.seed,
            **truncation,
            **({"train_part": train.part} if train.part else {}),
        }

    def _generate(self, method) -> Generated:
        """Generate as many images as there are real ones, with the first sampler of the method."""
        sampler = next(iter(method.samplers().values()))
        if self._truncation is not None:
            sampler = sampler.truncated(self._truncation)
        seed_paddle(self.real.seed, 0, 3)  # not the random numbers of previews and samples
        inputs = arrays_of(sampler.draw(self.real.num))
        images = sampler.in_batches(inputs)
        check("generated images", images, self.real.num)  # before they are bytes, where NaN would be black
        pixels = to_uint8(images).transpose(0, 3, 1, 2)  # [N, H, W, C] -> [N, C, H, W]
        return Generated(method, inputs, Images(pixels, self.real.network))
