"""Samplers: the one idea of pictures from inputs. Previews, samples, evaluations and the API ask a method for them.

What a sampler takes is told by the ports of its network's interface, so a method that describes its networks needs no
code of its own here: noise is drawn, whole numbers (classes, categories) come in turn, and what has no distribution is
taken from the field of the data that has the port's name.
"""

from collections.abc import Iterator

import numpy as np
import paddle
from paddle import nn

from ppgan_lite.errors import RunError
from ppgan_lite.methods.interface import Interface, Port
from ppgan_lite.methods.modes import mode, unchanged_buffers

BATCH_IMAGES = 256  # generated at once
SWEEP = np.linspace(-2, 2, 10)  # of a continuous code; training draws it from [-1, 1]


class Sampler:
    """A network that makes pictures, and what it makes them from.

    Attributes:
        takes: the ports of its inputs, in the order of `forward`.
        fields: names of those that are fields of the data, such as the pictures that are to be translated.
    """

    def __init__(self, network: nn.Layer, interface: Interface):
        self.network, self.takes = network, interface.inputs
        self.fields = [port.name for port in self.takes if port.distribution is None]
        self._in_turn = next((port for port in self.takes if port.dtype == "int64"), None)

    @property
    def num_kinds(self) -> int | None:
        """Values of the class or category that `draw` asks for in turn; None: it asks for none."""
        return None if self._in_turn is None else num_values(self._in_turn)

    @property
    def shown(self) -> list[str]:
        """The inputs that are pictures themselves, which are shown next to what is made from them."""
        return [port.name for port in self.takes if port.layout == "NCHW"]

    def draw(self, num: int, data: dict | None = None) -> dict[str, paddle.Tensor]:
        """Inputs of the network by their names, [num, ...] each, by paddle's generator.

        Args:
            data: `num` items of the data, where it takes fields of them.
        """
        return {port.name: data[port.name] if port.distribution is None else _draw(port, num) for port in self.takes}

    def __call__(self, inputs: dict, batch_statistics: bool = False) -> paddle.Tensor:
        """Pictures [N, C, H, W] in [-1, 1] from inputs as `draw` gives them, changing nothing in the network.

        Batch norms use their running statistics, as an exported model does; with `batch_statistics` they use those
        of this batch, as training does.
        """
        with paddle.no_grad(), unchanged_buffers(self.network), mode(self.network, training=batch_statistics):
            return self.network(*inputs.values())

    def in_batches(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """The same of arrays of any length, BATCH_IMAGES at a time."""
        return np.concatenate([self(part).numpy() for part in parts_of(inputs)])

    def strips(self, start: dict[str, np.ndarray], images: int) -> dict[str, np.ndarray]:
        """Inputs of strips of `images` pictures: the noise leads from that of `start` to another; all else stays."""
        noise = self._noise()
        ends = _draw(noise, len(start[noise.name])).numpy()
        path = slerp if noise.distribution == "normal" else straight
        return {name: array.repeat(images, 0) for name, array in start.items()} | {
            noise.name: path(start[noise.name], ends, images)
        }

    @property
    def codes(self) -> list[str]:
        """What can be swept: the category and each continuous code, where the network takes them (InfoGAN's does)."""
        category, codes = self._port("category"), self._port("codes")
        return [category.name, *(f"code{k + 1}" for k in range(*codes.shape))] if category and codes else []

    def sweep(self, code: str, num: int) -> tuple[dict[str, np.ndarray], int]:
        """Inputs of a table that shows what a code does (Chen et al. 2016, figure 2), and the number of its columns.

        Args:
            code: one of `codes`. `category`: a column for each category, a row for each noise vector with its
                continuous codes, as many as `num` pictures fill (at least one). `code1`, `code2`, ...: a row for each
                category, 10 columns from -2 to 2, beyond the [-1, 1] of training as in the paper; one noise vector, and
                the other codes 0.
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
        """The first input that is drawn and no whole number. Raises RunError."""
        drawn = [port for port in self.takes if port.distribution and port.dtype != "int64"]
        if not drawn:
            raise RunError("the generator of this run takes no noise, so there is nothing to interpolate")
        return drawn[0]


def num_values(port: Port) -> int:
    """How many whole numbers a port takes, from 0."""
    return port.range[1] + 1


def arrays_of(inputs: dict[str, paddle.Tensor]) -> dict[str, np.ndarray]:
    """Inputs as arrays."""
    return {name: np.asarray(tensor) for name, tensor in inputs.items()}


def parts_of(inputs: dict[str, np.ndarray]) -> Iterator[dict[str, paddle.Tensor]]:
    """Inputs [N, ...] as tensors, BATCH_IMAGES at a time."""
    for start in range(0, len(next(iter(inputs.values()))), BATCH_IMAGES):
        yield {name: paddle.to_tensor(values[start : start + BATCH_IMAGES]) for name, values in inputs.items()}


def table(rows: dict[str, np.ndarray], name: str, values) -> dict[str, np.ndarray]:
    """Inputs of a table: those of each row, [R, ...], in all its columns, but of input `name` each column's value."""
    num_rows = len(next(iter(rows.values())))
    repeated = {key: array.repeat(len(values), 0) for key, array in rows.items()}
    return repeated | {name: np.concatenate([values] * num_rows)}


def slerp(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Points on the great circle from `start` to `end`, both included: [N, D] twice -> [N * steps, D].

    A straight line between two Gaussian vectors passes nearer to the origin than any sample does; the arc keeps the
    length (White 2016, "Sampling Generative Networks"). Vectors of one number have no arc between them.
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

    Between two vectors of uniform noise all of it lies where the noise does.
    """
    t = np.linspace(0, 1, steps)[None, :, None]  # [1, steps, 1]
    path = (1 - t) * start[:, None] + t * end[:, None]
    return path.reshape(-1, start.shape[1]).astype(start.dtype)  # [N, steps, D] -> [N * steps, D]


def _draw(port: Port, num: int) -> paddle.Tensor:
    """Random values of a port, or its whole numbers in turn: [num, ...]."""
    if port.dtype == "int64":
        return paddle.arange(num) % num_values(port)
    if port.distribution == "uniform":
        low, high = map(float, port.range)
        return paddle.uniform([num, *port.shape], min=low, max=high)
    return paddle.randn([num, *port.shape])
