"""The evaluation of translators to attributes: StarGAN.

Every test picture is translated to every attribute that it does not have; an attribute without a group is changed to
what it is not. A classifier, trained on real training pictures, says whether a translation has the wanted attribute,
and the others as before. Each translation is translated back to the attributes of its picture.
"""

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.data.spec import groups_of
from ppgan_lite.evaluation.judges import Recipe, judged, train_judge
from ppgan_lite.evaluation.translations import NUM_PICTURES, check_pictures, choose, translate
from ppgan_lite.losses.reconstruction import attribute_loss
from ppgan_lite.methods.translations import ATTRIBUTES, targets
from ppgan_lite.metrics import similarity
from ppgan_lite.metrics.samples import mean_and_error, share_error
from ppgan_lite.networks import options
from ppgan_lite.networks.classifiers import Evaluator
from ppgan_lite.runs.results import INPUT, Figure, Result

RECIPE = Recipe("attribute classifier", steps=1000, batch_size=32, lr=2e-3)
MOST_SIDE = 64  # height and width that the classifier takes; larger pictures are averaged to it
CHUNK = 256  # items read at once for their attributes


@dataclass(frozen=True)
class Translated:
    """Translations of n pictures to one attribute, and what the classifier finds in them, for each of G groups.

    Attributes:
        group: the group of the attribute.
        right: whether a translation has the wanted attributes of a group, bool [n, G].
        copied: the same for the picture itself.
        real: whether the classifier finds in the picture the attributes that it has, bool [n, G].
        cycle: L1 distance of the picture to its translation there and back, [n].
    """

    group: int
    right: np.ndarray
    copied: np.ndarray
    real: np.ndarray
    cycle: np.ndarray


class AttributeEvaluation:
    """Measures translators to attributes on the same test pictures.

    Args:
        train: training pictures with attributes, for the classifier.
        test: test pictures with attributes.
        num: number of test pictures; None: 2,000, or all if they are fewer.
        seed: seed of the selection of test pictures.

    Raises:
        EvaluationError: there are too few pictures, or fewer test pictures than `num`.
    """

    def __init__(self, train: Dataset, test: Dataset, num: int | None, seed: int):
        check_pictures(train, test, num)
        self._train, self._source, self._seed = train, test.source, seed
        indices = choose(len(test), num or NUM_PICTURES, seed)
        parts = (indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK))
        self._pixels = test.pixels("image", indices)
        self._own = np.concatenate([test.batch(part)[ATTRIBUTES] for part in parts])  # [N, A]
        self._names = test.spec[ATTRIBUTES].names
        self._groups = groups_of(self._names)

    def __call__(self, method, step: int) -> Result:
        """Measure a translator.

        Raises:
            EvaluationError: there is NaN or infinity among its translations.
        """
        start, sampler = time.monotonic(), next(iter(method.samplers().values()))
        every = [self._translate(sampler, *place) for place in self._places()]
        figures = {"attribute_reached": self._reached(every), **self._kept(every)}
        value, error = mean_and_error(np.concatenate([each.cycle for each in every]))
        figures["cycle_l1"] = Figure(value, error=error)
        for number, group in enumerate(self._groups if len(self._groups) > 1 else ()):
            if of_group := [each for each in every if each.group == number]:
                title = self._names[group[0]].partition("=")[0]
                figures[f"{title}/attribute_reached"] = self._reached(of_group)
        return Result(step, self.protocol(method), figures, round(time.monotonic() - start, 2))

    def protocol(self, method) -> dict:
        """Everything else that the figures depend on, and whether the generator is a moving average."""
        return {
            "classifier": RECIPE.describe(),
            "classifier_sha256": RECIPE.key(self._train),
            "preprocessing": "translations rounded to 8 bits",
            "data": self._source.name,
            "data_sha256": self._source.sha256,
            "train_sha256": self._train.source.sha256,
            "split": "test",
            "num_real": len(self._pixels),
            "batch_norm": "running statistics",
            "ema": bool(method.averages),
            "seed": self._seed,
        }

    def _places(self) -> list[tuple[int, int]]:
        """Each attribute that some test pictures do not have, as its group's number and its index."""
        places = [(number, index) for number, group in enumerate(self._groups) for index in group]
        return [(number, index) for number, index in places if self._others(index).any()]

    def _others(self, index: int) -> np.ndarray:
        """The test pictures that a translation to an attribute changes: bool [N]."""
        return (targets(self._names, self._own, index) != self._own).any(1)

    def _translate(self, sampler, group: int, index: int) -> Translated:
        """The pictures that do not have an attribute, translated to it."""
        rows = self._others(index)
        images, own, wanted = self._pixels[rows], self._own[rows], targets(self._names, self._own[rows], index)
        output = translate(sampler, images, wanted)
        back = translate(sampler, output, own)
        return Translated(
            group,
            right=self._same(self._recognise(output), wanted),
            copied=self._same(self._recognised[rows], wanted),
            real=self._same(self._recognised[rows], own),
            cycle=similarity.l1(from_uint8(back), from_uint8(images)),
        )

    def _reached(self, every: list[Translated]) -> Figure:
        """The share of translations with the attribute that they should have."""
        right, real, copied = (
            float(np.concatenate([getattr(each, name)[:, each.group] for each in every]).mean())
            for name in ("right", "real", "copied")
        )
        return Figure(right, real, share_error(right, len(self._pixels)), {INPUT: copied})

    def _kept(self, every: list[Translated]) -> dict[str, Figure]:
        """The share of the other attributes that translations have as before; nothing if there is one group."""
        if len(self._groups) == 1:
            return {}
        right, real = (
            float(np.concatenate([np.delete(getattr(each, name), each.group, 1) for each in every]).mean())
            for name in ("right", "real")
        )
        return {"attributes_kept": Figure(right, real, share_error(right, len(self._pixels)))}

    def _same(self, found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Whether attributes [N, A] are the same in each group: bool [N, G]."""
        return np.stack([(found[:, group] == wanted[:, group]).all(1) for group in self._groups], 1)

    @cached_property
    def _recognised(self) -> np.ndarray:
        """The attributes that the classifier finds in the test pictures, [N, A]."""
        return self._recognise(self._pixels)

    def _recognise(self, pixels: np.ndarray) -> np.ndarray:
        """The attributes that the classifier finds in pictures uint8 [N, C, H, W]: 0 or 1, [N, A]."""
        logits, found = judged(self._classifier, pixels), np.zeros((len(pixels), len(self._names)), "float32")
        for group in self._groups:
            if len(group) > 1:
                found[np.arange(len(found)), np.array(group)[logits[:, group].argmax(1)]] = 1
            else:
                found[:, group] = logits[:, group] > 0
        return found

    @cached_property
    def _classifier(self) -> nn.Layer:
        def loss(network, batch):
            return attribute_loss(network(batch["image"]), batch[ATTRIBUTES], self._groups)

        shape = self._train.spec["image"].shape
        return train_judge(RECIPE, lambda: AttributeClassifier(shape, len(self._names)), loss, self._train)


class AttributeClassifier(nn.Layer):
    """Images [N, C, H, W] in [-1, 1] -> logits of attributes [N, A]: the network of the evaluators."""

    def __init__(self, image_shape: tuple[int, int, int], num_attributes: int):
        super().__init__()
        channels, *size = image_shape
        self._size = [min(MOST_SIDE, side) for side in size]
        self.network = Evaluator(options.Evaluator("evaluator", ncf=16), (channels, *self._size), num_attributes)

    def forward(self, x):
        return self.network(F.adaptive_avg_pool2d(x, self._size))
