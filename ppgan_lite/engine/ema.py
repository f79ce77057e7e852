"""Moving averages of networks, which make better pictures than the weights of any one step."""

import paddle
from paddle import nn


def follow(average: nn.Layer, network: nn.Layer, decay: float, step: int):
    """Move `average` towards `network`: a <- decay a + (1 - decay) w, for weights and batch statistics alike.

    Early on the decay is smaller, (1 + step) / (10 + step), or the average would be that of random weights for long (as
    TensorFlow's ExponentialMovingAverage does with `num_updates`). Other buffers are copied: a mean of spectral norm's
    vectors, say, has another length than they have.

    Args:
        average, network: two networks of one architecture.
        decay: share that is kept, from 0 to below 1.
        step: from 1.
    """
    decay = min(decay, (1 + step) / (10 + step))
    averaged = {name for name, _ in network.named_parameters()}  # batch statistics among them
    theirs = network.state_dict()
    with paddle.no_grad():
        for name, value in average.state_dict().items():
            value.set_value(decay * value + (1 - decay) * theirs[name] if name in averaged else theirs[name])
