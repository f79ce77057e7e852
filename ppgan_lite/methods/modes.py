"""Context managers that change a network and restore it on leaving."""

import contextlib

from paddle import nn


@contextlib.contextmanager
def frozen(network: nn.Layer):
    """Compute no gradients for the network's parameters; they still flow through the network to its input.

    On leaving, only what was trainable before is trainable again: `parameters()` of a Paddle layer also lists batch
    norm's running statistics.
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
    """Put the network into training or evaluation mode; restore the mode it was in on leaving."""
    before = network.training
    network.train() if training else network.eval()
    try:
        yield
    finally:
        network.train() if before else network.eval()


@contextlib.contextmanager
def unchanged_buffers(network: nn.Layer):
    """Restore the network's buffers on leaving: running statistics, vectors of spectral norms."""
    before = {name: value.clone() for name, value in network.state_dict().items() if value.stop_gradient}
    try:
        yield
    finally:
        for name, value in network.state_dict().items():
            if name in before:
                value.set_value(before[name])
