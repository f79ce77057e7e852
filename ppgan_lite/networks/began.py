"""The networks of BEGAN (Berthelot et al. 2017, figure 1, https://arxiv.org/abs/1703.10717) for 28 or 32 pixels.

The generator and the autoencoder's decoder have the same layers. As in the paper's simpler form there are no skip
connections. The paper has no activation at the end, as `end: linear`; tanh keeps images within [-1, 1].
"""

from paddle import nn

from ppgan_lite.networks.layers import Clip, Conv2D, NearestUpsample

ENDS = {"tanh": nn.Tanh, "linear": Clip}
STAGES = 3


class Generator(nn.Layer):
    """Noise or code [N, z_dim] -> images [N, C, S, S] in [-1, 1], with `end: linear` in evaluation mode only.

    Linear to nf x S/4 x S/4; three stages of two 3x3 convolutions with ELU, upsampling between stages; a 3x3
    convolution to C channels.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        super().__init__()
        nf, smallest = options.nf, image_shape[1] // 4
        self.feature_shape = [nf, smallest, smallest]
        self.linear = nn.Linear(z_dim, nf * smallest**2)
        layers = []
        for stage in range(STAGES):
            layers += [NearestUpsample()] if stage else []
            layers += [
                Conv2D(nf, nf, 3, padding=1, bias=True),
                nn.ELU(),
                Conv2D(nf, nf, 3, padding=1, bias=True),
                nn.ELU(),
            ]
        self.layers = nn.Sequential(*layers, Conv2D(nf, image_shape[0], 3, padding=1, bias=True), ENDS[options.end]())

    def forward(self, z):
        return self.layers(self.linear(z).reshape([-1, *self.feature_shape]))  # [N, nf S/4 S/4] -> [N, nf, S/4, S/4]


class Autoencoder(nn.Layer):
    """Images [N, C, S, S] in [-1, 1] -> code [N, z_dim] -> images of the same shape.

    Encoder: a 3x3 convolution to nf feature maps; three stages of two 3x3 convolutions with ELU; between stages one
    with stride 2, which adds nf feature maps; linear to the code. Decoder: a `Generator`.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        super().__init__()
        nf, smallest = options.nf, image_shape[1] // 4
        layers = [Conv2D(image_shape[0], nf, 3, padding=1, bias=True), nn.ELU()]
        for stage in range(1, STAGES + 1):
            width = stage * nf
            layers += [Conv2D(width, width, 3, padding=1, bias=True), nn.ELU()]
            layers += [Conv2D(width, width, 3, padding=1, bias=True), nn.ELU()]
            if stage < STAGES:
                layers += [Conv2D(width, width + nf, 3, stride=2, padding=1, bias=True), nn.ELU()]
        self.encoder = nn.Sequential(*layers)
        self.num_values = STAGES * nf * smallest**2
        self.code = nn.Linear(self.num_values, z_dim)
        self.decoder = Generator(options, z_dim, image_shape)

    def forward(self, x):
        features = self.encoder(x).reshape([-1, self.num_values])  # [N, 3 nf, S/4, S/4] -> [N, 3 nf S/4 S/4]
        return self.decoder(self.code(features))
