"""Networks that grow while they are trained (Karras et al. 2018, section 2, https://arxiv.org/abs/1710.10196).

Both have all their layers from the start, and a level that says how many are in use: level 0 is 4x4 pixels, 1 is 8x8,
and 1.25 is on the way to 16x16, where the new layers count for a quarter. Layers that are not in use get no gradient.
"""

import itertools

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.layers import Clip, NearestUpsample
from ppgan_lite.networks.progressive import FirstStage, LastStage, doubling, from_images, halving, to_images
from ppgan_lite.networks.stages import SMALLEST, widths_of


class _Growing(nn.Layer):
    """A network with a level, from 0 to `largest`: a buffer, so that checkpoints and averages have it."""

    def __init__(self, widths: list[int]):
        super().__init__()
        self.largest = len(widths) - 1
        self.register_buffer("level", paddle.zeros([1]))

    def set_level(self, level: float):
        """Use the layers up to this level, from 0 to `largest`."""
        self.level.set_value(paddle.full([1], level, self.level.dtype))

    @paddle.jit.not_to_static  # a graph is made for the level at which it is traced
    def _stage_and_share(self) -> tuple[int, float]:
        """The number of stages in use after the first, and how much the next one counts, from 0 to below 1."""
        level = dict(self.named_buffers())["level"].item()  # `self.level` is symbolic then
        return int(level), level - int(level)


class Generator(_Growing):
    """Noise [N, z_dim] -> images [N, C, S, S], at any level of full size; in evaluation mode clipped to [-1, 1].

    One stage for each size from 4x4 on, and a 1x1 convolution for each that makes its picture. While a size fades in,
    the picture is a mean of its own one and the enlarged one of the size before.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        widths = widths_of(options.ngf, options.full_until, image_shape[1])
        super().__init__(widths)
        self.first = FirstStage(z_dim, widths[0])
        self.stages = nn.LayerList([doubling(*pair) for pair in itertools.pairwise(widths)])
        self.to_images = nn.LayerList([to_images(width, image_shape[0]) for width in widths])
        self.enlarge, self.clip = NearestUpsample(), Clip()

    def forward(self, z):
        images = self.at_level(z)
        while images.shape[2] < SMALLEST * 2**self.largest:
            images = self.enlarge(images)
        return self.clip(images)

    def at_level(self, z):
        """Images [N, C, s, s] of the level's own size: noise [N, z_dim] -> pictures of 4 2^ceil(level) pixels."""
        stage, share = self._stage_and_share()
        x = self.first(z)
        for layer in self.stages[:stage]:
            x = layer(x)
        images = self.to_images[stage](x)
        if not share:
            return images
        return faded(self.enlarge(images), self.to_images[stage + 1](self.stages[stage](x)), share)


class Discriminator(_Growing):
    """Images [N, C, s, s] of the level's size or larger -> scores [N, 1], or several outputs. It has double gradients.

    The generator backwards. Larger images are made smaller by means of 2x2 pixels.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], outputs: tuple[int, ...] = (1,)):
        widths = widths_of(options.ndf, options.full_until, image_shape[1])
        super().__init__(widths)
        self.from_images = nn.LayerList([from_images(image_shape[0], width) for width in widths])
        self.stages = nn.LayerList([halving(wide, narrow) for narrow, wide in itertools.pairwise(widths)])
        self.last = LastStage(widths[0], outputs)

    def forward(self, images):
        stage, share = self._stage_and_share()
        images = self.reduced(images)
        if share:
            finer = self.stages[stage](self.from_images[stage + 1](images))
            x = faded(self.from_images[stage](F.avg_pool2d(images, 2)), finer, share)
        else:
            x = self.from_images[stage](images)
        for layer in reversed(self.stages[:stage]):
            x = layer(x)
        return self.last(x)

    def reduced(self, images):
        """Images of the level's size, from that size or a larger one."""
        stage, share = self._stage_and_share()
        size = SMALLEST * 2 ** (stage + bool(share))
        while images.shape[2] > size:
            images = F.avg_pool2d(images, 2)
        return images

    def faded_in(self, images):
        """Real images [N, C, s, s] as G's are while a size fades in: a mean of each pixel and its block of 2x2."""
        _, share = self._stage_and_share()
        images = self.reduced(images)
        return faded(NearestUpsample()(F.avg_pool2d(images, 2)), images, share) if share else images


def faded(coarse, fine, share: float):
    """(1 - share) coarse + share fine."""
    return coarse + share * (fine - coarse)
