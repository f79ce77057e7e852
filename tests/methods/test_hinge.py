import paddle.nn.functional as F
import pytest
from method_twin import NETWORKS, assert_equals, assert_updates, noise, tree


def networks(norm):
    return NETWORKS | {"discriminator": NETWORKS["discriminator"] | {"norm": norm}}


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_a_step_equals_the_algorithm_written_out(norm):
    """With `spectral` it is SNGAN: D's weights change with each pass."""

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        real, fake = d(batches[0]["image"]), d(g(noise()).detach())
        loss_d = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        twin.apply("d", loss_d)
        loss_g = -d(g(noise())).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "score/d_real": real.mean(), "score/d_fake": fake.mean()}

    assert_equals(tree("hinge", networks(norm)), algorithm)


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_each_update_has_gradients_of_its_own_only(norm, monkeypatch):
    assert_updates(tree("hinge", networks(norm)), ["d", "g"], monkeypatch)
