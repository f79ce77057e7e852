"""BigGAN's generator (Brock, Donahue and Simonyan 2019, https://arxiv.org/abs/1809.11096, section 3 and appendix B).

Its discriminator is resnet32's with `init: orthogonal`.
"""

import functools

import paddle
from paddle import nn

from ppgan_lite.networks.conditional import plain_batch_norm
from ppgan_lite.networks.initialise import orthogonal
from ppgan_lite.networks.layers import spectral_norms
from ppgan_lite.networks.resnet32 import ResidualGenerator


class Generator(ResidualGenerator):
    """Noise [N, z_dim] and optional labels [N] -> images [N, C, S, S] in [-1, 1], S 32, 64 or 128.

    The noise is split into equal chunks. The first is the linear layer's input; each further one, joined with an
    embedding of the class that all blocks share, gives the gains and shifts of the batch norms of one block. All
    weights are orthogonal at first. Convolutions and linear layers divide theirs by its largest singular value; the
    embedding does not.

    Departure: all blocks are equally wide. So it is in the paper's network for 32x32 images; its larger ones double the
    feature maps with each halving of the size. As in resnet32, the blocks have no biases.

    Args:
        num_classes: number of classes to condition on; None: unconditional, without labels.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int], num_classes: int | None = None):
        chunk = z_dim // options.CHUNKS[image_shape[1]]
        condition_size = chunk + (options.shared if num_classes else 0)
        make_norm = functools.partial(ConditionedBatchNorm2D, condition_size=condition_size)
        super().__init__(options, chunk, image_shape, make_norm)
        self.num_classes = num_classes
        self.classes = nn.Embedding(num_classes, options.shared) if num_classes else None
        orthogonal(self)
        spectral_norms(self, nn.Conv2D | nn.Linear)

    def forward(self, z, labels=None):
        first, *chunks = z.chunk(len(self.blocks) + 1, axis=1)
        if labels is not None:
            embedded = self.classes(labels)  # [N, shared]
            chunks = [paddle.concat([embedded, chunk], 1) for chunk in chunks]
        return self.generate(first, [(chunk,) for chunk in chunks])


class ConditionedBatchNorm2D(nn.Layer):
    """Batch norm with gains 1 + A c and shifts B c for a vector c: [N, C, H, W], [N, condition_size] -> [N, C, H, W].

    Args:
        num_features: the number of channels, C.
        condition_size: the length of c.
    """

    def __init__(self, num_features: int, condition_size: int):
        super().__init__()
        self.normalise = plain_batch_norm(num_features)
        self.gains = nn.Linear(condition_size, num_features, bias_attr=False)
        self.shifts = nn.Linear(condition_size, num_features, bias_attr=False)

    def forward(self, x, condition):
        shape = [-1, x.shape[1], 1, 1]
        gains = (1 + self.gains(condition)).reshape(shape)
        return self.normalise(x) * gains + self.shifts(condition).reshape(shape)
