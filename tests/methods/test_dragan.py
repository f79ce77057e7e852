import paddle
import paddle.nn.functional as F
from method_twin import NETWORKS, assert_equals, assert_updates, noise, tree

WITHOUT_NORM = NETWORKS | {"discriminator": NETWORKS["discriminator"] | {"norm": "none"}}


def test_a_step_equals_the_algorithm_written_out():
    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        real = batches[0]["image"]
        real_logits, fake_logits = d(real), d(g(noise()).detach())
        ones = paddle.ones_like(real_logits)
        loss_d_real = F.binary_cross_entropy_with_logits(real_logits, ones)
        loss_d_fake = F.binary_cross_entropy_with_logits(fake_logits, 0 * ones)
        shift = 0.25 * real.numpy().std() * paddle.rand(real.shape)
        points = real + (1 - paddle.rand([len(real), 1, 1, 1])) * shift
        points.stop_gradient = False
        (gradient,) = paddle.grad(d(points).sum(), points, create_graph=True)
        penalty = ((gradient.square().sum([1, 2, 3]).sqrt() - 1) ** 2).mean()
        twin.apply("d", loss_d_real + loss_d_fake + 3 * penalty)
        loss_g = F.binary_cross_entropy_with_logits(d(g(noise())), ones)
        twin.apply("g", loss_g)
        return {"loss/d_real": loss_d_real, "loss/d_fake": loss_d_fake, "loss/g": loss_g, "reg/gp": penalty}

    assert_equals(tree("dragan", WITHOUT_NORM, gp_weight=3.0, noise=0.25), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("dragan", WITHOUT_NORM), ["d", "g"], monkeypatch)
