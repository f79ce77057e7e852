import paddle.nn.functional as F
import pytest
from method_twin import assert_equals, assert_updates, noise, tree


@pytest.mark.parametrize("d_updates", [1, 2])
def test_a_step_equals_the_algorithm_written_out(d_updates):
    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            real, fake = d(batch["image"]), d(g(noise()).detach())
            loss_d = -F.log_sigmoid(real - fake.mean()).mean() - F.log_sigmoid(real.mean() - fake).mean()
            twin.apply("d", loss_d)
        real, fake = d(batch["image"]), d(g(noise()))
        loss_g = -F.log_sigmoid(fake - real.mean()).mean() - F.log_sigmoid(fake.mean() - real).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "score/lead": real.mean() - fake.mean()}

    assert_equals(tree("ragan", d_updates=d_updates), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("ragan"), ["d", "g"], monkeypatch)
