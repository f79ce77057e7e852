"""What tells networks a class or a code beside their noise or image: joined to it, or by their batch norms."""

import paddle
import paddle.nn.functional as F
from paddle import nn


class ConditionalGenerator(nn.Layer):
    """Noise [N, z_dim], classes [N] and (if there are any) codes [N, M] -> images [N, C, H, W].

    The class is joined to the noise as a one-hot vector: the generator's first layer, which is linear, embeds it.

    Args:
        generator: a network for noise of z_dim + num_classes + M numbers.
        num_classes: K; classes are integers from 0 to K - 1.
    """

    def __init__(self, generator: nn.Layer, num_classes: int):
        super().__init__()
        self.generator, self.num_classes = generator, num_classes

    def forward(self, z, classes, codes=None):
        one_hot = F.one_hot(classes, self.num_classes)  # [N, K]
        inputs = [z, one_hot] if codes is None else [z, one_hot, codes]
        return self.generator(paddle.concat(inputs, 1))


class ConditionalDiscriminator(nn.Layer):
    """Images [N, C, H, W] and classes [N] -> what the discriminator gives: the class is one more channel, learned.

    Args:
        discriminator: a network for images of C + 1 channels.
        num_classes: classes are integers below it.
        size: H, W.
    """

    def __init__(self, discriminator: nn.Layer, num_classes: int, size: tuple[int, int]):
        super().__init__()
        self.discriminator, self.size = discriminator, size
        self.pictures = nn.Embedding(num_classes, size[0] * size[1])

    def forward(self, images, classes):
        channel = self.pictures(classes).reshape([-1, 1, *self.size])  # [N, H W] -> [N, 1, H, W]
        return self.discriminator(paddle.concat([images, channel], 1))


class ConditionalBatchNorm2D(nn.Layer):
    """Batch norm with a gain and a shift for each class, from 1 and 0 on (de Vries et al. 2017; Dumoulin et al. 2017).

    Features [N, C, H, W] and classes [N] -> [N, C, H, W].

    Args:
        num_features: C.
        num_classes: classes are integers below it.
    """

    def __init__(self, num_features: int, num_classes: int):
        super().__init__()
        fixed = paddle.ParamAttr(trainable=False)  # 1 and 0: without any, Paddle's inference with oneDNN refuses it
        self.normalise = nn.BatchNorm2D(num_features, weight_attr=fixed, bias_attr=fixed)
        self.gains = nn.Embedding(num_classes, num_features, weight_attr=nn.initializer.Constant(1.0))
        self.shifts = nn.Embedding(num_classes, num_features, weight_attr=nn.initializer.Constant(0.0))

    def forward(self, x, classes):
        shape = [-1, x.shape[1], 1, 1]
        return self.normalise(x) * self.gains(classes).reshape(shape) + self.shifts(classes).reshape(shape)
