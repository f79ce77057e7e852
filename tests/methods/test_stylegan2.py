import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from method_twin import NUM, Z_DIM, assert_equals, assert_updates, build, make_batches, tree, use_colour_pictures

from ppgan_lite.device import seed_paddle
from ppgan_lite.engine.ema import follow

NETWORKS = {
    "generator": {"name": "stylegan2", "ngf": 4, "full_until": 32, "mapping_layers": 2},
    "discriminator": {"name": "stylegan2", "ndf": 4, "full_until": 32},
}
LAZY = {"path_every": 2, "r1_every": 3, "r1_gamma": 0.4}


@pytest.fixture(autouse=True)
def colour(monkeypatch):
    use_colour_pictures(monkeypatch)


def styles(twin, num=NUM):
    """A w for each layer, as in the authors' code with style_mixing_prob 0.5; and the mean of w moves."""
    g = twin.networks["g"]
    w = g.mapping(paddle.randn([num, Z_DIM]))
    g.w_avg.set_value(0.995 * g.w_avg + 0.005 * w.mean(0).detach())
    if float(paddle.rand([])) >= 0.5:
        return [w] * 8
    cut = int(paddle.randint(1, 8, []))
    second = g.mapping(paddle.randn([num, Z_DIM]))
    return [w if i < cut else second for i in range(8)]


def algorithm(twin, batches, step):
    """Karras et al. 2020, and the order of the authors' code: G, path lengths, D, R1."""
    g, d, real, logged = twin.networks["g"], twin.networks["d"], batches[0]["image"], {}
    loss_g = F.softplus(-d(g.synthesise(styles(twin)))).mean()
    twin.apply("g", loss_g)
    if step % 2 == 0:
        w = [each + 0 for each in styles(twin, NUM // 2)]
        images = g.synthesise(w)
        y = paddle.randn(images.shape) / 32  # the square root of the number of pixels
        gradients = paddle.stack(paddle.grad((images * y).sum(), w, create_graph=True), 1)
        lengths = gradients.square().sum(2).mean(1).sqrt()
        mean = twin.state["path_length"] + 0.01 * (lengths.mean().detach() - twin.state["path_length"])
        twin.state["path_length"] = mean
        penalty = (lengths - mean).square().mean()
        twin.apply("g", 2 * 2.0 * penalty)
        logged = {"reg/path": penalty, "score/path_length": mean}
    with paddle.no_grad():
        fake = g.synthesise(styles(twin))
    loss_d = F.softplus(-d(real)).mean() + F.softplus(d(fake)).mean()
    twin.apply("d", loss_d)
    if step % 3 == 0:
        points = real.detach()
        points.stop_gradient = False
        (gradient,) = paddle.grad(d(points).sum(), points, create_graph=True)
        r1 = gradient.square().sum([1, 2, 3]).mean()
        twin.apply("d", 3 * 0.4 / 2 * r1)
        logged["reg/r1"] = r1
    return logged | {"loss/g": loss_g}


def test_steps_equal_the_algorithm_written_out():
    """Six steps: both penalties, alone and together."""
    slow = {"name": "sgd", "lr": 0.01}
    assert_equals(tree("stylegan2", NETWORKS, slow, mixing=0.5, **LAZY), algorithm, steps=6)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    """In step 1000 of path lengths every 4th and R1 every 5th step."""
    assert_updates(tree("stylegan2", NETWORKS, path_every=4, r1_every=5), ["g", "g", "d", "d"], monkeypatch)


@pytest.mark.parametrize(("keys", "expected"), [({"path_weight": 0.0}, ["g", "d"]), ({}, ["g", "g", "d"])])
def test_without_weight_there_are_no_path_lengths(keys, expected, monkeypatch):
    assert_updates(tree("stylegan2", NETWORKS, r1_every=3, **keys), expected, monkeypatch)


@pytest.mark.parametrize(("mixing", "num"), [(0.0, {1}), (0.999, {2}), (0.5, {1, 2})])
def test_styles_are_mixed_with_their_probability(mixing, num):
    method = build(tree("stylegan2", NETWORKS, mixing=mixing))
    seen = set()
    for seed in range(12):
        seed_paddle(0, seed)
        w = method._styles(3)
        assert len(w) == 8
        kinds = [each.numpy().tobytes() for each in w]
        assert kinds == sorted(kinds, key=kinds.index), "one after the other"
        seen.add(len(set(kinds)))
    assert seen == num


def test_averages_copy_the_mean_of_w_and_the_constant_noise():
    method = build(tree("stylegan2", NETWORKS) | {"train": {"steps": 1, "seed": 0, "ema": 0.9}})
    for step in (1, 2):
        method.train_step(make_batches(spec=method.spec), step)
        follow(method.averages["g"], method.networks["g"], 0.9, step)
    ours, average = method.networks["g"], method.averages["g"]
    assert float(ours.w_avg.abs().max()) > 0
    np.testing.assert_array_equal(average.w_avg.numpy(), ours.w_avg.numpy())
    np.testing.assert_array_equal(average.first.noise.numpy(), ours.first.noise.numpy())
    assert (average.constant.numpy() != ours.constant.numpy()).any()


def test_the_mapping_of_the_average_is_deployed():
    method = build(tree("stylegan2", NETWORKS) | {"train": {"steps": 1, "seed": 0, "ema": 0.9}})
    assert method.deployed()["mapping"] is method.averages["g"].mapping
    interfaces = method.interfaces()
    assert [port.name for port in interfaces["g"].inputs] == ["z", "truncation"]
    assert (interfaces["mapping"].inputs[0].name, interfaces["mapping"].outputs[0].name) == ("z", "w")
    assert method.samplers()["g"](method.samplers()["g"].draw(3)).shape == [3, 3, 32, 32]


def test_ada_follows_d_on_real_pictures():
    keys = {"augment": ["colour"], "augment_target": 0.6, "augment_images": 10}
    method = build(tree("stylegan2", NETWORKS, **keys))
    scalars = method.train_step(make_batches(spec=method.spec), 1)
    assert {"augment/strength", "augment/confidence"} <= scalars.keys()
