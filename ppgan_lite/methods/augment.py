"""Augmentation of the pictures that a discriminator sees, so that it cannot learn a small data set by heart.

DiffAugment (Zhao, Liu, Lin, Zhu and Han 2020, https://arxiv.org/abs/2006.10738): the same random transformations for
real and generated pictures, in D's updates and in G's. They are differentiable, so G learns through them, and twice
so, for penalties on D's gradient. All ranges are as in the authors' code.

ADA (Karras, Aittala, Hellsten, Laine, Lehtinen and Aila 2020, section 3.1, https://arxiv.org/abs/2006.06676) applies
each transformation with a probability p only, the strength, and adjusts it: up while D is too sure of real pictures.
"""

import paddle

MEMORY = 4  # calls of `Strength.adapt` over which D's confidence is averaged, about as many as in ADA


class Augment:
    """Random transformations of pictures [N, C, H, W] in [-1, 1]; without names the pictures as they are.

    Args:
        names: keys of TRANSFORMATIONS, applied in the table's order.
        strength: the probability of each transformation for each picture: a number, or a tensor that may change.
    """

    def __init__(self, names: tuple[str, ...], strength=1.0):
        self._transformations = [function for name, function in TRANSFORMATIONS.items() if name in names]
        self._strength = strength

    def __call__(self, images):
        for transform in self._transformations:
            chosen = (paddle.rand([len(images)]) < self._strength).astype(images.dtype)
            images = transform(images, chosen)
        return images


class Strength:
    """ADA's control of the strength of an augmentation.

    r = E[sign(D(x))] over real pictures x is 0 for a D that guesses and 1 for one that knows them all. The strength
    rises while r is above its target and falls while it is below. Departure: r is a moving average, not a mean over
    exactly four batches, so that nothing but `state` is to be kept.

    Args:
        target: r to aim at, from 0 to 1; 0.6 in the paper.
        num_images: number of real pictures after which the strength may have risen from 0 to 1.

    Attributes:
        state: the strength and r, scalar tensors that training changes.
    """

    def __init__(self, target: float, num_images: int):
        self._target, self._num_images = target, num_images
        self.state = {"augment/strength": paddle.zeros([]), "augment/confidence": paddle.full([], target)}

    def adapt(self, outputs):
        """Move the strength by D's outputs on a batch of real pictures [N, 1]: above 0 where D takes them for real."""
        strength, confidence = self.state.values()
        confidence.set_value(confidence + (outputs.detach().sign().mean() - confidence) / MEMORY)
        step = len(outputs) / self._num_images
        strength.set_value((strength + step * (confidence - self._target).sign()).clip(0, 1))


def colour(images, chosen):
    """Random brightness (+-0.5), saturation (0 to 2 times) and contrast (0.5 to 1.5 times).

    Args:
        images: [N, C, H, W] in [-1, 1]; the result may leave this range.
        chosen: 1 for the pictures to change, 0 for the others, [N].

    Together they are a matrix over the channels and a shift for each picture: 20 times as fast as one by one.
    """
    num, channels = images.shape[:2]
    brightness, saturation, contrast = (chosen * (paddle.rand([num]) - 0.5) for _ in range(3))
    saturation, contrast = 1 + 2 * saturation, 1 + contrast
    pixels = images.reshape([num, channels, -1])
    # c (s x + (1 - s) grey(x)), then away from the picture's mean by c
    grey = (contrast * (1 - saturation) / channels).reshape([num, 1, 1])
    matrix = (contrast * saturation).reshape([num, 1, 1]) * paddle.eye(channels) + grey
    shift = brightness + (1 - contrast) * pixels.mean([1, 2])
    return (paddle.matmul(matrix, pixels) + shift.reshape([num, 1, 1])).reshape(images.shape)


def translation(images, chosen):
    """Random shifts of up to an eighth of the size, down or up and right or left; what comes in is grey (0).

    See `colour`. Shifts are products with matrices of zeros and ones: Paddle's own have no double gradient.
    """
    rows, columns = (_shifts(size, chosen) for size in images.shape[2:])
    return paddle.matmul(paddle.matmul(rows, images), columns, transpose_y=True)


def cutout(images, chosen):
    """A grey (0) rectangle of half the height and width at a random place, partly outside the picture. See `colour`."""
    height, width = images.shape[2:]
    rows, columns = _span(height, chosen).unsqueeze(3), _span(width, chosen).unsqueeze(2)
    return images * (1 - chosen.reshape([-1, 1, 1, 1]) * rows * columns)


TRANSFORMATIONS = {"colour": colour, "translation": translation, "cutout": cutout}


def _shifts(size: int, chosen):
    """Matrices that shift `size` pixels by a random number of pixels, [N, 1, size, size]; where not chosen by none."""
    most = int(size / 8 + 0.5)
    shift = paddle.randint(-most, most + 1, [len(chosen), 1, 1]) * chosen.astype("int64").reshape([-1, 1, 1])
    place = paddle.arange(size)
    return (place.reshape([-1, 1]) + shift == place).astype(chosen.dtype).unsqueeze(1)


def _span(size: int, chosen):
    """1 in a span of half of `size` pixels around a random pixel, else 0, [N, 1, size]."""
    length = int(size / 2 + 0.5)
    start = paddle.randint(0, size + 1 - length % 2, [len(chosen), 1, 1]) - length // 2
    place = paddle.arange(size)
    return ((place >= start) & (place < start + length)).astype(chosen.dtype)
