import math

import numpy as np
import paddle
import pytest

from ppgan_lite.losses.reconstruction import attribute_loss, l1


def test_l1_is_the_mean_difference():
    assert float(l1(paddle.to_tensor([[[[1.0, -1.0]]]]), paddle.to_tensor([[[[0.5, 1.0]]]]))) == 1.25


def test_an_attribute_alone_has_the_binary_cross_entropy_and_a_group_the_cross_entropy():
    logits = paddle.to_tensor([[0.0, 0.0, 2.0], [1.0, 3.0, -1.0]])
    attributes = paddle.to_tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    group = [-math.log(0.5), -math.log(math.exp(3) / (math.exp(1) + math.exp(3)))]
    alone = [-math.log(sigmoid(2)), -math.log(sigmoid(-1))]
    expected = np.mean([g + a for g, a in zip(group, alone, strict=True)])
    assert float(attribute_loss(logits, attributes, ((0, 1), (2,)))) == pytest.approx(expected, rel=1e-6)


def test_attributes_are_summed_and_images_averaged():
    logits, attributes = paddle.zeros([3, 4]), paddle.ones([3, 4])
    assert float(attribute_loss(logits, attributes, ((0,), (1,), (2,), (3,)))) == pytest.approx(4 * math.log(2))


def test_the_attributes_of_a_group_need_not_be_neighbours():
    logits = paddle.to_tensor([[5.0, 0.0, 1.0]])
    attributes = paddle.to_tensor([[0.0, 0.0, 1.0]])
    expected = math.log(math.exp(5) + math.exp(1)) - 1 + math.log(2)
    assert float(attribute_loss(logits, attributes, ((0, 2), (1,)))) == pytest.approx(expected, rel=1e-6)
