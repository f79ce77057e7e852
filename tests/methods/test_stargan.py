import paddle
import paddle.nn.functional as F
from method_twin import assert_equals, assert_updates, build, make_batches, translator

from ppgan_lite.losses.regularizers import gradient_penalty

NETWORKS = {
    "generator": {"name": "stargan", "ngf": 2, "blocks": 1},
    "discriminator": {"name": "stargan", "ndf": 2, "layers": 3},
}
DATA = {"name": "coloured_digits", "batch_size": 8}
COLOUR, THICKNESS = slice(0, 3), slice(3, 5)


def config(**keys):
    return translator("stargan", NETWORKS, data=DATA, **keys)


def class_loss(logits, attributes):
    """Cross entropy in each of the two groups."""
    losses = [-(attributes[:, group] * F.log_softmax(logits[:, group])).sum(1) for group in (COLOUR, THICKNESS)]
    return sum(losses).mean()


def test_a_step_equals_the_algorithm_written_out():
    """Eq. 5 and 6 with eq. 8: the wanted attributes are the batch's own, permuted; G is updated on the last batch."""

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            real, own = batch["image"], batch["attributes"]
            wanted = paddle.index_select(own, paddle.randperm(len(own)))
            fake = g(real, wanted).detach()
            real_scores, logits = d(real)
            loss_d = d(fake)[0].mean() - real_scores.mean()
            loss_real = class_loss(logits, own)
            share = paddle.rand([len(real), 1, 1, 1])
            penalty = gradient_penalty(lambda x: d(x)[0], fake + share * (real - fake))
            twin.apply("d", loss_d + 2 * penalty + 3 * loss_real)
        fake = g(real, wanted)
        scores, logits = d(fake)
        loss_fake, loss_rec = class_loss(logits, wanted), (g(fake, own) - real).abs().mean()
        twin.apply("g", -scores.mean() + 3 * loss_fake + 4 * loss_rec)
        return {
            "loss/d": loss_d,
            "loss/g": -scores.mean(),
            "loss/rec": loss_rec,
            "loss/class_real": loss_real,
            "loss/class_fake": loss_fake,
            "score/penalty": penalty,
        }

    assert_equals(config(d_updates=2, gp_weight=2, class_weight=3, rec_weight=4), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(config(d_updates=2), ["d", "d", "g"], monkeypatch)


def test_the_sampler_takes_pictures_and_attributes():
    method = build(config())
    ((name, sampler),) = method.samplers().items()
    assert name == "to_attributes"
    batch = make_batches(spec=method.spec)[0]
    assert sampler({port.name: batch[port.name] for port in sampler.takes}).shape == [8, 3, 32, 32]
    assert sampler.takes[1].names == ("colour=red", "colour=green", "colour=blue", "thickness=thin", "thickness=thick")
