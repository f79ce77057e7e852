"""Samplers make pictures from inputs. Previews, samples, evaluations and the API all use a method's samplers.

A sampler's inputs are the ports of its network's interface, so a method that describes its networks needs no code here.
Noise is drawn at random; integers (classes, categories) cycle through their values; an input with a value of its own
(the truncation of StyleGAN2) has that. Any other input is a picture to translate, or its wanted attributes: these are
given, not drawn.
"""

import copy
import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np
import paddle
from paddle import nn

from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import RunError
from ppgan_lite.methods.interface import Interface, Port
from ppgan_lite.methods.modes import mode, unchanged_buffers

BATCH_IMAGES = 256  # pictures generated at once
PICTURE_PIXELS = 2**18  # pixels of the pictures in a network at once, such as 4 of 256x256: they take much memory
STATISTICS_IMAGES = 2048  # pictures that give the batch norms' statistics of truncated noise
TRUNCATION = "truncation"  # name of an input
SWEEP = np.linspace(-2, 2, 10)  # values of a continuous code; training draws it from [-1, 1]


class Sampler:
    """A network that makes pictures, and the inputs it makes them from.

    Attributes:
        network: the network.
        takes: the ports of its inputs, in the order of `forward`.
        gives: the ports of its outputs.
        truncation: largest absolute value of an element of normal noise; None: any.
    """

    def __init__(self, network: nn.Layer, interface: Interface):
        self.network, self.takes, self.gives = network, interface.inputs, interface.outputs
        self.truncation = None
        self._in_turn = next((port for port in self.takes if port.dtype == "int64"), None)

    @property
    def num_kinds(self) -> int | None:
        """Number of classes or categories that `draw` cycles through; None for a network without such an input."""
        return None if self._in_turn is None else num_values(self._in_turn)

    def draw(self, num: int) -> dict[str, paddle.Tensor]:
        """A generator's inputs for `num` pictures, by name, [num, ...] each.

        Random ones come from Paddle's random generator.
        """
        return {port.name: _draw(port, num, self.truncation) for port in self.takes}

    @property
    def has_normal_noise(self) -> bool:
        """Whether an input is normal noise, the only one that can be truncated."""
        return any(port.distribution == "normal" for port in self.takes)

    @property
    def takes_truncation(self) -> bool:
        """Whether the network truncates by itself: it has an input for that, see `truncated`."""
        return self._port(TRUNCATION) is not None

    @property
    def recomputes_statistics(self) -> bool:
        """Whether `truncated` computes the statistics of batch norms again."""
        return not self.takes_truncation and bool(self._norms())

    @property
    def has_styles(self) -> bool:
        """Whether the network makes a picture from styles, as StyleGAN2's does: see `styles`."""
        return hasattr(self.network, "synthesise")

    def truncated(self, limit: float) -> "Sampler":
        """A sampler for better pictures of less variety: the truncation trick, of two kinds.

        A network with an input called `truncation` gets the limit there: StyleGAN2 moves its styles towards their mean,
        to w_avg + limit (w - w_avg) (Karras, Laine and Aila 2019, appendix B, https://arxiv.org/abs/1812.04948).

        For any other network, normal noise is within [-limit, limit]: elements of larger absolute value are drawn again
        (Brock, Donahue and Simonyan 2019, section 3.1, https://arxiv.org/abs/1809.11096). Each layer sees other
        activations then, so the running statistics of batch norms are computed again, for a copy of the network, with
        Paddle's random generator seeded for it.

        Args:
            limit: from 0 to 1 for a network that `takes_truncation`, 1 changes nothing; else above 0.
        """
        sampler = copy.copy(self)
        if self.takes_truncation:
            sampler.takes = tuple(
                dataclasses.replace(port, value=limit) if port.name == TRUNCATION else port for port in self.takes
            )
            return sampler
        sampler.truncation = limit
        if self.recomputes_statistics:
            sampler.network = copy.deepcopy(self.network)
            seed_paddle(0, 0, 4)  # the same statistics for every seed of the pictures
            sampler._recompute_statistics(arrays_of(sampler.draw(STATISTICS_IMAGES)))
        return sampler

    def _recompute_statistics(self, inputs: dict[str, np.ndarray]):
        """Set the network's running statistics to their mean over batches of inputs."""
        norms = self._norms()
        self.network.eval()
        for norm in norms:
            norm.train()
        with paddle.no_grad():
            for number, batch in enumerate(self._parts_of(inputs), 1):
                for norm in norms:
                    norm._momentum = 1 - 1 / number  # the weight of the earlier batches
                self.network(*batch.values())
        self.network.eval()

    def _norms(self) -> list[nn.Layer]:
        """The network's batch norms."""
        return [layer for layer in self.network.sublayers() if isinstance(layer, nn.BatchNorm1D | nn.BatchNorm2D)]

    def __call__(self, inputs: dict, batch_statistics: bool = False) -> paddle.Tensor:
        """Pictures [N, C, H, W] in [-1, 1] from inputs of the form that `draw` returns. The network stays unchanged.

        Batch norms use their running statistics, as in an exported model; with `batch_statistics` they use the
        statistics of this batch, as in training.
        """
        with paddle.no_grad(), unchanged_buffers(self.network), mode(self.network, training=batch_statistics):
            return self.network(*inputs.values())

    @property
    def num_frames(self) -> int:
        """Number of steps in which the network makes its pictures, as `frames` shows them; 0: it takes one pass."""
        return getattr(self.network, "num_frames", 0)

    def frames(self, inputs: dict) -> Iterator[np.ndarray]:
        """Yield the pictures after each of `num_frames` steps of making them, float32 [N, C, H, W] in [-1, 1].

        Args:
            inputs: arrays of the form that `draw` returns.
        """
        with paddle.no_grad(), mode(self.network, training=False):
            for images in self.network.frames(*map(paddle.to_tensor, inputs.values())):
                yield images.numpy()

    def in_batches(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Pictures from arrays of any length, made some at a time: see `parts_of`."""
        return np.concatenate([self(batch).numpy() for batch in self._parts_of(inputs)])

    def _parts_of(self, inputs: dict[str, np.ndarray]) -> Iterator[dict[str, paddle.Tensor]]:
        return parts_of(inputs, [port.shape for port in self.gives])

    def styles(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """The styles w of a network that `has_styles`, truncated, float32 [N, w_dim].

        Args:
            inputs: noise `z` and `truncation`, as `draw` returns them.
        """
        network, parts = self.network, parts_of(inputs)
        with paddle.no_grad(), mode(network, training=False):
            styles = [network.truncate(network.mapping(part["z"]), part[TRUNCATION]) for part in parts]
        return np.concatenate([part.numpy() for part in styles])

    def from_styles(self, w: np.ndarray) -> np.ndarray:
        """Pictures, float32 [N, C, H, W] in [-1, 1], of a network that `has_styles`. The network stays unchanged.

        Args:
            w: styles, [N, w_dim], or one for each styled layer: [N, num_styles, w_dim].
        """
        with paddle.no_grad(), unchanged_buffers(self.network), mode(self.network, training=False):
            return np.concatenate([self.network.synthesise(part["w"]).numpy() for part in self._parts_of({"w": w})])

    def strips(self, start: dict[str, np.ndarray], images: int) -> dict[str, np.ndarray]:
        """Inputs of strips of `images` pictures each: noise from `start` to a random end, all else constant.

        Args:
            start: the inputs of the first picture of each strip.
            images: number of pictures in a strip.

        Raises:
            RunError: the network takes no noise.
        """
        noise = self._noise()
        ends = _draw(noise, len(start[noise.name]), self.truncation).numpy()
        path = slerp if noise.distribution == "normal" else straight
        return {name: array.repeat(images, 0) for name, array in start.items()} | {
            noise.name: path(start[noise.name], ends, images)
        }

    def walk(self, start: dict[str, np.ndarray], stations: int, steps: int) -> Iterator[np.ndarray]:
        """Yield the pictures [N, C, H, W] of `stations * steps` moments of a walk, which begin again after the last.

        The noise goes from `start` through `stations - 1` random vectors back to `start`, with `steps` moments from one
        to the next, all else constant: along arcs for normal noise (see `slerp`), along straight lines for uniform
        noise. For a network that `has_styles` the stations are the styles of that noise, and lines between them are
        straight: mapped from noise, styles have no length that an arc would have to keep.

        Args:
            start: the inputs of the first pictures; there are N.

        Raises:
            RunError: the network takes no noise.
        """
        noise = self._noise()
        drawn = [_draw(noise, len(start[noise.name]), self.truncation).numpy() for _ in range(stations - 1)]
        vectors = [start[noise.name], *drawn]
        path = slerp if noise.distribution == "normal" and not self.has_styles else straight
        if self.has_styles:
            vectors = [self.styles(start | {noise.name: z}) for z in vectors]
        for station, following in zip(vectors, [*vectors[1:], vectors[0]], strict=True):
            # [N * (steps + 1), D] -> [steps + 1, N, D]; the last moment is the first after the next station
            moments = path(station, following, steps + 1).reshape(len(station), steps + 1, -1).swapaxes(0, 1)
            for moment in moments[:-1]:
                yield self.from_styles(moment) if self.has_styles else self.in_batches(start | {noise.name: moment})

    @property
    def codes(self) -> list[str]:
        """Codes that `sweep` takes: `category`, `code1`, `code2`, ...; empty if the network takes no codes."""
        category, codes = self._port("category"), self._port("codes")
        return [category.name, *(f"code{k + 1}" for k in range(*codes.shape))] if category and codes else []

    def sweep(self, code: str, num: int) -> tuple[dict[str, np.ndarray], int]:
        """Inputs of a table that shows the effect of a code (Chen et al. 2016, figure 2), and its number of columns.

        Args:
            code: one of `codes`. `category`: a column for each category, and a row for each noise vector and its
                continuous codes. `code1`, `code2`, ...: a row for each category, and 10 columns for values from -2 to
                2, wider than the [-1, 1] of training, as in the paper; one noise vector, the other codes 0.
            num: number of pictures with `category`; at least one row is made.
        """
        categories = np.arange(num_values(self._port("category")))
        if code == "category":
            rows = arrays_of(self.draw(max(1, num // len(categories))))
            return table(rows, "category", categories), len(categories)
        values = np.zeros([len(SWEEP), len(self.codes) - 1], "float32")
        values[:, self.codes.index(code) - 1] = SWEEP
        noise = self._noise().name
        z = arrays_of(self.draw(1))[noise].repeat(len(categories), 0)
        return table({noise: z, "category": categories}, "codes", values), len(SWEEP)

    def _port(self, name: str) -> Port | None:
        return next((port for port in self.takes if port.name == name), None)

    def _noise(self) -> Port:
        """The first random input that is no integer. Raises RunError if there is none."""
        drawn = [port for port in self.takes if port.distribution and port.dtype != "int64"]
        if not drawn:
            raise RunError("this run's generator takes no noise, so there is no path through it")
        return drawn[0]


def num_values(port: Port) -> int:
    """Number of values of an integer port; they start at 0."""
    return port.range[1] + 1


def arrays_of(inputs: dict[str, paddle.Tensor]) -> dict[str, np.ndarray]:
    """Inputs as numpy arrays."""
    return {name: np.asarray(tensor) for name, tensor in inputs.items()}


def parts_of(
    inputs: dict[str, np.ndarray], outputs: Iterable[tuple[int | None, ...]] = ()
) -> Iterator[dict[str, paddle.Tensor]]:
    """Inputs [N, ...] as tensors, BATCH_IMAGES at a time, or fewer if they or the outputs are large pictures.

    Args:
        outputs: the shape of an item of each output of the network; None for a free size.
    """
    shapes = [*(values.shape[1:] for values in inputs.values()), *outputs]
    pictures = [shape for shape in shapes if len(shape) == 3 and None not in shape]
    size = min((at_once(*shape[1:]) for shape in pictures), default=BATCH_IMAGES)
    for start in range(0, len(next(iter(inputs.values()))), size):
        yield {name: paddle.to_tensor(values[start : start + size]) for name, values in inputs.items()}


def at_once(height: int, width: int) -> int:
    """The number of pictures of this size, in pixels, to pass through a network at once."""
    return max(1, min(BATCH_IMAGES, PICTURE_PIXELS // (height * width)))


def table(rows: dict[str, np.ndarray], name: str, values) -> dict[str, np.ndarray]:
    """Inputs of a table, row by row, [R C, ...] each.

    Args:
        rows: the inputs of each row, [R, ...].
        name: the input that differs between columns.
        values: its value in each column, [C, ...].
    """
    num_rows = len(next(iter(rows.values())))
    repeated = {key: array.repeat(len(values), 0) for key, array in rows.items()}
    return repeated | {name: np.concatenate([values] * num_rows)}


def slerp(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Points on the great circle from `start` to `end`, both included: [N, D] twice -> [N * steps, D].

    A straight line between two Gaussian vectors comes nearer to the origin than samples do; the arc keeps the length
    (White 2016, "Sampling Generative Networks", https://arxiv.org/abs/1609.04468). With D = 1 there is no arc: the
    points are on the straight line.
    """
    if start.shape[1] == 1:
        return straight(start, end, steps)
    cosine = (start * end).sum(1) / (np.linalg.norm(start, axis=1) * np.linalg.norm(end, axis=1))
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]  # [N, 1, 1]
    t = np.linspace(0, 1, steps)[None, :, None]  # [1, steps, 1]
    path = (np.sin((1 - t) * angle) * start[:, None] + np.sin(t * angle) * end[:, None]) / np.sin(angle)
    return path.reshape(-1, start.shape[1]).astype(start.dtype)  # [N, steps, D] -> [N * steps, D]


def straight(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Points on the straight line from `start` to `end`, both included: [N, D] twice -> [N * steps, D].

    Between two vectors of uniform noise the whole line lies in the range of the noise.
    """
    t = np.linspace(0, 1, steps)[None, :, None]  # [1, steps, 1]
    path = (1 - t) * start[:, None] + t * end[:, None]
    return path.reshape(-1, start.shape[1]).astype(start.dtype)  # [N, steps, D] -> [N * steps, D]


def _draw(port: Port, num: int, truncation: float | None) -> paddle.Tensor:
    """Values of a port, [num, ...]: its own value, random ones, or for integers 0, 1, ... in a cycle."""
    if port.value is not None:
        return paddle.full([num, *port.shape], port.value, port.dtype)
    if port.dtype == "int64":
        return paddle.arange(num) % num_values(port)
    if port.distribution == "uniform":
        low, high = map(float, port.range)
        return paddle.uniform([num, *port.shape], min=low, max=high)
    shape = [num, *port.shape]
    return paddle.randn(shape) if truncation is None else truncated_normal(shape, truncation)


def truncated_normal(shape: list[int], limit: float) -> paddle.Tensor:
    """Elements of N(0, 1), drawn again until they are within [-limit, limit].

    By the inverse of the distribution function, which gives the same distribution in one draw, however small the limit.
    """
    inside = math.erf(limit / 2**0.5)  # the probability of [-limit, limit]
    uniform = paddle.uniform(shape, "float64", -inside, inside)
    return (2**0.5 * paddle.erfinv(uniform)).clip(-limit, limit).astype("float32")  # erfinv(-1) is -inf
