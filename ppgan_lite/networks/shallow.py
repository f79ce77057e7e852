"""A shallow autoencoder for images of 28 pixels: BEGAN's discriminator in a comparison of GANs.

Lucic et al. 2018 (https://arxiv.org/abs/1711.10337) train BEGAN on MNIST with it, and with InfoGAN's generator, which
is `dcgan28` with `upsample: transposed`. One departure: images are in [-1, 1] and end in tanh, theirs in a sigmoid.
"""

from paddle import nn

from ppgan_lite.networks.initialise import normal_002
from ppgan_lite.networks.layers import BatchNorm2D, Conv2D, Conv2DTranspose, LeakyReLU

SLOPE = 0.2  # leaky ReLUs: below 0


class Autoencoder(nn.Layer):
    """Images [N, C, S, S] in [-1, 1] -> code [N, z_dim] -> images of the same shape in [-1, 1].

    Encoder: 4x4 convolutions of stride 2 to nf and 2 nf feature maps, a linear layer to the code with batch norm. The
    decoder is its mirror image, with batch norms. LeakyReLU 0.2 follows each layer but the last.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        super().__init__()
        nf, (channels, size) = options.nf, image_shape[:2]
        self.feature_shape = [2 * nf, size // 4, size // 4]
        num_features = 2 * nf * (size // 4) ** 2
        self.encode = nn.Sequential(
            Conv2D(channels, nf, 4, stride=2, padding=1, bias=True),
            LeakyReLU(SLOPE),
            Conv2D(nf, 2 * nf, 4, stride=2, padding=1, bias=True),
            LeakyReLU(SLOPE),
        )
        self.code = _linear(num_features, z_dim)
        self.expand = _linear(z_dim, num_features)
        self.decode = nn.Sequential(
            Conv2DTranspose(2 * nf, nf, 4, stride=2, padding=1),
            BatchNorm2D(nf),
            LeakyReLU(SLOPE),
            Conv2DTranspose(nf, channels, 4, stride=2, padding=1, bias=True),
            nn.Tanh(),
        )
        normal_002(self)

    def forward(self, x):
        x = self.encode(x)  # [N, 2 nf, S/4, S/4]
        x = self.expand(self.code(x.reshape([x.shape[0], -1])))
        return self.decode(x.reshape([-1, *self.feature_shape]))


def _linear(inputs: int, outputs: int) -> nn.Sequential:
    """A linear layer, its batch norm, which cancels a bias, and LeakyReLU."""
    return nn.Sequential(nn.Linear(inputs, outputs, bias_attr=False), nn.BatchNorm1D(outputs), LeakyReLU(SLOPE))
