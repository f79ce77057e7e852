"""Distributions of pixels with levels: log-probabilities of images, and draws from uniform numbers.

Images are in [-1, 1] and have levels 0 to 255, as `data/pixels.py` makes them, or fewer. Each distribution is computed
from the parameters [N, P, H, W] of a network.
"""

import math

import paddle
import paddle.nn.functional as F

LEVELS = 256  # 8 bits
HALF_LEVEL = 1 / (LEVELS - 1)  # half of the step between two levels in [-1, 1]
LEAST_LOG_SCALE = -7.0  # a logistic narrower than this is one level (Salimans et al. 2017, the authors' code)
LEAST_TEMPERATURE = 1e-3  # at which only the likeliest level is left
LEAST_DIFFERENCE = 1e-4  # smallest one of two values near 1/2, which have an error of 1e-7
LEAST_UNIFORM = 1e-5  # keeps the logarithms of uniform numbers finite


class Categories:
    """A probability for each level of a grey pixel (van den Oord et al. 2016, https://arxiv.org/abs/1601.06759).

    Args:
        levels: number of levels; 2 for black and white.
    """

    meaning = "logits of the levels of each pixel, from black to white"
    num_uniforms = 1

    def __init__(self, levels: int = LEVELS):
        self.num_parameters = levels

    def log_probability(self, parameters, images):
        """The log of p of each pixel in nats, [N, H, W], of images [N, 1, H, W]."""
        levels = ((images[:, 0] + 1) * (self.num_parameters - 1) / 2).round().astype("int64")
        logits = parameters.transpose([0, 2, 3, 1])  # over the last dimension a softmax takes a quarter of the time
        return -F.cross_entropy(logits, levels, reduction="none").squeeze(-1)

    def draw(self, parameters, uniforms, temperature):
        """Pixels [N, 1] by the inverse of the distribution function.

        Args:
            parameters: a pixel's, [N, levels].
            uniforms: uniform in [0, 1], [N, 1].
            temperature: the logits are divided by it, [N, 1].
        """
        levels = _inverse(F.softmax(parameters / temperature.clip(min=LEAST_TEMPERATURE)), uniforms[:, 0]).astype(
            "float32"
        )
        return (levels * (2 / (self.num_parameters - 1)) - 1).unsqueeze(1)


class Logistics:
    """A mixture of discretised logistics over the three channels of a pixel.

    PixelCNN++ (Salimans, Karpathy, Chen and Kingma 2017, eq. 1 to 3, https://arxiv.org/abs/1701.05517): the means of
    green and blue depend on red, and the mean of blue on green. Level 0 has all below it, level 255 all above.

    Args:
        num_mixtures: number of logistics K; the parameters are K weights, and three means, three log scales and three
            coefficients for each, [N, 10 K, H, W].
    """

    meaning = "weights, means, log scales and coefficients of the logistics of each pixel"
    num_uniforms = 4  # for the component, and for each channel

    def __init__(self, num_mixtures: int):
        self.num_mixtures = num_mixtures
        self.num_parameters = 10 * num_mixtures

    def log_probability(self, parameters, images):
        """The log of p of each pixel in nats, [N, H, W], of images [N, 3, H, W]."""
        weights, means, log_scales, coefficients = self._parts(parameters)
        red, green, blue = (images[:, c : c + 1] for c in range(3))  # [N, 1, H, W]
        of_red, of_red_on_blue, of_green_on_blue = coefficients
        means = [means[0], means[1] + of_red * red, means[2] + of_red_on_blue * red + of_green_on_blue * green]
        log_probability = F.log_softmax(weights, 1)  # [N, K, H, W]
        for x, mean, log_scale in zip((red, green, blue), means, log_scales, strict=True):
            log_probability = log_probability + log_of_level(x, mean, log_scale)
        return log_probability.logsumexp(1)

    def draw(self, parameters, uniforms, temperature):
        """Pixels [N, 3]: the component by its uniform number, and each channel by the inverse of its logistic.

        Args:
            parameters: a pixel's, [N, 10 K].
            uniforms: uniform in [0, 1], [N, 4].
            temperature: the logits of the components are divided by it, the scales multiplied with it, [N, 1].
        """
        weights, *parts = self._parts(parameters)
        temperature = temperature.clip(min=LEAST_TEMPERATURE)
        chosen = F.one_hot(_inverse(F.softmax(weights / temperature), uniforms[:, 0]), self.num_mixtures)
        # each [N, 1], for red, green and blue
        means, log_scales, of = ([(part * chosen).sum(1, keepdim=True) for part in three] for three in parts)
        u = uniforms[:, 1:].clip(LEAST_UNIFORM, 1 - LEAST_UNIFORM)
        standard = (u.log() - (1 - u).log()).chunk(3, 1)
        noise = [temperature * scale.exp() * x for scale, x in zip(log_scales, standard, strict=True)]
        red = _rounded(means[0] + noise[0])
        green = _rounded(means[1] + of[0] * red + noise[1])
        blue = _rounded(means[2] + of[1] * red + of[2] * green + noise[2])
        return paddle.concat([red, green, blue], 1)

    def _parts(self, parameters):
        """Weights [N, K, H, W], and for each channel means, log scales and coefficients of that shape."""
        weights, *others = parameters.chunk(10, 1)
        log_scales = [part.clip(min=LEAST_LOG_SCALE) for part in others[3:6]]
        return weights, others[:3], log_scales, [part.tanh() for part in others[6:]]


def log_of_level(x, mean, log_scale):
    """The log of the probability that a logistic gives to the level x, its neighbours' halfway points as limits.

    With a and b the limits minus the mean, divided by the scale, and s the sigmoid it is log(s(a) - s(b)) =
    log s(a) + log s(-b) + log(1 - exp(b - a)), which no rounding makes log 0; at x = -1 it is log s(a), and at x = 1
    log s(-b).
    """
    inverse = (-log_scale).exp()
    upper, lower = (x - mean + HALF_LEVEL) * inverse, (x - mean - HALF_LEVEL) * inverse
    below_top = (x < 1 - HALF_LEVEL).astype(x.dtype)
    above_bottom = (x > HALF_LEVEL - 1).astype(x.dtype)
    inside = (-(-2 * HALF_LEVEL * inverse).expm1()).log()
    return below_top * F.log_sigmoid(upper) + above_bottom * F.log_sigmoid(-lower) + below_top * above_bottom * inside


def log_of_level_normal(x, mean, log_deviation):
    """As `log_of_level`, of a normal distribution (Ho, Jain and Abbeel 2020, eq. 13, https://arxiv.org/abs/2006.11239).

    Where the difference of two values of the distribution function is too small for float32, it is the density times
    the width of a level, which in the tails is less.
    """
    inverse = (-log_deviation).exp()
    middle, half = (x - mean) * inverse, HALF_LEVEL * inverse
    inside = _normal_function(half - middle.abs()) - _normal_function(-half - middle.abs())
    probability = paddle.where(x > 1 - HALF_LEVEL, _normal_function(half - middle), inside)
    probability = paddle.where(x < HALF_LEVEL - 1, _normal_function(half + middle), probability)
    of_density = (2 * half).log() - middle**2 / 2 - math.log(2 * math.pi) / 2
    is_exact = probability > LEAST_DIFFERENCE
    return paddle.where(is_exact, probability.clip(min=LEAST_DIFFERENCE).log(), of_density)


def bits_per_dim(log_probability, shape):
    """Bits per dimension, -log2 p(x) / (C H W), from log-probabilities in nats; tensors, arrays or numbers.

    Args:
        log_probability: whole pictures' log p(x).
        shape: a picture's, (C, H, W).
    """
    return log_probability * (-1 / (math.prod(shape) * math.log(2)))


def log_mean_exp(log_weights):
    """The log of a mean of K weights from their logs, [K, N] -> [N].

    A lower bound of log p(x), if the mean of the weights is p(x); it grows with K (Burda, Grosse and Salakhutdinov
    2016, theorem 1, https://arxiv.org/abs/1509.00519).
    """
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def _normal_function(x):
    """The distribution function of N(0, 1)."""
    return (1 + (x * 2**-0.5).erf()) / 2


def _inverse(probabilities, uniforms):
    """The first index at which the sum of the probabilities [N, K] is above the uniform number, [N]."""
    return (
        (probabilities.cumsum(1) <= uniforms.unsqueeze(1)).astype("int64").sum(1).clip(max=probabilities.shape[1] - 1)
    )


def _rounded(x):
    """Values rounded to the nearest of the 256 levels in [-1, 1]."""
    return ((x.clip(-1, 1) + 1) * ((LEVELS - 1) / 2)).round() * (2 / (LEVELS - 1)) - 1
