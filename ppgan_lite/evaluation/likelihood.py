"""The likelihood of real images: the one measure next to which the literature's figures can stand."""

import contextlib

import numpy as np
import paddle

from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import RunError
from ppgan_lite.evaluation.images import Images, RealImages
from ppgan_lite.losses.likelihood import bits_per_dim
from ppgan_lite.methods.base import Likelihood, Method
from ppgan_lite.methods.modes import mode
from ppgan_lite.methods.samplers import parts_of
from ppgan_lite.metrics.samples import mean_and_error
from ppgan_lite.runs.results import Figure

TRAIN_IMAGES = 2000  # few are enough to see whether a model has memorised them


def has_likelihood(method: Method) -> bool:
    """Whether a method says how probable the images of its data are."""
    return isinstance(method, Likelihood) and method.likelihood is not None


def likelihood_protocol(method: Method, num_draws: int | None) -> dict[str, str]:
    """What the likelihood depends on, for a protocol; empty for a method without one."""
    if not has_likelihood(method):
        return {}
    if method.likelihood == "exact":
        return {"likelihood": "exact"}
    return {"likelihood": f"{method.likelihood}, {num_draws or method.num_draws} draws"}


def check_draws(method: Method):
    """Raise RunError unless the method has a bound of the likelihood."""
    name = method.options.name
    if not has_likelihood(method):
        raise RunError(f"--draws: this run's method ({name}) has no likelihood of this data; leave it out")
    if method.likelihood == "exact":
        raise RunError(f"--draws: this run's method ({name}) has an exact likelihood, no bound; leave it out")


def likelihood_figures(method: Method, real: RealImages, num_draws: int | None) -> dict[str, Figure]:
    """Bits per dimension of test and of training images, or nats of whole black and white images.

    Args:
        method: the method; without a likelihood there are no figures.
        real: the images.
        num_draws: see `Likelihood.log_probability`; None: the method's own number.
    """
    if not has_likelihood(method):
        return {}
    image, num_draws = method.spec["image"], num_draws or method.num_draws
    seed_paddle(real.seed, 0, 5)  # not the random numbers of the generated images
    test = log_probabilities(method, real.test, len(real.test.images), num_draws)
    train = log_probabilities(method, real.train, TRAIN_IMAGES, num_draws)
    if image.levels == 2:
        name, test, train = "nats", -test, -train
    else:
        name, test, train = "bits_per_dim", bits_per_dim(test, image.shape), bits_per_dim(train, image.shape)
    value, error = mean_and_error(test)
    return {name: Figure(value, error=error), f"train_{name}": Figure(float(train.mean()))}


def log_probabilities(method: Likelihood, images: Images, num: int, num_draws: int) -> np.ndarray:
    """The log-probability in nats of the first `num` images, or a bound of it, by the networks that are deployed, [N].

    Args:
        num_draws: see `Likelihood.log_probability`.
    """
    networks, data = method.deployed(), {"image": from_uint8(images.images[:num])}
    if "label" in method.options.takes:
        data["label"] = images.labels[:num]
    with paddle.no_grad(), contextlib.ExitStack() as modes:
        for network in networks.values():
            modes.enter_context(mode(network, training=False))
        parts = [method.log_probability(networks, part, num_draws).numpy() for part in parts_of(data)]
    return np.concatenate(parts)
