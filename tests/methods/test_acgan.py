import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from method_twin import CLASSES, assert_equals, assert_updates, build, make_batches, noise, tree


def cross_entropy(class_logits, labels):
    """-log of the label's probability, a mean."""
    probabilities = F.softmax(class_logits) * paddle.eye(CLASSES)[labels]
    return -probabilities.sum(1).log().mean()


def test_a_step_equals_the_algorithm_written_out():
    def algorithm(twin, batches):
        g, d = twin.networks["g"].generator, twin.networks["d"]
        real, labels = batches[0]["image"], batches[0]["label"]
        one_hot = paddle.eye(CLASSES)[labels]
        real_logits, real_class_logits = d(real)
        fake_logits, fake_class_logits = d(g(paddle.concat([noise(), one_hot], 1)).detach())
        ones = paddle.ones_like(real_logits)
        loss_d_real = F.binary_cross_entropy_with_logits(real_logits, ones)
        loss_d_fake = F.binary_cross_entropy_with_logits(fake_logits, 0 * ones)
        loss_class = cross_entropy(real_class_logits, labels) + cross_entropy(fake_class_logits, labels)
        twin.apply("d", loss_d_real + loss_d_fake + 0.5 * loss_class)
        logits, class_logits = d(g(paddle.concat([noise(), one_hot], 1)))
        loss_g, loss_g_class = F.binary_cross_entropy_with_logits(logits, ones), cross_entropy(class_logits, labels)
        twin.apply("g", loss_g + 0.5 * loss_g_class)
        return {
            "loss/d_real": loss_d_real,
            "loss/d_fake": loss_d_fake,
            "loss/d_class": loss_class,
            "loss/g": loss_g,
            "loss/g_class": loss_g_class,
        }

    assert_equals(tree("acgan", class_weight=0.5), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("acgan"), ["d", "g"], monkeypatch)


def test_a_discriminator_that_knows_nothing_logs_log_k():
    method = build(tree("acgan"))
    for head in (*method.networks["d"].judge, *method.networks["d"].recognise[-1]):
        head.weight.set_value(paddle.zeros(head.weight.shape))
    scalars = method.train_step(make_batches(), 1)
    assert float(scalars["loss/d_class"]) == pytest.approx(2 * np.log(CLASSES), rel=1e-5)
    assert float(scalars["loss/d_real"]) == pytest.approx(np.log(2), rel=1e-5)
    assert (float(scalars["accuracy/d_real"]), float(scalars["accuracy/d_fake"])) == (0, 0)  # logits of 0 are neither
