"""The pictures of previews, always of the same inputs, and what health sees in them. They change no network."""

import numpy as np

from ppgan_lite.data.spec import has_points
from ppgan_lite.device import seed_paddle
from ppgan_lite.methods.points import look
from ppgan_lite.methods.translations import ATTRIBUTES, columns, targets, way_back
from ppgan_lite.pictures import points
from ppgan_lite.pictures.grid import comparisons, grid, grid_columns, num_compared, stacked
from ppgan_lite.runs.health import GeneratorHealth
from ppgan_lite.runs.translator_health import Reference, Translated, TranslatorHealth

PREVIEW_IMAGES = 128  # 8 rows of 16, as in the tutorial
PREVIEW_COLUMNS = 16


def previews_of(method, config, dataset):
    """The previews of a method; None if it makes no pictures.

    Args:
        method: the method in training.
        config: the run's config.
        dataset: the data of which a few items are shown, and compared with what the method makes.
    """
    if not method.samplers():
        return None
    return (TranslatorPreviews if config.method.KIND == "translator" else GeneratorPreviews)(method, config, dataset)


class GeneratorPreviews:
    """Previews of a generator: what it makes from fixed noise, with the statistics of that batch.

    Attributes:
        METADATA: what is written into the pictures.
        health: what watches the run.
        real: a picture of real images, uint8 [H, W, C]; None for points.
    """

    METADATA = {"Batch norm": "statistics of this batch (training)"}  # noqa: RUF012 (never changed)

    def __init__(self, method, config, dataset):
        self._method, self._samplers = method, method.samplers()
        self._points = dataset if has_points(dataset.spec) else None
        data = dataset.batch(np.random.default_rng(0).permutation(len(dataset))[:PREVIEW_IMAGES])
        real = [data[name] for name, field in dataset.spec.items() if field.has_pixels]  # [N, C, H, W] in [-1, 1]
        self._inputs = self._draw(config.train.seed)
        self.health = GeneratorHealth(real[0], config.method.WATCHES)
        self.real = stacked([grid(images, PREVIEW_COLUMNS) for images in real]) if self._points is None else None

    def _draw(self, seed: int) -> dict[str, dict]:
        """The fixed inputs of all previews, for each sampler."""
        seed_paddle(seed, 0, 1)
        num = PREVIEW_IMAGES if self._points is None else points.NUM_SAMPLES
        return {name: sampler.draw(num) for name, sampler in self._samplers.items()}

    def make(self) -> dict[str, np.ndarray]:
        """The samplers' outputs [N, C, H, W] for the fixed inputs."""
        return {
            name: sampler(self._inputs[name], batch_statistics=True).numpy() for name, sampler in self._samplers.items()
        }

    def picture(self, made: dict[str, np.ndarray], step: int) -> np.ndarray:
        """What was made as a picture, uint8 [H, W, C]: a grid for each sampler, or a plot of points."""
        if self._points is not None:
            ((name, images),) = made.items()
            return points.draw(self._points, [look(self._method, self._points, self._inputs[name], images, step)])
        columns_of = {name: grid_columns(sampler.num_kinds) for name, sampler in self._samplers.items()}
        return stacked([grid(images, columns_of[name] or PREVIEW_COLUMNS) for name, images in made.items()])

    def observe(self, made: dict[str, np.ndarray], step: int) -> dict[str, float]:
        """Show health what was made; returns what it measured, for the log."""
        diversity = self.health.observe_preview(step, next(iter(made.values())))
        return {} if diversity is None else {"health/diversity": diversity}


class TranslatorPreviews:
    """Previews of a translator: test pictures, what it makes of them, and the truth or the way back.

    Networks are used as after training: without dropout, and batch norms with their running statistics.

    Attributes:
        METADATA, health, real: see `GeneratorPreviews`; `real` shows the pictures that are translated, or pairs.
    """

    METADATA = {"Batch norm": "running statistics"}  # noqa: RUF012 (never changed)

    def __init__(self, method, config, dataset):
        self._samplers, self._paired = method.samplers(), not dataset.domains
        self._data = self._few(dataset)
        fields = [self._data[name] for name, field in dataset.spec.items() if field.has_pixels]
        self.real = comparisons(fields) if self._paired else stacked([comparisons([images]) for images in fields])
        references = {}
        for name, sampler in self._samplers.items():
            images, real = self._data[sampler.takes[0].name], self._data[sampler.gives[0].name]
            references[name] = Reference.measure(images, real, self._paired and ATTRIBUTES not in self._data)
        self.health = TranslatorHealth(references, config.method.WATCHES)

    def _few(self, dataset) -> dict[str, np.ndarray]:
        """The items that are shown, evenly spread over the data set, or over each domain; field -> [N, ...]."""
        port = next(iter(self._samplers.values())).takes[0].name
        height, width = dataset.spec[port].shape[1:]
        images = 1 + len(dataset.spec[ATTRIBUTES].names) if ATTRIBUTES in dataset.spec else 3
        most = num_compared(height, width, images, len(self._samplers))
        num = min(most, *map(len, [dataset, *dataset.domains.values()]))
        if dataset.domains:
            return {name: domain.batch(_spread(len(domain), num))["image"] for name, domain in dataset.domains.items()}
        return dataset.batch(_spread(len(dataset), num))

    def make(self) -> dict[str, list[np.ndarray]]:
        """The pictures to show next to each other for each direction: see `columns`, [N, C, H, W] each."""
        return {name: columns(self._samplers, name, self._data, self._paired) for name in self._samplers}

    def picture(self, made: dict[str, list[np.ndarray]], step: int) -> np.ndarray:
        """What was made as a picture, uint8 [H, W, C]: a grid for each direction."""
        return stacked([comparisons(images) for images in made.values()])

    def observe(self, made: dict[str, list[np.ndarray]], step: int) -> dict[str, float]:
        """Show health what was made; returns what it measured, for the log."""
        return self.health.observe_preview(step, {name: self._translated(name, made[name]) for name in made})

    def _translated(self, name: str, made: list[np.ndarray]) -> Translated:
        """What health compares: with attributes, the translations to attributes that the input does not have."""
        images, *outputs = made
        if ATTRIBUTES not in self._data:
            return Translated(images, outputs[0], outputs[1] if way_back(self._samplers, name) else None)
        names, own = self._samplers[name].takes[1].names, self._data[ATTRIBUTES]
        others = [(targets(names, own, index) != own).any(1) for index in range(len(names))]
        return Translated(
            np.concatenate([images[other] for other in others]),
            np.concatenate([output[other] for output, other in zip(outputs, others, strict=True)]),
        )


def _spread(length: int, num: int) -> np.ndarray:
    """Evenly spread indices of `num` of `length` items: the first may be all of one class."""
    return np.arange(num) * length // num
