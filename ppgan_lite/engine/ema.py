"""A moving average of a generator's weights, which makes better images than the weights of any one step."""

import paddle
from paddle import nn


def follow(average: nn.Layer, network: nn.Layer, decay: float, step: int):
    """Move `average` towards `network`: a <- decay a + (1 - decay) w, for weights and batch statistics alike.

    Early on the decay is smaller, (1 + step) / (10 + step), or the average would be that of random weights for long (as
    TensorFlow's ExponentialMovingAverage does with `num_updates`).

    Args:
        average, network: two networks of one architecture.
        decay: share that is kept, from 0 to below 1.
        step: from 1.
    """
    decay = min(decay, (1 + step) / (10 + step))
    ours, theirs = average.state_dict(), network.state_dict()
    with paddle.no_grad():
        for name, value in ours.items():
            value.set_value(decay * value + (1 - decay) * theirs[name])
