import numpy as np
import paddle
from paddle import nn

from ppgan_lite.networks.conditional import ConditionalBatchNorm2D, ConditionalDiscriminator, ConditionalGenerator


class Echo(nn.Layer):
    """Returns its input."""

    def forward(self, x):
        return x


LABELS = paddle.to_tensor([2, 0, 1])


def test_the_class_follows_the_noise_as_a_one_hot_vector_then_come_the_codes():
    z, codes = paddle.randn([3, 4]), paddle.randn([3, 2])
    one_hot = np.eye(3)[[2, 0, 1]]
    g = ConditionalGenerator(Echo(), 3)
    np.testing.assert_array_equal(g(z, LABELS).numpy(), np.concatenate([z, one_hot], 1))
    np.testing.assert_array_equal(g(z, LABELS, codes).numpy(), np.concatenate([z, one_hot, codes], 1))


def test_another_class_gives_another_image():
    g = ConditionalGenerator(nn.Linear(7, 2), 3)
    z = paddle.randn([3, 4])
    difference = (g(z, LABELS) - g(z, paddle.zeros([3], "int64"))).abs().sum(1).numpy()
    assert (difference > 0).tolist() == [True, False, True]  # the second one was 0 before


def test_the_class_is_one_more_learned_channel_of_the_image():
    images = paddle.randn([3, 2, 4, 5])
    d = ConditionalDiscriminator(Echo(), 3, (4, 5))
    joined = d(images, LABELS).numpy()
    assert joined.shape == (3, 3, 4, 5)
    np.testing.assert_array_equal(joined[:, :2], images.numpy())
    np.testing.assert_array_equal(joined[:, 2], d.pictures.weight.numpy()[[2, 0, 1]].reshape(3, 4, 5))
    d(images, LABELS)[:, 2].sum().backward()
    assert (d.pictures.weight.grad.numpy() == 1).all()  # each class's picture is learned


def test_another_class_gives_other_logits():
    d = ConditionalDiscriminator(nn.Sequential(nn.Flatten(), nn.Linear(60, 1)), 3, (4, 5))
    images = paddle.randn([3, 2, 4, 5])
    difference = (d(images, LABELS) - d(images, paddle.zeros([3], "int64"))).abs()[:, 0].numpy()
    assert (difference > 0).tolist() == [True, False, True]


def test_each_class_has_its_own_gain_and_shift_after_a_common_batch_norm():
    norm, plain = ConditionalBatchNorm2D(4, 3), nn.BatchNorm2D(4)
    x = 5 + 2 * paddle.randn([3, 4, 6, 6])
    np.testing.assert_allclose(norm(x, LABELS).numpy(), plain(x).numpy(), atol=1e-6)  # gains of 1, shifts of 0
    gains, shifts = np.random.default_rng(0).standard_normal([2, 3, 4]).astype("float32")
    norm.gains.weight.set_value(gains)
    norm.shifts.weight.set_value(shifts)
    gain, shift = (values[[2, 0, 1]][:, :, None, None] for values in (gains, shifts))
    for network in (norm, plain):
        network.eval()
    for mode in ("eval", "train"):
        getattr(norm, mode)(), getattr(plain, mode)()
        np.testing.assert_allclose(norm(x, LABELS).numpy(), gain * plain(x).numpy() + shift, atol=1e-5)
