import dataclasses

import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite.config import optim
from ppgan_lite.methods.optimizers import Optimizer

ADAM = optim.Adam(name="adam", lr=0.01, betas=(0.5, 0.9))


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1D(4), nn.Linear(4, 1))


def take_steps(optimizer, net, num, seed=0):
    for i in range(num):
        x = np.random.default_rng([seed, i]).standard_normal([5, 3]).astype("float32")
        net(paddle.to_tensor(x)).square().sum().backward()
        optimizer.step()
        optimizer.clear_grad()


def test_state_exists_before_the_first_step_and_is_named_after_the_parameters():
    for _ in range(2):  # the second network of a process has the same names
        net = network()
        state = Optimizer(ADAM, {"net": net}).state_dict()
        kinds = {"moment1", "moment2", "beta1_pow_acc", "beta2_pow_acc"}
        names = {name for name, p in net.named_parameters() if not p.stop_gradient}
        assert set(state) == {f"{name}/{kind}" for name in names for kind in kinds}


def test_adam_follows_its_paper():
    """One parameter against Kingma and Ba's Algorithm 1 in float64."""
    net = nn.Linear(3, 1, bias_attr=False)
    optimizer = Optimizer(ADAM, {"net": net})
    value = net.weight.numpy().astype("float64")
    m, v = np.zeros_like(value), np.zeros_like(value)
    for t in range(1, 6):
        gradient = np.sin(value * t)
        net.weight.grad = paddle.to_tensor(gradient.astype("float32"))
        optimizer.step()
        m = 0.5 * m + 0.5 * gradient
        v = 0.9 * v + 0.1 * gradient**2
        value = value - 0.01 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.9**t)) + 1e-8)
        np.testing.assert_allclose(net.weight.numpy(), value, rtol=1e-5)


def test_weight_decay_shrinks_weights_but_neither_biases_nor_norms():
    net, twin = network(), network()
    twin.set_state_dict(net.state_dict())
    decayed = Optimizer(dataclasses.replace(ADAM, weight_decay=0.5), {"net": net})
    take_steps(decayed, net, 1)
    plain = Optimizer(ADAM, {"net": twin})
    before = {name: p.numpy() for name, p in twin.named_parameters()}
    take_steps(plain, twin, 1)
    for name, p in twin.named_parameters():
        shrunk = 0.01 * 0.5 * before[name] if p.ndim > 1 else 0
        np.testing.assert_allclose(net.state_dict()[name].numpy(), p.numpy() - shrunk, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "kind",
    [ADAM, dataclasses.replace(ADAM, weight_decay=0.1), optim.RMSprop(name="rmsprop", lr=0.01)],
    ids=["adam", "adamw", "rmsprop"],
)
def test_restored_state_goes_on_bit_for_bit(kind):
    net, twin = network(), network()
    optimizer, restored = Optimizer(kind, {"net": net}), Optimizer(kind, {"net": twin})
    take_steps(optimizer, net, 3)
    for source, target in ((net, twin), (optimizer, restored)):
        for name, tensor in target.state_dict().items():
            tensor.set_value(source.state_dict()[name].numpy())
    take_steps(optimizer, net, 3, seed=1)
    take_steps(restored, twin, 3, seed=1)
    for name, tensor in net.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), twin.state_dict()[name].numpy())


def test_two_optimizers_over_one_network_have_separate_states():
    net = network()
    first, second = Optimizer(ADAM, {"net": net}), Optimizer(ADAM, {"net": net})
    take_steps(first, net, 2)
    assert float(first.state_dict()["0.weight/moment1"].abs().sum()) > 0
    assert float(second.state_dict()["0.weight/moment1"].abs().sum()) == 0


@pytest.mark.parametrize(("size", "tolerance"), [(1.0, 1e-6), (1e-4, 1e-3)], ids=["usual", "as small as WGAN's"])
def test_rmsprop_divides_by_the_root_of_the_mean_square(size, tolerance):
    """PyTorch's: v = 0.99 v + 0.01 g^2, w -= lr g / (sqrt(v) + 1e-8), in float64. The first step is 0.1."""
    paddle.seed(0)
    net = nn.Linear(3, 1, bias_attr=False)
    optimizer = Optimizer(optim.RMSprop(name="rmsprop", lr=0.01), {"net": net})
    assert "weight/mean_square" in optimizer.state_dict()
    value = net.weight.numpy().astype("float64")
    square = np.zeros_like(value)
    for t in range(1, 6):
        gradient = size * np.sin(value * t)
        net.weight.grad = paddle.to_tensor(gradient.astype("float32"))
        optimizer.step()
        square = 0.99 * square + 0.01 * gradient**2
        value = value - 0.01 * gradient / (np.sqrt(square) + 1e-8)
        np.testing.assert_allclose(net.weight.numpy(), value, atol=tolerance)


def test_sgd_goes_down_the_gradient():
    net = nn.Linear(3, 1, bias_attr=False)
    before = net.weight.numpy()
    net.weight.grad = paddle.to_tensor([[1.0], [2.0], [-3.0]])
    Optimizer(optim.SGD(name="sgd", lr=0.5), {"net": net}).step()
    np.testing.assert_allclose(net.weight.numpy(), before - [[0.5], [1.0], [-1.5]], rtol=1e-6)


@pytest.mark.parametrize(
    ("decay", "step", "share"), [(None, 5, 1), ("linear", 1, 1), ("linear", 3, 0.5), ("linear", 4, 0.25)]
)
def test_a_linear_decay_ends_one_step_above_zero(decay, step, share):
    net = nn.Linear(3, 1, bias_attr=False)
    optimizer = Optimizer(optim.SGD(name="sgd", lr=0.5, decay=decay), {"net": net})
    optimizer.schedule(step, 4)
    before = net.weight.numpy()
    net.weight.grad = paddle.ones([3, 1])
    optimizer.step()
    np.testing.assert_allclose(before - net.weight.numpy(), 0.5 * share, rtol=1e-5)


@pytest.mark.parametrize(("step", "share"), [(1, 1), (5, 1), (6, 0.75), (7, 0.5), (8, 0.25)])
def test_a_decay_may_begin_within_the_run(step, share):
    net = nn.Linear(3, 1, bias_attr=False)
    optimizer = Optimizer(optim.SGD(name="sgd", lr=0.5, decay="linear", decay_from=0.5), {"net": net})
    optimizer.schedule(step, 8)
    before = net.weight.numpy()
    net.weight.grad = paddle.ones([3, 1])
    optimizer.step()
    np.testing.assert_allclose(before - net.weight.numpy(), 0.5 * share, rtol=1e-5)


def rates(**options):
    """The learning rate in each of eight steps."""
    net, values = nn.Linear(1, 1, bias_attr=False), []
    optimizer = Optimizer(optim.SGD(name="sgd", lr=0.5, **options), {"net": net})
    for step in range(1, 9):
        optimizer.schedule(step, 8)
        net.weight.set_value(paddle.zeros([1, 1]))
        net.weight.grad = paddle.full([1, 1], -1.0)
        optimizer.step()
        values.append(net.weight.item())
    return values


def test_a_cosine_decay_is_half_a_cosine():
    """0.5 (1 + cos(pi t)) with t from 0 in steps of 1/8; at a third of the way it has three quarters of its height."""
    assert rates(decay="cosine") == pytest.approx([0.25 * (1 + np.cos(np.pi * i / 8)) for i in range(8)])
    late = rates(decay="cosine", decay_from=0.625)  # three steps of decay
    assert late == pytest.approx([0.5] * 6 + [0.5 * 0.75, 0.5 * 0.25])


@pytest.mark.parametrize("decay", ["linear", "cosine"])
def test_a_decay_may_end_above_zero(decay):
    to_zero, to_some = rates(decay=decay), rates(decay=decay, decay_to=0.125)
    assert to_some == pytest.approx([0.125 + 0.75 * rate for rate in to_zero])
    assert min(to_some) == to_some[-1] > 0.125


@pytest.mark.parametrize(("decay", "rate"), [(None, 0.1), ("linear", 0.05)])
def test_a_factor_is_of_the_scheduled_rate_and_lasts_until_the_next(decay, rate):
    optimizer = Optimizer(optim.SGD(name="sgd", lr=0.1, decay=decay), {"net": nn.Linear(1, 1)})
    optimizer.schedule(3, 4)
    for factor in (0.5, 0.5, 0.25):
        optimizer.scale(factor)
        assert optimizer._paddle.get_lr() == pytest.approx(factor * rate)


def test_the_gradient_norm_is_over_all_gradients_as_one_vector():
    net = network()
    optimizer = Optimizer(ADAM, {"net": net})
    assert float(optimizer.gradient_norm()) == 0  # none yet
    net(paddle.randn([5, 3])).square().sum().backward()
    gradients = [p.grad.numpy().ravel() for p in net.parameters() if p.grad is not None]
    assert float(optimizer.gradient_norm()) == pytest.approx(np.linalg.norm(np.concatenate(gradients)), rel=1e-5)
