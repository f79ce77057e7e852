import numpy as np
import paddle
import pytest

from ppgan_lite.losses.adversarial import (
    bce,
    bce_fake,
    bce_real,
    hinge_fake,
    hinge_real,
    least_squares,
    minimax_g,
    relativistic,
)

LOGITS = np.array([[-3.0], [-0.5], [0.0], [2.0]], "float32")
SIGMOID = 1 / (1 + np.exp(-LOGITS.astype("float64")))


def test_closed_forms():
    assert float(bce_real(paddle.to_tensor(LOGITS))) == pytest.approx(-np.log(SIGMOID).mean(), rel=1e-6)
    assert float(bce_fake(paddle.to_tensor(LOGITS))) == pytest.approx(-np.log(1 - SIGMOID).mean(), rel=1e-6)


@pytest.mark.parametrize(("loss", "target"), [(bce_real, 1), (bce_fake, 0)])
def test_gradient_is_sigmoid_minus_target(loss, target):
    logits = paddle.to_tensor(LOGITS, stop_gradient=False)
    loss(logits).backward()
    np.testing.assert_allclose(logits.grad.numpy(), (SIGMOID - target) / len(LOGITS), rtol=1e-5, atol=1e-7)


def test_far_logits_stay_finite():
    far = paddle.to_tensor([[-1e4], [1e4]])
    assert float(bce_real(far)) == pytest.approx(5e3)
    assert float(bce_fake(far)) == pytest.approx(5e3)


def value_and_gradient(loss, values):
    """A loss and N times its gradient, N the number of values: the gradient of the sum."""
    x = paddle.to_tensor(values, stop_gradient=False)
    result = loss(x)
    assert result.shape == []
    result.backward()
    return float(result), x.grad.numpy() * len(values)


CLOSED_FORMS = {  # name -> loss, and its value and slope at each logit x
    "bce(0.9)": (
        lambda x: bce(x, 0.9),
        -0.9 * np.log(SIGMOID) - 0.1 * np.log(1 - SIGMOID),
        SIGMOID - 0.9,
    ),
    "minimax_g": (minimax_g, np.log(1 - SIGMOID), -SIGMOID),
    "least_squares(1)": (lambda x: least_squares(x, 1), (LOGITS - 1) ** 2 / 2, LOGITS - 1),
    "least_squares(0)": (lambda x: least_squares(x, 0), LOGITS**2 / 2, LOGITS),
    "hinge_real": (hinge_real, np.maximum(0, 1 - LOGITS), -1.0 * (LOGITS < 1)),
    "hinge_fake": (hinge_fake, np.maximum(0, 1 + LOGITS), 1.0 * (LOGITS > -1)),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_value_and_gradient_are_the_closed_forms(name):
    loss, values, slopes = CLOSED_FORMS[name]
    value, gradient = value_and_gradient(loss, LOGITS)
    assert value == pytest.approx(values.mean(), rel=1e-5)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("target", "plain"), [(1.0, bce_real), (0.0, bce_fake)])
def test_bce_with_target_0_or_1_is_the_plain_one(target, plain):
    logits = paddle.to_tensor(LOGITS)
    assert float(bce(logits, target)) == pytest.approx(float(plain(logits)), rel=1e-6)


def test_bce_is_least_where_the_sigmoid_is_the_target():
    _, gradient = value_and_gradient(lambda x: bce(x, 0.9), np.array([[np.log(9)]], "float32"))
    assert gradient == pytest.approx(0, abs=1e-6)


def test_minimax_saturates_where_the_other_does_not():
    """Where D is confident that an image is fake: section 3 of the GAN paper."""
    sure = np.array([[-12.0]], "float32")
    assert abs(value_and_gradient(minimax_g, sure)[1]) < 1e-5
    assert value_and_gradient(bce_real, sure)[1] == pytest.approx(-1, abs=1e-5)


def test_the_relativistic_loss_is_that_of_pairs():
    higher, lower = (paddle.to_tensor(values, stop_gradient=False) for values in (LOGITS, LOGITS[::-1].copy()))
    loss = relativistic(higher, lower)
    difference = (LOGITS - LOGITS[::-1]).astype("float64")
    assert float(loss) == pytest.approx(np.log(1 + np.exp(-difference)).mean(), rel=1e-6)
    loss.backward()
    slope = -1 / (1 + np.exp(difference)) / len(LOGITS)
    np.testing.assert_allclose(higher.grad.numpy(), slope, rtol=1e-5)
    np.testing.assert_allclose(lower.grad.numpy(), -slope, rtol=1e-5)
