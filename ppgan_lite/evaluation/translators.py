"""The evaluation of translators between two domains, a and b: pix2pix, CycleGAN.

For every direction:

- nearness to the true picture (L1, PSNR, SSIM), if the test pictures are pairs;
- Frechet and kernel distance of the translations to the test pictures of the domain that they should belong to;
- the cycle error, if the method also translates back;
- if label maps are translated, how well a segmenter finds their labels in the translations.

Each figure has baselines next to it: the input itself, copied, and the mean training picture.
"""

import time
from functools import cached_property

import numpy as np

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.evaluation import segmenter
from ppgan_lite.evaluation.feature_network import FeatureNetwork
from ppgan_lite.evaluation.images import Images
from ppgan_lite.evaluation.translations import NUM_PICTURES, check_pictures, choose, domain_of, translate
from ppgan_lite.methods.translations import way_back
from ppgan_lite.metrics import similarity
from ppgan_lite.metrics.frechet import frechet_distance
from ppgan_lite.metrics.kernel import kernel_distance
from ppgan_lite.metrics.samples import mean_and_error
from ppgan_lite.runs.results import INPUT, MEAN, Figure, Result

SIMILARITIES = {"l1": similarity.l1, "psnr": similarity.psnr, "ssim": similarity.ssim}
MEAN_OF = 5000  # most training pictures that the mean picture is taken of
CHUNK = 256  # pictures read at once for it
SUBSET = 1000  # largest subset for the kernel distance


class TranslatorEvaluation:
    """Measures translators between two domains on the same test pictures; what does not depend on them, once.

    Args:
        train: training pictures, as pairs if the data has pairs, whether or not the translator was trained on pairs.
        test: test pictures.
        network: computes features of colour images of this size.
        num: number of test pictures of each domain; None: 2,000, or all if they are fewer.
        seed: seed of the selection of pictures.

    Raises:
        EvaluationError: there are too few pictures, or fewer test pictures than `num`.
    """

    def __init__(self, train: Dataset, test: Dataset, network: FeatureNetwork, num: int | None, seed: int):
        check_pictures(train, test, num)
        self._train, self._test, self._network, self._seed = train, test, network, seed
        domains = {field: Domain(train, test, field, network, num or NUM_PICTURES, seed) for field in test.spec}
        self._domains, self._directions = domains, {}

    def __call__(self, method, step: int) -> Result:
        """Measure a translator.

        Raises:
            EvaluationError: there is NaN or infinity among its translations.
        """
        start, figures, samplers = time.monotonic(), {}, method.samplers()
        for name, sampler in samplers.items():
            direction, back = self._direction(sampler), way_back(samplers, name)
            output = translate(sampler, direction.source.test)
            found = direction.figures(output)
            if back is not None:
                errors = similarity.l1(from_uint8(translate(back, output)), from_uint8(direction.source.test))
                value, error = mean_and_error(errors)
                found["cycle_l1"] = Figure(value, error=error)
            figures |= {f"{name}/{metric}": figure for metric, figure in found.items()}
        return Result(step, self.protocol(method), figures, round(time.monotonic() - start, 2))

    def protocol(self, method) -> dict:
        """Everything else that the figures depend on, and whether the generators are moving averages."""
        protocol = {
            "features": self._network.name,
            "features_sha256": self._network.sha256,
            "preprocessing": f"one channel repeated to three; {self._network.preprocessing}; rounded to 8 bits",
            "data": self._test.source.name,
            "data_sha256": self._test.source.sha256,
            "train_sha256": self._train.source.sha256,
            "split": "test",
            "pairs": not self._test.domains,
            **{f"num_{field}": len(domain.test) for field, domain in self._domains.items()},
            "ssim": "of the luma",
            "batch_norm": "running statistics",
            "ema": bool(method.averages),
            "seed": self._seed,
        }
        if any(self._direction(sampler).is_judged for sampler in method.samplers().values()):
            recipe = segmenter.RECIPE
            protocol |= {"segmenter": recipe.describe(), "segmenter_sha256": recipe.key(self._train)}
        return protocol

    def _direction(self, sampler) -> "Direction":
        """The direction in which a sampler translates."""
        ends = sampler.takes[0].name, sampler.gives[0].name
        if ends not in self._directions:
            source, target = (self._domains[field] for field in ends)
            self._directions[ends] = Direction(source, target, self._train, not self._test.domains)
        return self._directions[ends]


class Domain:
    """The real pictures of one domain, read at the first access.

    Args:
        train, test, network, seed: see `TranslatorEvaluation`.
        field: the domain's field.
        num: most test pictures.

    Attributes:
        field: the domain's field.
    """

    def __init__(self, train: Dataset, test: Dataset, field: str, network: FeatureNetwork, num: int, seed: int):
        self.field, self._network, self._num, self.seed = field, network, num, seed
        self._train, self._test = domain_of(train, field), domain_of(test, field)

    @cached_property
    def test(self) -> np.ndarray:
        """Test pictures, uint8 [N, C, H, W]; of pairs the same ones in each domain."""
        data, field = self._test
        return data.pixels(field, choose(len(data), self._num, self.seed))

    @cached_property
    def of_test(self) -> Images:
        """The test pictures with their features."""
        return self.images(self.test)

    @cached_property
    def of_train(self) -> Images:
        """As many training pictures: their distance to the test pictures is the best that a translator can reach."""
        data, field = self._train
        return self.images(data.pixels(field, choose(len(data), len(self.test), self.seed)))

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean training picture, rounded to 8 bits: uint8 [1, C, H, W]."""
        data, field = self._train
        indices = choose(len(data), MEAN_OF, self.seed)
        parts = (data.pixels(field, indices[start : start + CHUNK]) for start in range(0, len(indices), CHUNK))
        total = sum(part.sum(0, keepdims=True, dtype=np.float64) for part in parts)
        return np.rint(total / len(indices)).astype(np.uint8)

    def images(self, pixels: np.ndarray) -> Images:
        """Pictures uint8 [N, 1 or 3, H, W] with their features."""
        return Images(np.broadcast_to(pixels, (len(pixels), 3, *pixels.shape[2:])), self._network)


class Direction:
    """What translations from one domain to another are compared with; figures of real pictures are computed once.

    Args:
        source, target: the domains.
        train: see `TranslatorEvaluation`.
        paired: whether test pictures with the same index belong together.
    """

    def __init__(self, source: Domain, target: Domain, train: Dataset, paired: bool):
        self.source, self.target, self._train, self._paired = source, target, train, paired

    def figures(self, output: np.ndarray) -> dict[str, Figure]:
        """The figures of the test pictures' translations, uint8 [N, C, H, W]."""
        figures = self._similarities(output) if self._paired else {}
        figures |= self._distances(output)
        if self.is_judged:
            figures["label_accuracy"] = self._label_accuracy(output)
        return figures

    def _similarities(self, output: np.ndarray) -> dict[str, Figure]:
        """How near translations are to the true pictures."""
        figures = {}
        for name, values in self._measure(output).items():
            mean, error = mean_and_error(values)
            baselines = {baseline: float(found[name].mean()) for baseline, found in self._copied.items()}
            figures[name] = Figure(mean, error=error, baselines=baselines)
        return figures

    @cached_property
    def _copied(self) -> dict[str, dict[str, np.ndarray]]:
        """SIMILARITIES of the baselines: of the input, and of the mean training picture."""
        mean = np.broadcast_to(self.target.mean, self.target.test.shape)
        return {INPUT: self._measure(self.source.test), MEAN: self._measure(mean)}

    def _measure(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """SIMILARITIES of pictures, one for each true picture, to these: [N] each."""
        images, true = from_uint8(pixels), from_uint8(self.target.test)
        return {name: measure(images, true) for name, measure in SIMILARITIES.items()}

    def _distances(self, output: np.ndarray) -> dict[str, Figure]:
        """Distances to the target domain's test pictures."""
        images, figures = self.target.images(output), {}
        for name, (value, error) in self._measure_distances(images).items():
            real, copied = (distances[name][0] for distances in self._real_distances)
            figures[name] = Figure(value, real, error, {INPUT: copied})
        return figures

    @cached_property
    def _real_distances(self) -> tuple[dict, dict]:
        """The distances of training pictures of the target domain, and of the inputs."""
        return self._measure_distances(self.target.of_train), self._measure_distances(self.source.of_test)

    def _measure_distances(self, images: Images) -> dict[str, tuple[float, float | None]]:
        """Distance -> (value, standard error or None) of images to the target domain's test pictures."""
        real = self.target.of_test
        size = min(SUBSET, len(real.features) // 2, len(images.features) // 2)
        return {
            "frechet_distance": (frechet_distance(real.moments, images.moments), None),
            "kernel_distance": kernel_distance(real.features, images.features, subset_size=size, seed=self.target.seed),
        }

    @cached_property
    def is_judged(self) -> bool:
        """Whether a segmenter can be trained to find the inputs' labels: they are label maps, and there are pairs."""
        return self._paired and not self._train.domains and segmenter.are_label_maps(self.source.test)

    def _label_accuracy(self, output: np.ndarray) -> Figure:
        """The share of the label maps' pixels that the segmenter finds in translations, and in real photographs."""
        mean, error = mean_and_error(self._found(output))
        real, copied, mean_picture = self._real_labels
        return Figure(mean, real, error, {INPUT: copied, MEAN: mean_picture})

    @cached_property
    def _real_labels(self) -> tuple[float, ...]:
        """The segmenter's accuracy on the true photographs, on the label maps themselves and on the mean photograph."""
        mean = np.broadcast_to(self.target.mean, self.target.test.shape)
        return tuple(float(self._found(pixels).mean()) for pixels in (self.target.test, self.source.test, mean))

    def _found(self, photos: np.ndarray) -> np.ndarray:
        """The share of right pixels in each photograph: [N]."""
        return segmenter.accuracy(self._segmenter, photos, self.source.test)

    @cached_property
    def _segmenter(self):
        return segmenter.train_segmenter(self._train, photos=self.target.field, maps=self.source.field)
