"""The networks of StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958), for images of 32 to 256 pixels.

As in the authors' code: G with skip connections, D with residual ones, all learning rates equalised, all resampling by
the kernel [1, 3, 3, 1]. A convolution's features are scaled before and after it, which equals a kernel of its own for
each picture (section 2.2) and has the second derivatives that the path length penalty needs; Paddle's for kernels are
wrong.

Departure: all is in float32, where the authors have float16 at the largest sizes.
"""

import itertools

import paddle
from paddle import nn

from ppgan_lite.networks.equalised import (
    ROOT_2,
    SLOPE,
    TINY,
    MinibatchDeviation,
    Reshape,
    add_noise,
    equalised,
    normalised,
)
from ppgan_lite.networks.layers import (
    Clip,
    Conv2D,
    LeakyReLU,
    Linear,
    OutputHeads,
    SmoothPool,
    SmoothPoolConv2D,
    SmoothUpsample,
    as_stored,
    biased,
    fast_or_plain_conv2d,
    scaled,
    smooth_doubling_conv2d,
)
from ppgan_lite.networks.stages import SMALLEST, widths_of

MAPPING_RATE = 0.01  # the mapping's learning rate, as a share of the other layers'


class Generator(nn.Layer):
    """Noise [N, z_dim] -> images [N, C, S, S]; in evaluation mode clipped to [-1, 1].

    The mapping turns z into w. The synthesis starts from a learned 4x4 picture; each further size has two styled
    convolutions, the first of which doubles the size, and adds a picture of its own to the enlarged one of the size
    before. The noise maps are random in training mode and constant in evaluation mode.

    Attributes:
        mapping: noise [N, z_dim] -> w [N, z_dim].
        w_avg: the mean of w, a buffer [z_dim]; see `follow_w`.
        style_sizes: for each layer that takes a w, the size of its feature maps in pixels, ascending. As in the
            authors' code the layer that makes a size's picture shares its w with the next convolution.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        super().__init__()
        widths = widths_of(options.ngf, options.full_until, image_shape[1])
        self.mapping = Mapping(z_dim, options.mapping_layers)
        self.register_buffer("w_avg", paddle.zeros([z_dim]))
        self.constant = self.create_parameter(
            [1, widths[0], SMALLEST, SMALLEST], default_initializer=nn.initializer.Normal(0.0, 1.0)
        )
        sizes = [SMALLEST * 2**i for i in range(len(widths))]
        self.first = StyledConv2D(widths[0], widths[0], z_dim, SMALLEST)
        self.blocks = nn.LayerList(
            [
                nn.LayerList(
                    [StyledConv2D(wide, narrow, z_dim, size, up=True), StyledConv2D(narrow, narrow, z_dim, size)]
                )
                for (wide, narrow), size in zip(itertools.pairwise(widths), sizes[1:], strict=True)
            ]
        )
        self.to_images = nn.LayerList([ToImages(width, image_shape[0], z_dim) for width in widths])
        self.enlarge, self.clip = SmoothUpsample(), Clip()
        self.style_sizes = (SMALLEST, *(size for size in sizes[1:] for _ in range(2)), sizes[-1])

    @property
    def num_styles(self) -> int:
        """Number of layers that take a w of their own."""
        return len(self.style_sizes)

    def forward(self, z, truncation=None):
        """Args: z: [N, z_dim]; truncation: [N], from 0 (all images alike) to 1; None: 1."""
        w = self.mapping(z)
        return self.synthesise(w if truncation is None else self.truncate(w, truncation))

    def truncate(self, w, truncation):
        """w_avg + T (w - w_avg), [N, z_dim]: Karras et al. 2019, appendix B, https://arxiv.org/abs/1812.04948."""
        return self.w_avg + truncation.unsqueeze(1) * (w - self.w_avg)

    def follow_w(self, w, decay: float):
        """Move `w_avg` towards the mean of w [N, z_dim]."""
        with paddle.no_grad():
            self.w_avg.set_value(decay * self.w_avg + (1 - decay) * w.mean(0))

    def synthesise(self, w):
        """Images [N, C, S, S] from w: [N, z_dim], [N, num_styles, z_dim] or a list of num_styles tensors [N, z_dim]."""
        if isinstance(w, list):
            styles = w
        else:
            styles = [w] * self.num_styles if w.ndim == 2 else [w[:, i] for i in range(self.num_styles)]
        x = self.first(self.constant.expand([styles[0].shape[0], *self.constant.shape[1:]]), styles[0])
        images = self.to_images[0](x, styles[1])
        for i, (doubling, conv) in enumerate(self.blocks):
            x = conv(doubling(x, styles[2 * i + 1]), styles[2 * i + 2])
            images = self.enlarge(images) + self.to_images[i + 1](x, styles[2 * i + 3])
        return self.clip(images)


class Mapping(nn.Layer):
    """Noise [N, z_dim] -> w [N, z_dim]: z normalised, then linear layers and leaky ReLUs of a low learning rate."""

    def __init__(self, z_dim: int, layers: int):
        super().__init__()
        self.layers = nn.Sequential(*(_linear(z_dim, z_dim, MAPPING_RATE) for _ in range(layers)))

    def forward(self, z):
        return self.layers(normalised(z))


class ModulatedConv2D(nn.Layer):
    """A 3x3 or 1x1 convolution; a style scales its inputs, and with `demodulate` its outputs.

    With w [N, z_dim] and style s = A w + b: x s, the convolution, and 1 / sqrt(sum of (weight s)^2) for each of its
    outputs. The paper's equations 1 and 3, with a kernel for each picture, give the same.

    Shapes: [N, I, H, W], [N, z_dim] -> [N, O, H, W], or with `up` [N, O, 2 H, 2 W].

    Args:
        gain: factor of the outputs.
    """

    def __init__(self, inputs, outputs, z_dim, taps=3, up=False, demodulate=True, gain=1.0):
        super().__init__()
        self.style = equalised(Linear(z_dim, inputs))
        self.style.bias_orig.set_value(paddle.ones([inputs]))
        self.weight = self.create_parameter(
            [outputs, inputs, taps, taps], default_initializer=nn.initializer.Normal(0.0, 1.0)
        )
        self.up, self.demodulate, self.gain = up, demodulate, gain
        self.scale = (inputs * taps**2) ** -0.5

    def forward(self, x, w):
        style, weight = self.style(w), self.weight * self.scale
        x = scaled(self, x, style)
        if self.up:
            x = smooth_doubling_conv2d(self, x, weight)
        else:
            x = fast_or_plain_conv2d(self, x, weight, padding=weight.shape[2] // 2)
        if not self.demodulate:
            return x
        squares = paddle.matmul(style * style, (weight * weight).sum([2, 3]), transpose_y=True)  # [N, O]
        return scaled(self, x, self.gain * (squares + TINY).rsqrt())


class StyledConv2D(nn.Layer):
    """A modulated 3x3 convolution, noise times a learned strength, a bias and a leaky ReLU times sqrt 2.

    Shapes: see `ModulatedConv2D`. The convolution's outputs, the noise and the bias are multiplied by sqrt 2 instead.

    Args:
        size: height and width of the outputs, in pixels, for the noise.
    """

    def __init__(self, inputs, outputs, z_dim, size, up=False):
        super().__init__()
        self.conv = ModulatedConv2D(inputs, outputs, z_dim, up=up, gain=ROOT_2)
        self.register_buffer("noise", paddle.randn([1, 1, size, size]))
        self.strength = self.create_parameter([1], default_initializer=nn.initializer.Constant(0.0))
        self.bias = self.create_parameter([outputs], is_bias=True)
        self.activate = LeakyReLU(SLOPE)

    def forward(self, x, w):
        x = self.conv(x, w)
        if self.training:
            x = add_noise(self, x, paddle.randn([x.shape[0], 1, *x.shape[2:]]), ROOT_2 * self.strength)
        else:
            x = x + ROOT_2 * self.strength * self.noise
        return self.activate(biased(self, x, ROOT_2 * self.bias))


class ToImages(nn.Layer):
    """Feature maps [N, I, H, W] and w [N, z_dim] -> images [N, C, H, W]: a modulated 1x1 convolution and a bias."""

    def __init__(self, inputs, channels, z_dim):
        super().__init__()
        self.conv = ModulatedConv2D(inputs, channels, z_dim, taps=1, demodulate=False)
        self.bias = self.create_parameter([channels], is_bias=True)

    def forward(self, x, w):
        return biased(self, self.conv(x, w), self.bias)


class Discriminator(nn.Layer):
    """Images [N, C, S, S] -> scores [N, 1], or several outputs. It has double gradients.

    A 1x1 convolution; for each size down to 8x8 a block of two 3x3 convolutions, the second of which halves the size;
    the deviation within the minibatch, a 3x3 convolution and two linear layers. Leaky ReLUs times sqrt 2 after all but
    the last.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], outputs: tuple[int, ...] = (1,)):
        super().__init__()
        widths = widths_of(options.ndf, options.full_until, image_shape[1])[::-1]  # from the full size to 4x4
        last = widths[-1]
        block = _ResidualBlock if options.residual else _plain_block
        self.layers = nn.Sequential(
            equalised(Conv2D(image_shape[0], widths[0], 1, bias=True), ROOT_2, ROOT_2),
            LeakyReLU(SLOPE),
            *(block(narrow, wide) for narrow, wide in itertools.pairwise(widths)),
            MinibatchDeviation(),
            equalised(Conv2D(last + 1, last, 3, padding=1, bias=True), ROOT_2, ROOT_2),
            LeakyReLU(SLOPE),
            Reshape(last * SMALLEST**2),
            _linear(last * SMALLEST**2, last),
        )
        self.heads = OutputHeads(last, outputs, lambda *shape: equalised(Linear(*shape)))

    def forward(self, x):
        return self.heads(self.layers(x))


class _ResidualBlock(nn.Layer):
    """[N, inputs, H, W] -> [N, outputs, H / 2, W / 2]: (two convolutions of x + a 1x1 convolution of x) / sqrt 2."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.branch = _plain_block(inputs, outputs)
        self.skip = nn.Sequential(SmoothPool(), equalised(Conv2D(inputs, outputs, 1)))

    def forward(self, x):
        return as_stored(lambda a, b: (a + b) * (1 / ROOT_2), self.branch(x), self.skip(x))


def _plain_block(inputs: int, outputs: int) -> nn.Sequential:
    """[N, inputs, H, W] -> [N, outputs, H / 2, W / 2]."""
    return nn.Sequential(
        equalised(Conv2D(inputs, inputs, 3, padding=1, bias=True), ROOT_2, ROOT_2),
        LeakyReLU(SLOPE),
        equalised(SmoothPoolConv2D(inputs, outputs), ROOT_2, ROOT_2),
        LeakyReLU(SLOPE),
    )


def _linear(inputs: int, outputs: int, rate: float = 1.0) -> nn.Sequential:
    """A linear layer and a leaky ReLU times sqrt 2, [N, inputs] -> [N, outputs]."""
    return nn.Sequential(equalised(Linear(inputs, outputs), ROOT_2, ROOT_2, rate), LeakyReLU(SLOPE))
