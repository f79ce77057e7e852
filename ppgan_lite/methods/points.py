"""Snapshots of a method that learns points, for pictures/points.py to draw."""

import numpy as np
import paddle
import paddle.nn.functional as F

from ppgan_lite.data.gaussians import Gaussians
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import LOGITS
from ppgan_lite.methods.modes import mode
from ppgan_lite.pictures.points import Moment, axis_of


def look(method: Generative, dataset: Gaussians, inputs: dict, images, step: int) -> Moment:
    """Return G's samples and D's output at a step. Changes no network.

    Args:
        inputs: G's inputs by name.
        images: the points that G made from them, [N, dims, 1, 1].
        step: the training step.
    """
    noise = inputs["z"].numpy()
    noise_alone = len(inputs) == 1 and noise.shape[1] == 1
    samples = np.asarray(images)[:, :, 0, 0]  # [N, dims, 1, 1] -> [N, dims]
    return Moment(step, samples, noise[:, 0] if noise_alone else None, _d_probabilities(method, dataset))


def _d_probabilities(method, dataset) -> np.ndarray | None:
    """D's probability of real on the grid of the plot; None if D gives no logits or takes more than the point."""
    port = method.interfaces().get("d")
    if port is None or port.outputs[0] != LOGITS or len(port.inputs) > 1:
        return None
    axis, dims = axis_of(dataset), dataset.spec["image"].shape[0]
    places = np.stack(np.meshgrid(*[axis] * dims), -1)  # [M, 1], or [M, M, 2] with x, y in the last
    d = method.networks["d"]
    with paddle.no_grad(), mode(d, training=False):
        logits = d(paddle.to_tensor(places.reshape(-1, dims, 1, 1).astype("float32")))  # [M^dims, dims, 1, 1]
    logits = logits[0] if isinstance(logits, list | tuple) else logits  # the other outputs are classes or codes
    return F.sigmoid(logits).numpy().reshape(places.shape[:-1])
