"""Networks with a picture at every size (Karnewar and Wang 2020, section 2, https://arxiv.org/abs/1903.06048).

The stages are ProGAN's. G makes a picture at each size, and D sees all of them, so that gradients reach every stage
directly. D joins them to its features by the paper's phi_lin_cat, as in the authors' code: half of a stage's features
are a 1x1 convolution of the picture.
"""

import itertools

import paddle
from paddle import nn

from ppgan_lite.networks.layers import Clip, pyramid
from ppgan_lite.networks.progressive import FirstStage, LastStage, doubling, from_images, halving, to_images
from ppgan_lite.networks.stages import SMALLEST, widths_of


class Generator(nn.Layer):
    """Noise [N, z_dim] -> images [N, C, S, S]; in evaluation mode clipped to [-1, 1]."""

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        super().__init__()
        widths = widths_of(options.ngf, options.full_until, image_shape[1])
        self.first = FirstStage(z_dim, widths[0])
        self.stages = nn.LayerList([doubling(*pair) for pair in itertools.pairwise(widths)])
        self.to_images = nn.LayerList([to_images(width, image_shape[0]) for width in widths])
        self.clip = Clip()

    def forward(self, z):
        return self.clip(self.to_images[-1](self._features(z)[-1]))

    def scales(self, z) -> list:
        """Pictures of every size from 4x4 to the full one: noise [N, z_dim] -> a list of [N, C, s, s], not clipped."""
        return [convolve(x) for convolve, x in zip(self.to_images, self._features(z), strict=True)]

    def _features(self, z) -> list:
        """Feature maps of every size, [N, width, s, s] each."""
        features = [self.first(z)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features


class Discriminator(nn.Layer):
    """Images [N, C, S, S], or a list of pictures of every size from 4x4 on -> scores [N, 1], or several outputs."""

    def __init__(self, options, image_shape: tuple[int, int, int], outputs: tuple[int, ...] = (1,)):
        super().__init__()
        channels, widths = image_shape[0], widths_of(options.ndf, options.full_until, image_shape[1])
        halves = [max(1, width // 2) for width in widths[:-1]]  # a stage's features from pictures, and from before
        joined = [*(2 * half for half in halves), widths[-1]]
        self.from_images = nn.LayerList([from_images(channels, width) for width in (*halves, widths[-1])])
        self.stages = nn.LayerList([halving(wide, half) for wide, half in zip(joined[1:], halves, strict=True)])
        self.last = LastStage(joined[0], outputs)

    def forward(self, images):
        sizes = images if isinstance(images, list) else pyramid(images, SMALLEST)
        x = self.from_images[-1](sizes[-1])
        for i in reversed(range(len(self.stages))):
            x = paddle.concat([self.stages[i](x), self.from_images[i](sizes[i])], 1)
        return self.last(x)
