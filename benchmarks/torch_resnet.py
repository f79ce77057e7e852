"""SNGAN's residual networks and its step in PyTorch, for torch_twin.py: same layers, losses and order as ours.

Widths are those of configs/sngan_cifar10_cpu.yml. With `algebra` there are no biases where a norm cancels them, 1x1
convolutions see the smaller pictures, and a 3x3 convolution with the upsampling before it or the mean after it is one
4x4 convolution of stride 2, as in ours.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

NGF, NDF, Z_DIM, NUM_CLASSES = 48, 48, 128, 10
# A convolution with three taps, then sums of two neighbours, is one with four taps.
PAIRS = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])


def combined(weight, taps):
    """A kernel [O, I, 3, 3] -> [O, I, k, k]: `taps` [k, 3] along both sides."""
    return taps @ weight @ taps.T


class UpConv(nn.Conv2d):
    """Nearest upsampling to twice the size, and a 3x3 convolution."""

    def __init__(self, inputs: int, outputs: int, algebra: bool, bias: bool = False):
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)
        self.algebra = algebra

    def forward(self, x):
        """In the larger size, or in one with the upsampling."""
        if not self.algebra:
            return super().forward(F.interpolate(x, scale_factor=2))
        kernel = combined(self.weight, PAIRS.flip(1)).transpose(0, 1)
        return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)


class ConvMean(nn.Conv2d):
    """A 3x3 convolution and the mean of 2x2 pixels."""

    def __init__(self, inputs: int, outputs: int, algebra: bool):
        super().__init__(inputs, outputs, 3, padding=1)
        self.algebra = algebra

    def forward(self, x):
        """In the larger size, or in one with the mean."""
        if not self.algebra:
            return F.avg_pool2d(super().forward(x), 2)
        return F.conv2d(x, combined(self.weight, PAIRS) / 4, self.bias, stride=2, padding=1)


class Norm(nn.Sequential):
    """Batch norm, then ReLU. [N, C, H, W] -> the same shape."""

    def __init__(self, width: int):
        super().__init__(nn.BatchNorm2d(width), nn.ReLU(True))


class ConditionalNorm(nn.Module):
    """Batch norm with a gain and a shift for each class, then ReLU."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.gains, self.shifts = nn.Embedding(NUM_CLASSES, width), nn.Embedding(NUM_CLASSES, width)
        nn.init.ones_(self.gains.weight)
        nn.init.zeros_(self.shifts.weight)

    def forward(self, x, labels):
        """[N, C, H, W] and labels [N] -> [N, C, H, W]."""
        gains, shifts = (of(labels)[:, :, None, None] for of in (self.gains, self.shifts))
        return F.relu_(self.norm(x) * gains + shifts)


class UpBlock(nn.Module):
    """[N, C, H, W] and, with conditional norms, labels [N] -> [N, C, 2 H, 2 W]."""

    def __init__(self, width: int, norm, algebra: bool):
        super().__init__()
        bias = not algebra  # before a batch norm
        self.norms = nn.ModuleList([norm(width), norm(width)])
        self.enlarge = UpConv(width, width, algebra, bias)
        self.keep = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        shortcut = [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 1, bias=bias)]
        self.shortcut = nn.Sequential(*(shortcut[::-1] if algebra else shortcut))

    def forward(self, x, *labels):
        """The residual and the shortcut."""
        y = self.enlarge(self.norms[0](x, *labels))
        return self.keep(self.norms[1](y, *labels)) + self.shortcut(x)


class Generator(nn.Module):
    """Noise [N, z_dim] and, with conditional norms, labels [N] -> images [N, 3, S, S], S = 4 * 2^num_blocks."""

    def __init__(self, z_dim: int, width: int, num_blocks: int, norm, algebra: bool):
        super().__init__()
        self.width = width
        self.linear = nn.Linear(z_dim, width * 16)
        self.blocks = nn.ModuleList([UpBlock(width, norm, algebra) for _ in range(num_blocks)])
        self.to_images = nn.Sequential(Norm(width), nn.Conv2d(width, 3, 3, padding=1), nn.Tanh())

    def forward(self, z, *labels):
        """The images."""
        x = self.linear(z).view(-1, self.width, 4, 4)
        for block in self.blocks:
            x = block(x, *labels)
        return self.to_images(x)


class DownBlock(nn.Module):
    """[N, C, H, W] -> [N, 48, H / 2, W / 2]."""

    def __init__(self, inputs: int, algebra: bool):
        super().__init__()
        first = inputs == 3
        self.first = [] if first else [nn.ReLU()]
        convolutions = [nn.Conv2d(inputs, NDF, 3, padding=1), ConvMean(NDF, NDF, algebra)]
        self.residual = nn.Sequential(*self.first, convolutions[0], nn.ReLU(True), convolutions[1])
        shortcut = [nn.AvgPool2d(2), nn.Conv2d(inputs, NDF, 1)]
        self.shortcut = nn.Sequential(*(shortcut if first or algebra else shortcut[::-1]))

    def forward(self, x):
        """The residual and the shortcut."""
        return self.residual(x) + self.shortcut(x)


class Block(nn.Module):
    """[N, 48, H, W] -> the same shape."""

    def __init__(self):
        super().__init__()
        first, second = (nn.Conv2d(NDF, NDF, 3, padding=1) for _ in range(2))
        self.residual = nn.Sequential(nn.ReLU(), first, nn.ReLU(True), second)

    def forward(self, x):
        """The residual and x."""
        return self.residual(x) + x


class Discriminator(nn.Module):
    """Images [N, 3, 32, 32] and labels [N] -> scores [N, 1], with spectral norms and a projection."""

    def __init__(self, algebra: bool):
        super().__init__()
        self.blocks = nn.Sequential(DownBlock(3, algebra), DownBlock(NDF, algebra), Block(), Block())
        self.head = nn.Linear(NDF, 1)
        self.of_classes = nn.Embedding(NUM_CLASSES, NDF)
        for layer in list(self.modules()):
            if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
                spectral_norm(layer)

    def forward(self, x, labels):
        """The scores."""
        features = F.relu_(self.blocks(x)).sum((2, 3))
        return self.head(features) + (self.of_classes(labels) * features).sum(1, keepdim=True)


def sngan(algebra: bool):
    """G and D."""
    return Generator(Z_DIM, NGF, 3, ConditionalNorm, algebra), Discriminator(algebra)


def sngan_step(g, d, algebra: bool):
    """SNGAN's step: an update of D on each batch of images, then one of G; labels are drawn."""
    adam_g, adam_d = (torch.optim.Adam(net.parameters(), 2e-4, (0.0, 0.9), fused=True) for net in (g, d))

    def update(optimizer, value):
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    def step(batches):
        for real in batches:
            labels, z = torch.randint(NUM_CLASSES, (len(real),)), torch.randn(len(real), Z_DIM)
            with torch.no_grad():
                fake = g(z, labels)
            loss_d = F.relu(1 - d(real, labels)).mean() + F.relu(1 + d(fake, labels)).mean()
            update(adam_d, loss_d)
        d.requires_grad_(not algebra)
        loss_g = -d(g(torch.randn(len(real), Z_DIM), labels), labels).mean()
        update(adam_g, loss_g)
        d.requires_grad_(True)
        return loss_d, loss_g

    return step
