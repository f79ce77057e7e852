"""The evaluation of generators: every measure that they have the inputs for, by one fixed protocol."""

import time

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation.feature_network import FeatureNetwork
from ppgan_lite.evaluation.images import Images, RealImages
from ppgan_lite.evaluation.measures import MEASURES, Comparison, Generated
from ppgan_lite.methods.samplers import arrays_of
from ppgan_lite.metrics.samples import check
from ppgan_lite.runs.results import Result

NUM_IMAGES = 10_000  # of each kind that are compared, where the test images are as many
MIN_IMAGES = 100  # fewer tell nothing


class GeneratorEvaluation:
    """Measures generators against one sample of real images, whose features are computed once.

    Args:
        train, test, network, num, seed: see `RealImages`; the seed is that of the noise, too.

    Raises:
        EvaluationError: there are not so many images, or too few to measure anything by.
    """

    def __init__(self, train: Dataset, test: Dataset, network: FeatureNetwork, num: int, seed: int):
        if num < MIN_IMAGES:
            there = f"there are {len(test)} test images"
            raise EvaluationError(f"{num} images are too few to measure by; give at least {MIN_IMAGES} ({there})")
        for name, dataset in (("training", train), ("test", test)):
            if len(dataset) < num:
                raise EvaluationError(f"{num} images: {train.source.name} has only {len(dataset)} {name} images")
        self.real = RealImages(train, test, network, num, seed)
        self._comparison = Comparison(self.real)

    def __call__(self, method, step: int) -> Result:
        """Measure the generator of a method, with batch norms on their running statistics, as an export has them.

        Raises:
            EvaluationError: it makes NaN or infinity.
        """
        start = time.monotonic()
        generated = self._generate(method)
        figures = {}
        for needed, measure in MEASURES:
            if needed is None or needed in generated.inputs:
                figures |= measure(self._comparison, generated)
        return Result(step, self.protocol(method), figures, round(time.monotonic() - start, 2))

    def protocol(self, method) -> dict:
        """All that the figures depend on besides the generator, and whether that is a moving average."""
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
            "batch_norm": "running statistics",
            "ema": bool(method.averages),
            "seed": self.real.seed,
        }

    def _generate(self, method) -> Generated:
        """As many images as there are real ones, by the first sampler of the method."""
        sampler = next(iter(method.samplers().values()))
        seed_paddle(self.real.seed, 0, 3)  # other numbers than the previews' and the samples'
        inputs = arrays_of(sampler.draw(self.real.num))
        images = sampler.in_batches(inputs)
        check("generated images", images, self.real.num)  # as bytes, NaN would be black
        pixels = to_uint8(images).transpose(0, 3, 1, 2)  # [N, H, W, C] -> [N, C, H, W]
        return Generated(method, inputs, Images(pixels, self.real.network))
