"""What a method that learns points has made of them so far, for pictures/points.py to draw."""

import numpy as np
import paddle
import paddle.nn.functional as F

from ppgan_lite.data.gaussians import Gaussians
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import LOGITS
from ppgan_lite.methods.modes import mode
from ppgan_lite.pictures.points import Moment, axis_of


def look(method: Generative, dataset: Gaussians, inputs: dict, images, step: int) -> Moment:
    """Take down a moment: `images` [N, dims, 1, 1] that G made of `inputs`, and D's output. Changes no network."""
    noise = inputs["z"].numpy()
    alone = len(inputs) == 1 and noise.shape[1] == 1
    samples = np.asarray(images)[:, :, 0, 0]  # [N, dims, 1, 1] -> [N, dims]
    return Moment(step, samples, noise[:, 0] if alone else None, _judge(method, dataset))


def _judge(method, dataset) -> np.ndarray | None:
    port = method.interfaces().get("d")
    if port is None or port.outputs[0] != LOGITS or len(port.inputs) > 1:
        return None
    axis, dims = axis_of(dataset), dataset.spec["image"].shape[0]
    places = np.stack(np.meshgrid(*[axis] * dims), -1)  # [M, 1], or [M, M, 2] whose last dimension is x, y
    d = method.networks["d"]
    with paddle.no_grad(), mode(d, training=False):
        logits = d(paddle.to_tensor(places.reshape(-1, dims, 1, 1).astype("float32")))  # [M^dims, dims, 1, 1]
    logits = logits[0] if isinstance(logits, list | tuple) else logits  # of several outputs
    return F.sigmoid(logits).numpy().reshape(places.shape[:-1])
