import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from method_twin import NUM, assert_equals, assert_updates, build, make_batches, noise, tree, use_colour_pictures

from ppgan_lite.engine.ema import follow
from ppgan_lite.methods.progan import level_at

NETWORKS = {"generator": {"name": "progan", "ngf": 4}, "discriminator": {"name": "progan", "ndf": 4}}
PHASES = {"hold": 1, "fade": 2}
SLOW = {"name": "sgd", "lr": 0.01}


@pytest.fixture(autouse=True)
def colour(monkeypatch):
    use_colour_pictures(monkeypatch)


def test_levels_are_held_and_fade_in():
    levels = [level_at(step, hold=2, fade=4, largest=2) for step in range(1, 20)]
    assert levels == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1.25, 1.5, 1.75, 2, 2, 2, 2, 2, 2, 2, 2]


def reals(images, level):
    """Pictures of the level's size as real ones: while it fades in, a mean of both sizes."""
    size = 32 // (4 * 2 ** int(np.ceil(level)))
    small = F.avg_pool2d(images, size) if size > 1 else images
    share = level - int(level)
    if not share:
        return small
    coarse = F.interpolate(F.avg_pool2d(small, 2), scale_factor=2, mode="nearest")
    return (1 - share) * coarse + share * small


def test_steps_equal_the_algorithm_written_out():
    """Five steps, from 4x4 pixels into the fade to 16x16."""

    def algorithm(twin, batches, step):
        g, d = twin.networks["g"], twin.networks["d"]
        level = [0, 0.5, 1, 1, 1.5][step - 1]
        g.set_level(level)
        d.set_level(level)
        real = reals(batches[0]["image"], level)
        fake = g.at_level(noise()).detach()
        real_scores, fake_scores = d(real), d(fake)
        share = paddle.rand([NUM, 1, 1, 1])
        points = (fake + share * (real - fake)).detach()
        points.stop_gradient = False
        (gradient,) = paddle.grad(d(points).sum(), points, create_graph=True)
        penalty = ((gradient.square().sum([1, 2, 3]) + 1e-12).sqrt() - 1).square().mean()
        loss_d = fake_scores.mean() - real_scores.mean()
        twin.apply("d", loss_d + 10 * penalty + 1e-3 * real_scores.square().mean())
        loss_g = -d(g.at_level(noise())).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "reg/gp": penalty, "schedule/level": paddle.full([], level)}

    assert_equals(tree("progan", NETWORKS, SLOW, **PHASES), algorithm, steps=5)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("progan", NETWORKS, d_updates=2, **PHASES), ["d", "d", "g"], monkeypatch)


def test_layers_that_are_not_in_use_stay_as_they_are():
    method = build(tree("progan", NETWORKS, {"name": "adam", "lr": 0.1}, hold=9, fade=9))
    g = method.networks["g"]
    before = {name: p.numpy() for name, p in g.named_parameters()}
    method.train_step(make_batches(spec=method.spec), 1)
    changed = {name.split(".")[0] for name, p in g.named_parameters() if (p.numpy() != before[name]).any()}
    assert changed == {"first", "to_images"}
    assert not any((p.numpy() != before[f"stages.{name}"]).any() for name, p in g.stages.named_parameters())


def test_averages_copy_the_level_and_make_pictures_of_full_size():
    method = build(tree("progan", NETWORKS, **PHASES) | {"train": {"steps": 1, "seed": 0, "ema": 0.9}})
    for step in (1, 2):
        method.train_step(make_batches(spec=method.spec), step)
        follow(method.averages["g"], method.networks["g"], 0.9, step)
    assert method.averages["g"].level.item() == method.networks["d"].level.item() == 0.5
    sampler = method.samplers()["g"]
    assert sampler(sampler.draw(3)).shape == [3, 3, 32, 32]
