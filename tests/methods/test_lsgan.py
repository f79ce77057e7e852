import pytest
from method_twin import assert_equals, assert_updates, noise, tree


@pytest.mark.parametrize("d_updates", [1, 2])
def test_a_step_equals_the_algorithm_written_out(d_updates):
    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            real, fake = d(batch["image"]), d(g(noise()).detach())
            loss_d = ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2
            twin.apply("d", loss_d)
        loss_g = ((d(g(noise())) - 1) ** 2).mean() / 2
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "score/d_real": real.mean(), "score/d_fake": fake.mean()}

    assert_equals(tree("lsgan", d_updates=d_updates), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("lsgan"), ["d", "g"], monkeypatch)
