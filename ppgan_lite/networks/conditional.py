"""Class labels and codes as inputs of networks: concatenated to the noise or the image, or in the batch norms."""

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.layers import BatchNorm2D, as_stored


class ConditionalGenerator(nn.Layer):
    """Noise [N, z_dim], classes [N] and optional codes [N, M] -> images [N, C, H, W].

    The class is concatenated to the noise as a one-hot vector, which the generator's first layer, a linear one, embeds.

    Args:
        generator: a generator with noise of size z_dim + num_classes + M.
        num_classes: the number of classes, K; a class is an integer from 0 to K - 1.
    """

    def __init__(self, generator: nn.Layer, num_classes: int):
        super().__init__()
        self.generator, self.num_classes = generator, num_classes

    def forward(self, z, classes, codes=None):
        one_hot = F.one_hot(classes, self.num_classes)  # [N, K]
        inputs = [z, one_hot] if codes is None else [z, one_hot, codes]
        return self.generator(paddle.concat(inputs, 1))


class ConditionalDiscriminator(nn.Layer):
    """Images [N, C, H, W] and classes [N] -> the discriminator's outputs.

    The class is concatenated to the image as one more channel: a learned embedding of H W numbers.

    Args:
        discriminator: a discriminator for images of C + 1 channels.
        num_classes: the number of classes, K; a class is an integer from 0 to K - 1.
        size: height and width of the images.
    """

    def __init__(self, discriminator: nn.Layer, num_classes: int, size: tuple[int, int]):
        super().__init__()
        self.discriminator, self.size = discriminator, size
        self.pictures = nn.Embedding(num_classes, size[0] * size[1])

    def forward(self, images, classes):
        channel = self.pictures(classes).reshape([-1, 1, *self.size])  # [N, H W] -> [N, 1, H, W]
        return self.discriminator(paddle.concat([images, channel], 1))


class PairDiscriminator(nn.Layer):
    """Two images, [N, C, H, W] and [N, C', H, W] -> the discriminator's outputs for their C + C' channels."""

    def __init__(self, discriminator: nn.Layer):
        super().__init__()
        self.discriminator = discriminator

    def forward(self, given, images):
        return self.discriminator(paddle.concat([given, images], 1))


class ConditionalBatchNorm2D(nn.Layer):
    """Batch norm with a gain (at first 1) and a shift (at first 0) for each class: [N, C, H, W], [N] -> [N, C, H, W].

    De Vries et al. 2017, https://arxiv.org/abs/1707.00683; Dumoulin et al. 2017, https://arxiv.org/abs/1610.07629.

    Args:
        num_features: the number of channels, C.
        num_classes: the number of classes, K; a class is an integer from 0 to K - 1.
    """

    def __init__(self, num_features: int, num_classes: int):
        super().__init__()
        self.normalise = plain_batch_norm(num_features)
        self.gains = nn.Embedding(num_classes, num_features, weight_attr=nn.initializer.Constant(1.0))
        self.shifts = nn.Embedding(num_classes, num_features, weight_attr=nn.initializer.Constant(0.0))

    def forward(self, x, classes):
        shape = [-1, x.shape[1], 1, 1]
        gains, shifts = self.gains(classes).reshape(shape), self.shifts(classes).reshape(shape)
        return as_stored(lambda x, gains, shifts: x * gains + shifts, self.normalise(x), gains, shifts)


def plain_batch_norm(num_features: int) -> BatchNorm2D:
    """Batch norm of [N, num_features, H, W] without a learned gain and shift."""
    fixed = paddle.ParamAttr(trainable=False)  # 1 and 0; without them Paddle Inference with oneDNN fails
    return BatchNorm2D(num_features, weight_attr=fixed, bias_attr=fixed)
