"""The discriminator of the InfoGAN paper for MNIST (Chen et al. 2016, table 1, https://arxiv.org/abs/1606.03657).

Lucic et al. 2018 (https://arxiv.org/abs/1711.10337) use it for their comparison of GANs. The paper's generator is
`dcgan28` with `upsample: transposed`.
"""

from paddle import nn

from ppgan_lite.networks.initialise import normal_002
from ppgan_lite.networks.layers import BatchNorm2D, Conv2D, LeakyReLU, OutputHeads, spectral_norms

RECOGNITION_WIDTH = 128  # units of Q's own hidden layer


class Discriminator(nn.Layer):
    """Images [N, C, 28, 28] in [-1, 1] -> logits [N, 1], or several outputs.

    4x4 convolutions with stride 2 to ndf and 2 ndf feature maps, a linear layer to 16 ndf; a LeakyReLU follows each.
    With `norm: batch` the second and the third layer have batch norms; with `spectral` all weights are divided by their
    largest singular value. All outputs but the first (they are Q's) share one more hidden layer of 128 units.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], outputs: tuple[int, ...] = (1,)):
        super().__init__()
        ndf, norm, slope = options.ndf, options.norm, options.slope
        bias = norm != "batch"  # a batch norm cancels it
        self.convolutions = nn.Sequential(
            *_layer(Conv2D(image_shape[0], ndf, 4, stride=2, padding=1, bias=True), norm, None, slope),
            *_layer(Conv2D(ndf, 2 * ndf, 4, stride=2, padding=1, bias=bias), norm, BatchNorm2D(2 * ndf), slope),
        )
        self.num_values = 2 * ndf * 7 * 7
        linear = nn.Linear(self.num_values, 16 * ndf, bias_attr=None if bias else False)
        self.linear = nn.Sequential(*_layer(linear, norm, nn.BatchNorm1D(16 * ndf), slope))
        self.judge = OutputHeads(16 * ndf, outputs[:1])
        self.recognise = None
        if outputs[1:]:
            hidden = nn.Linear(16 * ndf, RECOGNITION_WIDTH, bias_attr=None if bias else False)
            shared = _layer(hidden, norm, nn.BatchNorm1D(RECOGNITION_WIDTH), slope)
            self.recognise = nn.Sequential(*shared, OutputHeads(RECOGNITION_WIDTH, outputs[1:]))
        if options.init == "normal_0.02":
            normal_002(self)
        if norm == "spectral":
            spectral_norms(self, Conv2D | nn.Linear)

    def forward(self, x):
        features = self.linear(self.convolutions(x).reshape([-1, self.num_values]))  # [N, 2 ndf, 7, 7] -> [N, 98 ndf]
        logits = self.judge(features)
        if self.recognise is None:
            return logits
        others = self.recognise(features)
        return (logits, *(others if isinstance(others, tuple) else (others,)))


def _layer(layer: nn.Layer, norm: str, batch_norm: nn.Layer | None, slope: float) -> list[nn.Layer]:
    """A layer, its batch norm with `norm: batch`, and LeakyReLU."""
    return [layer, *([batch_norm] if norm == "batch" and batch_norm else []), LeakyReLU(slope)]
