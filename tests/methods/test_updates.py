import numpy as np
import paddle
from paddle import nn

from ppgan_lite.config.optim import SGD
from ppgan_lite.methods.optimizers import Optimizer
from ppgan_lite.methods.updates import Updates


def updates(**trained):
    options = SGD(name="sgd", lr=0.5)
    return Updates({name: Optimizer(options, networks) for name, networks in trained.items()})


def test_one_optimizer_may_train_several_networks():
    first, second, other = nn.Linear(2, 1), nn.Linear(2, 1), nn.Linear(2, 1)
    update = updates(g={"g_ab": first, "g_ba": second}, d={"d": other})
    before = [network.weight.numpy() for network in (first, second, other)]
    x = paddle.ones([1, 2])
    update.gradient_norms = {}
    update("g", (first(x) + 2 * second(x) + 3 * other(x)).sum())
    np.testing.assert_allclose(first.weight.numpy(), before[0] - 0.5, rtol=1e-6)
    np.testing.assert_allclose(second.weight.numpy(), before[1] - 1, rtol=1e-6)
    np.testing.assert_array_equal(other.weight.numpy(), before[2])
    # The gradient is 1 for three numbers of the first network and 2 for three of the second.
    np.testing.assert_allclose(float(update.gradient_norms["grad_norm/g"]), 15**0.5, rtol=1e-6)


def test_the_parameters_of_several_networks_are_named_by_network():
    networks = {"g_ab": nn.Linear(2, 1), "g_ba": nn.Linear(2, 1)}
    names = Optimizer(SGD(name="sgd", lr=1.0), networks).parameters.keys()
    assert names == {"g_ab.weight", "g_ab.bias", "g_ba.weight", "g_ba.bias"}
    assert Optimizer(SGD(name="sgd", lr=1.0), {"g": networks["g_ab"]}).parameters.keys() == {"weight", "bias"}
