"""Networks put into another state for a while, and back as they were."""

import contextlib

from paddle import nn


@contextlib.contextmanager
def frozen(network: nn.Layer):
    """Inside, no gradients are computed for the network's parameters; they still pass through it to its input.

    Only what was trainable before is thawed: `parameters()` of a Paddle layer also lists batch norm's statistics.
    """
    trainable = [parameter for parameter in network.parameters() if not parameter.stop_gradient]
    for parameter in trainable:
        parameter.stop_gradient = True
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.stop_gradient = False


@contextlib.contextmanager
def mode(network: nn.Layer, training: bool):
    """Inside, the network is in training or in evaluation mode; after that, in the one that it was in before."""
    before = network.training
    network.train() if training else network.eval()
    try:
        yield
    finally:
        network.train() if before else network.eval()


@contextlib.contextmanager
def unchanged_buffers(network: nn.Layer):
    """Put the running statistics of the network's batch norms back on leaving."""
    before = {name: value.clone() for name, value in network.state_dict().items() if value.stop_gradient}
    try:
        yield
    finally:
        for name, value in network.state_dict().items():
            if name in before:
                value.set_value(before[name])
