"""Compares a method with its algorithm, which the tests write out with plain Paddle: both must do the same."""

import inspect

import numpy as np
import paddle
from conftest import SMALL, spec_of

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.device import seed_paddle

SHAPE, CLASSES, NUM, Z_DIM = (1, 28, 28), 4, 8, 5
DATA = SMALL["data"]
SGD = {"name": "sgd", "lr": 0.1}  # not Adam, which hides a loss's scale and enlarges rounding errors
NETWORKS = {
    "generator": {"name": "fully_connected", "widths": [8]},
    "discriminator": {"name": "infogan", "ndf": 4},  # its batch norms depend on which images share a batch
}
PAIRS = {"name": "derived", "images": "fake", "batch_size": NUM, "size": 32}
PLAIN = {"sgd": paddle.optimizer.SGD, "adam": paddle.optimizer.Adam}


def tree(method, networks=NETWORKS, optimizer=SGD, names=("g", "d"), **keys):
    """A small config of a method, with `keys` in its section and the optimizers `names`."""
    return {
        "method": {"name": method, "z_dim": Z_DIM, **keys},
        **networks,
        "optim": {name: optimizer for name in names},
        "data": DATA,
        "train": SMALL["train"],
    }


def translator(method, networks, optimizer=SGD, data=PAIRS, **keys):
    """A small config of a method that translates pictures, with `keys` in its section."""
    made = tree(method, networks, optimizer, **keys) | {"data": data}
    del made["method"]["z_dim"]
    return made


def build(config):
    """The method of a config, for small pictures of four classes or the fields of its own data."""
    checked = check_config(config)
    spec = checked.data.spec()
    return build_method(checked, spec_of(SHAPE, CLASSES) if "label" in spec else spec)


def use_colour_pictures(monkeypatch):
    """Take pictures of 32x32 pixels in colour, for networks that need them."""
    monkeypatch.setitem(globals(), "SHAPE", (3, 32, 32))
    monkeypatch.setitem(globals(), "DATA", {"name": "fake", "size": 32, "batch_size": NUM, "num_images": 44})


def make_batches(num=1, seed=0, spec=None):
    """Batches of noise as pictures, all different, with random classes or attributes; `spec`: of small pictures."""
    rng, spec = np.random.default_rng(seed), spec or spec_of(SHAPE, CLASSES)
    return [{name: paddle.to_tensor(_noise(field, rng)) for name, field in spec.items()} for _ in range(num)]


def _noise(field, rng):
    if field.kind == "label":
        return rng.integers(0, CLASSES, NUM)
    if field.kind == "attributes":
        return rng.integers(0, 2, [NUM, len(field.names)]).astype("float32")
    return rng.uniform(-1, 1, [NUM, *field.shape]).astype("float32")


def noise():
    """Normal noise for a batch."""
    return paddle.randn([NUM, Z_DIM])


def trained(network):
    """A network's trained parameters."""
    return [p for p in network.parameters() if not p.stop_gradient]


def state(network):
    """A copy of everything in a network."""
    return {name: value.numpy() for name, value in network.state_dict().items()}


class Twin:
    """A method's networks at their start, and Paddle's own optimizers for them."""

    def __init__(self, config):
        method = build(config)
        self.networks, self.options = method.networks, method.options
        self.state = method.state
        self._parameters = {
            name: [p for network in own for p in trained(self.networks[network])]
            for name, own in self.options.trains.items()
        }
        self._optimizers = {
            name: PLAIN[keys["name"]](keys["lr"], parameters=self._parameters[name])
            for name, keys in config["optim"].items()
        }

    def apply(self, names, loss):
        """A step of the optimizers (`"g e"`); `paddle.grad` computes the gradient of their parameters and no others.

        Parameters that the loss does not depend on stay as they are.
        """
        own = {name: self._parameters[name] for name in names.split()}
        everything = [p for parameters in own.values() for p in parameters]
        for p, gradient in zip(everything, paddle.grad(loss, everything, allow_unused=True), strict=True):
            if gradient is not None:
                p.grad = gradient
        for name in own:
            self._optimizers[name].step()
            self._optimizers[name].clear_grad()


def assert_equals(config, algorithm, steps=3):
    """Check that some steps of the method equal `algorithm(twin, batches)`, which returns scalars that must be logged.

    An algorithm may take the step as well.

    All weights and buffers must agree, so a leaked gradient, one pass through G too many or in another mode, or another
    order of random draws fails. Returns the method.
    """
    method, twin = build(config), Twin(config)
    takes_step = len(inspect.signature(algorithm).parameters) == 3
    start = {key: state(network) for key, network in method.networks.items()}
    for step in range(1, steps + 1):
        batches = make_batches(method.options.num_batches(step), step, method.spec)
        seed_paddle(0, step)
        logged = method.train_step(batches, step)
        seed_paddle(0, step)
        for key, value in algorithm(twin, batches, *([step] if takes_step else [])).items():
            np.testing.assert_allclose(float(logged[key]), float(value), rtol=1e-4, atol=1e-5, err_msg=key)
    for key, network in method.networks.items():
        theirs = state(twin.networks[key])
        assert any((value != start[key][name]).any() for name, value in theirs.items())
        for name, value in state(network).items():
            np.testing.assert_allclose(value, theirs[name], rtol=1e-4, atol=1e-6, err_msg=f"{key}: {name}")
    return method


def assert_updates(config, expected, monkeypatch):
    """Check that one step takes the `expected` updates in order, and that no gradients are left after it.

    Each update must find gradients on its own network only and change no other.
    """
    method = build(config)
    seen = []
    for name, optimizer in method.optimizers.items():

        def step(name=name, plain=optimizer.step):
            own = method.options.trains[name]
            before = {key: [p.numpy() for p in trained(network)] for key, network in method.networks.items()}
            for key, network in method.networks.items():
                assert any(p.grad is not None for p in network.parameters()) == (key in own), (name, key)
            plain()
            for key, network in method.networks.items():
                changed = any((p.numpy() != old).any() for p, old in zip(trained(network), before[key], strict=True))
                assert changed == (key in own), (name, key)
            seen.append(name)

        monkeypatch.setattr(optimizer, "step", step)
    method.train_step(make_batches(method.options.num_batches(1000), spec=method.spec), 1000)
    assert seen == expected
    assert all(p.grad is None for network in method.networks.values() for p in network.parameters())


def assert_labels_are_seen(method):
    """Check that another label changes the output of both networks of a conditional method for each input."""
    g, d = method.networks["g"], method.networks["d"]
    batch, z = make_batches()[0], noise()
    other = (batch["label"] + 1) % CLASSES
    g.eval()
    d.eval()
    for network, first in ((g, z), (d, batch["image"])):
        change = (network(first, batch["label"]) - network(first, other)).abs().reshape([NUM, -1]).max(1)
        assert float(change.min()) > 1e-6


def assert_classes_come_in_turn(method):
    """Check that a conditional method draws its classes in turn."""
    assert method.samplers()["g"].draw(6)["labels"].tolist() == [0, 1, 2, 3, 0, 1]
    assert method.samplers()["g"](method.samplers()["g"].draw(6)).shape == [6, *SHAPE]
