"""StyleGAN2 in PyTorch, for torch_twin.py: same networks, losses, penalties and order as ours.

Networks and widths are those of configs/stylegan2_flowers64_cpu.yml, without its augmentation and with both penalties
in each step. Features are scaled before and after a convolution, as in training with the authors' code: on a CPU a
kernel for each picture takes longer. So does one 6x6 kernel for a 3x3 convolution and the blur, as ours has.

With `algebra` the factors sqrt 2 of activations are part of the layers before them, as in ours, and the blur has a
gradient of its own, a blur again: PyTorch's second derivative of a convolution with a group for each feature map takes
ten times as long. D is frozen in G's update with and without it, as in the authors' code.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

NGF, NDF, FULL_UNTIL, SIZE = 64, 64, 32, 64
Z_DIM, MAPPING_LAYERS, MAPPING_RATE, MIXING, W_DECAY = 64, 2, 0.01, 0.9, 0.995
R1_GAMMA, PATH_WEIGHT, PATH_DECAY, PATH_SHARE = 0.0256, 2.0, 0.01, 2
ROOT_2, TINY, GROUP = 2**0.5, 1e-8, 4
TAPS = torch.tensor([1.0, 3, 3, 1]) / 8
BLUR = torch.outer(TAPS, TAPS)


def filtered(x, gain: float, stride: int, padding: int, transposed: bool = False):
    """Each feature map filtered by the blur: [N, C, H, W] -> [N, C, H', W']."""
    channels = x.shape[1]
    kernel = (gain * BLUR).expand(channels, 1, 4, 4)
    if transposed and stride == 1:  # the kernel is symmetric
        return F.conv2d(x, kernel, padding=3 - padding, groups=channels)
    function = F.conv_transpose2d if transposed else F.conv2d
    return function(x, kernel, stride=stride, padding=padding, groups=channels)


class Filtered(torch.autograd.Function):
    """`filtered`, with a gradient that is a filter, too, like `upfirdn2d` of the authors' code."""

    @staticmethod
    def forward(ctx, x, *options):
        """The filtered maps."""
        ctx.options = options
        return filtered(x, *options)

    @staticmethod
    def backward(ctx, gradient):
        """The adjoint filter."""
        *options, transposed = ctx.options
        return Filtered.apply(gradient, *options, not transposed), None, None, None, None


class Smooth(nn.Module):
    """The blur [1, 3, 3, 1] / 8 along height and width, or its transpose, times a gain."""

    def __init__(self, algebra: bool, stride: int, padding: int, gain: float = 1.0, transposed: bool = False):
        super().__init__()
        self.function = Filtered.apply if algebra else filtered
        self.options = gain, stride, padding, transposed

    def forward(self, x):
        """[N, C, H, W] -> [N, C, H', W']."""
        return self.function(x, *self.options)


class Activation(nn.Module):
    """A leaky ReLU times sqrt 2, which with `algebra` is the gain of the layer before it."""

    def __init__(self, algebra: bool):
        super().__init__()
        self.algebra = algebra

    def forward(self, x):
        """Any shape -> the same."""
        x = F.leaky_relu(x, 0.2, inplace=True)
        return x if self.algebra else x * ROOT_2


def gain_of(algebra: bool) -> float:
    """The gain of a layer before an activation."""
    return ROOT_2 if algebra else 1.0


class Linear(nn.Module):
    """A linear layer with an equalised learning rate, [N, inputs] -> [N, outputs]."""

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0, rate: float = 1.0, bias: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full([outputs], bias))
        self.scale, self.bias_scale = gain * rate * inputs**-0.5, gain * rate

    def forward(self, x):
        """The outputs."""
        return F.linear(x, self.weight * self.scale, self.bias * self.bias_scale)


class Conv(nn.Module):
    """A convolution with an equalised learning rate; with `down` it blurs and halves the size."""

    def __init__(self, inputs, outputs, taps, gain: float = 1.0, bias: bool = True, down: nn.Module | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, taps, taps))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.bias_scale = gain * (inputs * taps**2) ** -0.5, gain
        self.down = down

    def forward(self, x):
        """[N, inputs, H, W] -> [N, outputs, H, W], or half the size."""
        weight = self.weight * self.scale
        bias = None if self.bias is None else self.bias * self.bias_scale
        if self.down:
            return F.conv2d(self.down(x), weight, bias, stride=2)
        return F.conv2d(x, weight, bias, padding=weight.shape[2] // 2)


class ModulatedConv(nn.Module):
    """A convolution of features times a style; returns the outputs and, with 3x3 taps, the factor of each [N, O]."""

    def __init__(self, inputs, outputs, taps, gain: float = 1.0, up: nn.Module | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, taps, taps))
        self.style = Linear(Z_DIM, inputs, bias=1.0)
        self.scale, self.gain, self.up = (inputs * taps**2) ** -0.5, gain, up

    def forward(self, x, w, bias=None):
        """[N, I, H, W] and w [N, z_dim] -> [N, O, H, W] or twice the size, and the factors or None."""
        style, weight = self.style(w), self.weight * self.scale
        x = x * style[:, :, None, None]
        if weight.shape[2] == 1:
            return F.conv2d(x, weight, bias), None
        factors = (style.square() @ weight.square().sum((2, 3)).T + TINY).rsqrt() * self.gain
        if self.up:
            return self.up(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)), factors
        return F.conv2d(x, weight, padding=1), factors


class StyledConv(nn.Module):
    """A modulated 3x3 convolution, noise, a bias and an activation."""

    def __init__(self, inputs: int, outputs: int, algebra: bool, up: bool = False):
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = gain_of(algebra)
        self.conv = ModulatedConv(inputs, outputs, 3, self.gain, Smooth(algebra, 1, 1, 4.0) if up else None)
        self.activate = Activation(algebra)

    def forward(self, x, w):
        """[N, inputs, H, W] and w [N, z_dim] -> [N, outputs, H, W], or twice the size."""
        x, factors = self.conv(x, w)
        noise = torch.randn(len(x), 1, *x.shape[2:]) * (self.gain * self.strength)
        x = torch.addcmul(noise, x, factors[:, :, None, None])
        return self.activate(x + (self.gain * self.bias)[:, None, None])


class ToImages(nn.Module):
    """Features to pictures: a modulated 1x1 convolution and a bias."""

    def __init__(self, inputs: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))
        self.conv = ModulatedConv(inputs, 3, 1)

    def forward(self, x, w):
        """[N, inputs, H, W] and w [N, z_dim] -> [N, 3, H, W]."""
        return self.conv(x, w, self.bias)[0]


class Mapping(nn.Sequential):
    """Noise [N, z_dim] -> w [N, z_dim]."""

    def __init__(self, algebra: bool):
        layers = [
            (Linear(Z_DIM, Z_DIM, gain_of(algebra), MAPPING_RATE), Activation(algebra)) for _ in range(MAPPING_LAYERS)
        ]
        super().__init__(*itertools.chain(*layers))

    def forward(self, z):
        """W."""
        return super().forward(z * (z.square().mean(1, keepdim=True) + TINY).rsqrt())


class Generator(nn.Module):
    """Noise [N, z_dim] -> images [N, 3, S, S]; `w_avg` follows the mean of w."""

    def __init__(self, algebra: bool):
        super().__init__()
        widths = widths_of(NGF)
        self.register_buffer("w_avg", torch.zeros(Z_DIM))
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.mapping = Mapping(algebra)
        self.first = StyledConv(widths[0], widths[0], algebra)
        pairs = [
            (StyledConv(wide, narrow, algebra, up=True), StyledConv(narrow, narrow, algebra))
            for wide, narrow in itertools.pairwise(widths)
        ]
        self.blocks = nn.ModuleList([nn.ModuleList(pair) for pair in pairs])
        self.to_images = nn.ModuleList([ToImages(width) for width in widths])
        self.enlarge = Smooth(algebra, 2, 1, 4.0, transposed=True)
        self.num_styles = 2 * len(widths)

    def forward(self, z):
        """The images."""
        return self.synthesise(self.mapping(z)[:, None].expand(-1, self.num_styles, -1))

    def synthesise(self, styles):
        """The images from a w for each layer, [N, num_styles, z_dim]."""
        first, *styles = styles.unbind(1)
        x = self.first(self.constant.expand(len(first), -1, -1, -1), first)
        images = self.to_images[0](x, styles[0])
        for i, (doubling, conv) in enumerate(self.blocks):
            x = conv(doubling(x, styles[2 * i]), styles[2 * i + 1])
            images = self.enlarge(images) + self.to_images[i + 1](x, styles[2 * i + 2])
        return images


class Block(nn.Module):
    """[N, inputs, H, W] -> [N, outputs, H / 2, W / 2]: two convolutions, plus a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, algebra: bool):
        super().__init__()
        gain = gain_of(algebra)
        first, second = Conv(inputs, inputs, 3, gain), Conv(inputs, outputs, 3, gain, down=Smooth(algebra, 1, 2))
        self.branch = nn.Sequential(first, Activation(algebra), second, Activation(algebra))
        self.skip = nn.Sequential(Smooth(algebra, 2, 1), Conv(inputs, outputs, 1, bias=False))

    def forward(self, x):
        """Both, divided by sqrt 2."""
        return (self.branch(x) + self.skip(x)) * (1 / ROOT_2)


class MinibatchDeviation(nn.Module):
    """[N, C, H, W] -> [N, C + 1, H, W]: the deviation within groups of pictures."""

    def forward(self, x):
        """The features and the deviation."""
        num, _, height, width = x.shape
        y = x.reshape(min(GROUP, num), -1, *x.shape[1:])
        deviation = (y.var(0, correction=0) + TINY).sqrt().mean((1, 2, 3))  # [groups]
        maps = deviation.repeat(len(y))[:, None, None, None].expand(-1, 1, height, width)
        return torch.cat([x, maps], 1)


def widths_of(most: int) -> list[int]:
    """The numbers of feature maps from 4x4 pixels on."""
    sizes = [4 * 2**i for i in range((SIZE // 4).bit_length())]
    return [most // max(1, size // FULL_UNTIL) for size in sizes]


def stylegan2(algebra: bool):
    """G and D."""
    widths, gain = widths_of(NDF)[::-1], gain_of(algebra)
    last = widths[-1]
    d = nn.Sequential(
        *[Conv(3, widths[0], 1, gain), Activation(algebra)],
        *[Block(narrow, wide, algebra) for narrow, wide in itertools.pairwise(widths)],
        *[MinibatchDeviation(), Conv(last + 1, last, 3, gain), Activation(algebra), nn.Flatten()],
        *[Linear(16 * last, last, gain), Activation(algebra)],
        Linear(last, 1),
    )
    return Generator(algebra), d


def random_styles(g, num: int):
    """A w for each layer [N, num_styles, z_dim], mostly from two noise vectors; `w_avg` follows."""
    w = g.mapping(torch.randn(num, Z_DIM))
    g.w_avg.lerp_(w.detach().mean(0), 1 - W_DECAY)
    styles = w[:, None].expand(-1, g.num_styles, -1)
    if torch.rand([]).item() >= MIXING:
        return styles
    cut = torch.randint(1, g.num_styles, []).item()
    others = g.mapping(torch.randn(num, Z_DIM))[:, None].expand(-1, g.num_styles - cut, -1)
    return torch.cat([styles[:, :cut], others], 1)


def path_lengths(g, styles):
    """How far random changes of each picture's pixels move its styles [N, num_styles, z_dim]: [N]."""
    images = g.synthesise(styles)
    noise = torch.randn(*images.shape) / (images.shape[2] * images.shape[3]) ** 0.5
    (gradients,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
    return gradients.square().sum(2).mean(1).sqrt()


def r1(d, real):
    """The mean of |gradient of D|^2 at real images [N, C, H, W]."""
    images = real.detach().requires_grad_()
    (gradients,) = torch.autograd.grad(d(images).sum(), images, create_graph=True)
    return gradients.square().flatten(1).sum(1).mean()


def stylegan2_step(g, d, algebra: bool):
    """StyleGAN2's step with both penalties: G, the path length penalty of half a batch, D, and R1."""
    adam_g = torch.optim.Adam(g.parameters(), 5.6e-3, (0.0, 0.992), fused=True)
    adam_d = torch.optim.Adam(d.parameters(), 6.6e-3, (0.0, 0.9906), fused=True)
    mean_length = torch.zeros([])

    def update(optimizer, value):
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    def shorten_paths(num):
        lengths = path_lengths(g, random_styles(g, num))
        mean_length.lerp_(lengths.detach().mean(), PATH_DECAY)
        penalty = (lengths - mean_length).square().mean()
        update(adam_g, PATH_WEIGHT * penalty)
        return penalty

    def step(real):
        d.requires_grad_(False)
        loss_g = F.softplus(-d(g.synthesise(random_styles(g, len(real))))).mean()
        update(adam_g, loss_g)
        d.requires_grad_(True)
        path = shorten_paths(max(1, len(real) // PATH_SHARE))
        with torch.no_grad():
            fake = g.synthesise(random_styles(g, len(real)))
        loss_real, loss_fake = F.softplus(-d(real)).mean(), F.softplus(d(fake)).mean()
        update(adam_d, loss_real + loss_fake)
        penalty = r1(d, real)
        update(adam_d, R1_GAMMA / 2 * penalty)
        return loss_g, path, loss_real, loss_fake, penalty

    return step
