import numpy as np
import paddle
import pytest

from ppgan_lite.losses.adversarial import bce_fake, bce_real

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
