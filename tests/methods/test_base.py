import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite.methods.modes import frozen, unchanged_buffers


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1D(4), nn.Linear(4, 1))


def test_frozen_stops_parameter_gradients_but_not_input_gradients():
    net = network()
    x = paddle.randn([5, 3])
    x.stop_gradient = False
    with frozen(net):
        net(x).square().sum().backward()
    assert all(p.grad is None for p in net.parameters())
    assert float(x.grad.abs().sum()) > 0


def test_frozen_makes_only_what_was_trainable_trainable_again():
    net = network()
    net[0].weight.stop_gradient = True
    before = {name: p.stop_gradient for name, p in net.named_parameters()}
    assert sum(before.values()) == 3  # the weight, and batch norm's two statistics
    with pytest.raises(RuntimeError), frozen(net):
        assert all(p.stop_gradient for p in net.parameters())
        raise RuntimeError
    assert {name: p.stop_gradient for name, p in net.named_parameters()} == before


def test_unchanged_buffers_puts_the_statistics_back():
    net = network()
    net(paddle.randn([5, 3]))
    before = net[1]._mean.numpy()
    with unchanged_buffers(net):
        net(paddle.randn([5, 3]) + 10)
        assert np.abs(net[1]._mean.numpy() - before).max() > 0.1
    np.testing.assert_array_equal(net[1]._mean.numpy(), before)
