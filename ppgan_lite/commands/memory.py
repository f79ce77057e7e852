"""The memory that a network needs for a picture of any size."""

import math

import numpy as np
import paddle
from paddle import nn

from ppgan_lite.methods.interface import Port

SIDE = 64  # pixels of the picture that is looked at, or the network's multiple if that is larger


def bytes_per_pixel(network: nn.Layer, inputs: tuple[Port, ...]) -> int:
    """Bytes that a network in evaluation mode needs per pixel of a picture on a CPU, about.

    The outputs of all its layers, as inference engines may keep them, and the largest copy that a convolution makes: of
    the patch of each pixel. For CycleGAN's generator that is 20 kB; Paddle took 15 kB (oneDNN 5 kB). For the U-Net of
    pix2pix it is 1.3 kB, and Paddle took 0.5 to 1 kB (oneDNN 2 kB).

    Args:
        network: takes a picture of free size, and other inputs without free sizes.
        inputs: its inputs.
    """
    side = math.ceil(SIDE / inputs[0].multiple) * inputs[0].multiple
    outputs, patches = [], [0]

    def note(layer, given, output):
        outputs.append(output.size)
        patches.append(_patches(layer, given[0], output))

    hooks = [layer.register_forward_post_hook(note) for layer in network.sublayers() if not layer.sublayers()]
    shapes = [(1, *(size or side for size in port.shape)) for port in inputs]
    with paddle.no_grad():
        network(*(paddle.zeros(shape) for shape in shapes))
    for hook in hooks:
        hook.remove()
    return math.ceil((sum(outputs) + max(patches)) / side**2) * np.dtype("float32").itemsize


def _patches(layer: nn.Layer, given, output) -> int:
    """Number of values in the patches that Paddle copies for a convolution of a picture; 0 for any other layer."""
    if not isinstance(layer, nn.Conv2D | nn.Conv2DTranspose):
        return 0
    smaller = output if isinstance(layer, nn.Conv2D) else given
    return math.prod(layer.weight.shape[1:]) * math.prod(smaller.shape[2:])
