"""The fully connected networks of the Keras article ("SGAN") and of the PyTorch blog, for data of any shape.

For MNIST and with the defaults, the numbers of parameters are the Keras article's: 1,493,520 in the generator, 533,505
in the discriminator.
"""

import itertools
import math

from paddle import nn

from ppgan_lite.networks.layers import LeakyReLU, Linear, OutputHeads

KERAS_MOMENTUM = 0.8  # fraction of the running statistics that a batch norm keeps in each step


class Generator(nn.Layer):
    """Noise [N, z_dim] -> images [N, C, H, W] in [-1, 1]: linear layers with LeakyReLU 0.2, the last one with tanh.

    Batch norms: with `norm: keras` after each LeakyReLU (momentum 0.8); with `pytorch` before each LeakyReLU but the
    first; with `none` nowhere. The blog passes the article's momentum 0.8 as the norms' epsilon by mistake;
    `norm_epsilon: 0.8` reproduces that.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        super().__init__()
        self.image_shape = list(image_shape)
        layers = []
        for i, (inputs, outputs) in enumerate(itertools.pairwise([z_dim, *options.widths])):
            layers.append(Linear(inputs, outputs))
            if options.norm == "pytorch" and i:
                layers.append(nn.BatchNorm1D(outputs, epsilon=options.norm_epsilon))
            layers.append(LeakyReLU(0.2))
            if options.norm == "keras":
                layers.append(nn.BatchNorm1D(outputs, KERAS_MOMENTUM, options.norm_epsilon))
        last = options.widths[-1] if options.widths else z_dim
        self.layers = nn.Sequential(*layers, Linear(last, math.prod(image_shape)), nn.Tanh())

    def forward(self, z):
        return self.layers(z).reshape([-1, *self.image_shape])  # [N, C H W] -> [N, C, H, W]


class Discriminator(nn.Layer):
    """Images [N, C, H, W] -> logits [N, 1], or several outputs: linear layers with LeakyReLU 0.2. No norms."""

    def __init__(self, options, image_shape: tuple[int, int, int], outputs: tuple[int, ...] = (1,)):
        super().__init__()
        self.num_values = math.prod(image_shape)
        layers = []
        for before, after in itertools.pairwise([self.num_values, *options.widths]):
            layers += [Linear(before, after), LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.heads = OutputHeads(options.widths[-1] if options.widths else self.num_values, outputs)

    def forward(self, x):
        return self.heads(self.layers(x.reshape([-1, self.num_values])))  # [N, C, H, W] -> [N, C H W]
