"""Classifiers: images [N, C, H, W] in [-1, 1] -> logits [N, num_classes], and the features before the last layer.

The first three are from the blog "PyTorch: from softmax regression to GANs". They rescale pixels to [0, 1], as the blog
does. Initialisation is Paddle's default, not PyTorch's.
"""

import itertools

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.layers import BatchNorm2D, Conv2D, MaxPool2x2, ReLU, as_stored


class Classifier(nn.Layer):
    """A network that computes features, and a linear layer on top: `classify(features(x))`."""

    def __init__(self, num_features: int, num_classes: int):
        super().__init__()
        self.num_features = num_features
        self.classify = nn.Linear(num_features, num_classes)

    def features(self, x):
        """[N, C, H, W] in [-1, 1] -> [N, num_features]."""
        raise NotImplementedError

    def forward(self, x):
        return self.classify(self.features(x))


class SoftmaxRegression(Classifier):
    """One linear layer on the pixels."""

    def __init__(self, options, image_shape: tuple[int, int, int], num_classes: int):
        channels, height, width = image_shape
        super().__init__(channels * height * width, num_classes)

    def features(self, x):
        return _zero_to_one(x).flatten(1)  # [N, C H W]


class FNN(Classifier):
    """One hidden layer with ReLU."""

    def __init__(self, options, image_shape: tuple[int, int, int], num_classes: int):
        super().__init__(options.hidden, num_classes)
        channels, height, width = image_shape
        self.hidden = nn.Linear(channels * height * width, options.hidden)

    def features(self, x):
        return F.relu(self.hidden(_zero_to_one(x).flatten(1)))


class CNN(Classifier):
    """Twice: 5x5 convolution that keeps the size, batch norm, ReLU, max-pool 2."""

    def __init__(self, options, image_shape: tuple[int, int, int], num_classes: int):
        channels, height, width = image_shape
        ncf = options.ncf
        super().__init__(2 * ncf * (height // 4) * (width // 4), num_classes)
        self.layers = nn.Sequential(
            Conv2D(channels, ncf, 5, padding=2), BatchNorm2D(ncf), ReLU(), MaxPool2x2(),
            Conv2D(ncf, 2 * ncf, 5, padding=2), BatchNorm2D(2 * ncf), ReLU(), MaxPool2x2(),
        )  # fmt: skip

    def features(self, x):
        return self.layers(_zero_to_one(x)).flatten(1)


class ResNet(Classifier):
    """The ResNet for CIFAR-10 (He et al. 2016, section 4.2): a 3x3 convolution, three stages, global average pooling.

    Each stage but the first halves the size and doubles the feature maps. One departure: a shortcut that changes the
    shape is a 1x1 convolution (option B of the paper), not zero padding (option A).
    """

    def __init__(self, options, image_shape: tuple[int, int, int], num_classes: int):
        ncf = options.ncf
        super().__init__(4 * ncf, num_classes)
        layers = [Conv2D(image_shape[0], ncf, 3, padding=1), BatchNorm2D(ncf), ReLU()]
        width = ncf
        for stage in range(3):
            for block in range(options.blocks):
                stride = 2 if stage and block == 0 else 1
                layers.append(_ResidualBlock(width, ncf * 2**stage, stride))
                width = ncf * 2**stage
        self.layers = nn.Sequential(*layers)

    def features(self, x):
        return self.layers(x).mean([2, 3])  # [N, 4 ncf]


class Evaluator(Classifier):
    """The network that measures generators, by its features and class probabilities.

    A 5x5 convolution (ncf feature maps) and max-pool 2; a 3x3 convolution (2 ncf) and max-pool 2; two more (2 ncf) and
    max-pool 2; a linear layer to `num_features`. Batch norm and ReLU follow each. Small enough to be part of the
    package: 170,000 parameters for 28x28 images.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], num_classes: int):
        channels, height, width = image_shape
        super().__init__(options.num_features, num_classes)
        ncf = options.ncf
        self.layers = nn.Sequential(
            Conv2D(channels, ncf, 5, padding=2), BatchNorm2D(ncf), ReLU(), MaxPool2x2(),
            Conv2D(ncf, 2 * ncf, 3, padding=1), BatchNorm2D(2 * ncf), ReLU(), MaxPool2x2(),
            Conv2D(2 * ncf, 2 * ncf, 3, padding=1), BatchNorm2D(2 * ncf), ReLU(),
            Conv2D(2 * ncf, 2 * ncf, 3, padding=1), BatchNorm2D(2 * ncf), ReLU(), MaxPool2x2(),
        )  # fmt: skip
        self.embed = nn.Linear(2 * ncf * (height // 8) * (width // 8), options.num_features, bias_attr=False)
        self.norm = nn.BatchNorm1D(options.num_features)
        self.dropout = nn.Dropout(options.dropout)

    def features(self, x):
        return F.relu(self.norm(self.embed(self.layers(x).flatten(1))))

    def forward(self, x):
        return self.classify(self.dropout(self.features(x)))


class PhotoEvaluator(Classifier):
    """The network that measures generators of photographs, by its features and class probabilities.

    A 3x3 convolution to 32 feature maps; in each stage a 3x3 convolution to its width, max-pool 2, and a 3x3
    convolution with a shortcut around it; global average pooling. Batch norm and ReLU follow each convolution.
    720,000 parameters with the default widths.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], num_classes: int):
        super().__init__(options.widths[-1], num_classes)
        layers = [Conv2D(image_shape[0], 32, 3, padding=1), BatchNorm2D(32), ReLU()]
        for narrow, wide in itertools.pairwise([32, *options.widths]):
            layers += [Conv2D(narrow, wide, 3, padding=1), MaxPool2x2(), BatchNorm2D(wide), ReLU(), _Refine(wide)]
        self.layers = nn.Sequential(*layers)

    def features(self, x):
        return self.layers(x).mean([2, 3])


class _Refine(nn.Layer):
    """[N, width, H, W] -> the same shape: x + relu(f(x)), f a 3x3 convolution and batch norm."""

    def __init__(self, width: int):
        super().__init__()
        self.residual = nn.Sequential(Conv2D(width, width, 3, padding=1), BatchNorm2D(width), ReLU())

    def forward(self, x):
        return as_stored(paddle.add, x, self.residual(x))


class _ResidualBlock(nn.Layer):
    """[N, inputs, H, W] -> [N, outputs, H / stride, W / stride]: relu(x + f(x)), f two 3x3 convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.residual = nn.Sequential(
            Conv2D(inputs, outputs, 3, stride=stride, padding=1), BatchNorm2D(outputs), ReLU(),
            Conv2D(outputs, outputs, 3, padding=1), BatchNorm2D(outputs),
        )  # fmt: skip
        self.shortcut = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(Conv2D(inputs, outputs, 1, stride=stride), BatchNorm2D(outputs))

    def forward(self, x):
        return as_stored(lambda x, y: F.relu(x + y), self.shortcut(x), self.residual(x))


def _zero_to_one(x):
    return (x + 1) / 2
