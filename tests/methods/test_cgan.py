import paddle
import paddle.nn.functional as F
from method_twin import (
    CLASSES,
    NUM,
    SHAPE,
    assert_classes_come_in_turn,
    assert_equals,
    assert_labels_are_seen,
    assert_updates,
    build,
    noise,
    tree,
)


def test_a_step_equals_the_algorithm_written_out():
    """The label is concatenated to the noise as a one-hot vector, and to the image as a learned channel."""

    def algorithm(twin, batches):
        g, d = twin.networks["g"].generator, twin.networks["d"].discriminator
        real, labels = batches[0]["image"], batches[0]["label"]
        one_hot = paddle.eye(CLASSES)[labels]

        def d_logits(images):
            channel = twin.networks["d"].pictures.weight[labels].reshape([NUM, *SHAPE])
            return d(paddle.concat([images, channel], 1))

        fake = g(paddle.concat([noise(), one_hot], 1)).detach()
        real_logits, fake_logits = d_logits(real), d_logits(fake)
        ones = paddle.ones_like(real_logits)
        loss_d_real = F.binary_cross_entropy_with_logits(real_logits, ones)
        loss_d_fake = F.binary_cross_entropy_with_logits(fake_logits, 0 * ones)
        twin.apply("d", loss_d_real + loss_d_fake)
        loss_g = F.binary_cross_entropy_with_logits(d_logits(g(paddle.concat([noise(), one_hot], 1))), ones)
        twin.apply("g", loss_g)
        return {"loss/d_real": loss_d_real, "loss/d_fake": loss_d_fake, "loss/g": loss_g}

    assert_equals(tree("cgan"), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("cgan"), ["d", "g"], monkeypatch)


def test_both_networks_see_the_label():
    assert_labels_are_seen(build(tree("cgan")))


def test_each_class_is_drawn_in_turn():
    assert_classes_come_in_turn(build(tree("cgan")))
