import paddle
from method_twin import NETWORKS, NUM, assert_equals, assert_updates, noise, tree

WITHOUT_NORM = NETWORKS | {"discriminator": NETWORKS["discriminator"] | {"norm": "none"}}


def test_a_step_equals_the_algorithm_written_out():
    def algorithm(twin, batches):
        assert len(batches) == 2
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            real, fake = batch["image"], g(noise()).detach()
            loss_d = d(fake).mean() - d(real).mean()
            share = paddle.rand([NUM, 1, 1, 1])
            points = share * real + (1 - share) * fake
            points.stop_gradient = False
            (gradient,) = paddle.grad(d(points).sum(), points, create_graph=True)
            penalty = ((gradient.square().sum([1, 2, 3]).sqrt() - 1) ** 2).mean()
            twin.apply("d", loss_d + 3 * penalty)
        loss_g = -d(g(noise())).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "reg/gp": penalty}

    assert_equals(tree("wgan_gp", WITHOUT_NORM, d_updates=2, gp_weight=3.0), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("wgan_gp", WITHOUT_NORM, d_updates=2), ["d", "d", "g"], monkeypatch)
