"""The twins compute the same as our networks from the same weights. PyTorch's needs torch (`make benchmark`)."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from conftest import ROOT, spec_of

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import load_config
from ppgan_lite.data.spec import pair
from ppgan_lite.device import seed_paddle
from ppgan_lite.losses.regularizers import path_lengths, zero_centred

sys.path.insert(0, str(ROOT / "benchmarks"))
import paddle_twin
import performance

NUM = 4  # images in a batch
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs torch: pip install -r benchmarks/requirements.txt"
)
every_step = pytest.mark.parametrize(
    ("name", "config", "overrides", "image_shape"),
    [
        ("dcgan28", "dcgan_mnist", [], (1, 28, 28)),
        ("dcgan28_transposed", "dcgan_mnist", ["generator.upsample=transposed"], (1, 28, 28)),
        ("dcgan64", "dcgan64_fake", [], (3, 64, 64)),
        ("gan_keras", "gan_keras_mnist", [], (1, 28, 28)),
        ("wgan_gp", "wgan_gp_mnist_cpu", [], (1, 28, 28)),
    ],
)


def ours(config, overrides, image_shape):
    """Our initial weights, the networks' inputs and outputs, the losses of two steps, and the shape of real data."""
    config = load_config(ROOT / "configs" / f"{config}.yml", overrides)
    method = build_method(config, spec_of(image_shape, 10))
    networks = {name: copies(network) for name, network in method.networks.items()}
    updates = config.method.num_batches(1)  # updates of D, each on its own images
    per_step = () if updates == 1 else (updates,)
    seed_paddle(0)
    z, share = paddle.randn([NUM, config.method.z_dim]), paddle.rand([NUM, 1, 1, 1])
    real = paddle.uniform([*per_step, NUM, *image_shape], min=-1.0, max=1.0)
    with paddle.no_grad():
        fake = method.networks["g"](z)
        logits = method.networks["d"](fake)
    with pytest.MonkeyPatch.context() as patch:  # both frameworks get the same noise
        patch.setattr(method, "draw_z", lambda num: z)
        patch.setattr(paddle, "rand", lambda shape: share)
        steps = [method.train_step([{"image": x} for x in (real if per_step else [real])], i) for i in (1, 2)]
    return SimpleNamespace(
        networks=networks,
        inputs={"z": z, "share": share, "real": real},
        fake=fake.numpy(),
        logits=logits.numpy(),
        losses=[[float(step[key]) for key in step if not key.startswith("accuracy/")] for step in steps],
        shape=(*per_step, config.data.batch_size, *image_shape),
    )


def copies(network):
    """The trainable weights and biases, layer by layer: name in the layer -> numpy array."""
    layers = [dict(layer.named_parameters(include_sublayers=False)) for layer in network.sublayers()]
    layers = [{name: p.numpy().copy() for name, p in layer.items() if not p.stop_gradient} for layer in layers]
    return [layer for layer in layers if layer]


# In a separate process, because torch and paddle each load their own OpenMP.
RUN_TWIN = """
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[1])
import torch_twin
g, d, step, shape = torch_twin.build(sys.argv[2], True)
given = {name: torch.from_numpy(array) for name, array in np.load(sys.argv[3]).items()}
for name, network in (("g", g), ("d", d)):
    for i, parameter in enumerate(network.parameters()):
        parameter.data = given[f"{name}{i}"].reshape(parameter.shape)
    assert f"{name}{i + 1}" not in given
with torch.no_grad():
    fake = g(given["z"])
    logits = d(fake)
torch.randn = lambda *shape: given["z"]
torch.rand = lambda *shape: given["share"]
losses = [[value.item() for value in step(given["real"])] for _ in range(2)]
np.savez(sys.argv[4], fake=fake, logits=logits, losses=losses, shape=shape)
"""


@needs_torch
@every_step
def test_the_torch_twin_computes_the_same_from_the_same_weights(name, config, overrides, image_shape, tmp_path):
    expected = ours(config, overrides, image_shape)
    given = {key: tensor.numpy() for key, tensor in expected.inputs.items()}
    for network, layers in expected.networks.items():
        arrays = [array for layer in layers for array in layer.values()]
        for i, array in enumerate(arrays):  # a linear layer's weight is [in, out] here and [out, in] there
            given[f"{network}{i}"] = array.T.copy() if array.ndim == 2 else array
    np.savez(tmp_path / "given.npz", **given)
    arguments = [ROOT / "benchmarks", name, tmp_path / "given.npz", tmp_path / "twin.npz"]
    subprocess.run([sys.executable, "-c", RUN_TWIN, *map(str, arguments)], check=True)
    twin = np.load(tmp_path / "twin.npz")
    assert tuple(twin["shape"]) == expected.shape
    np.testing.assert_allclose(twin["fake"], expected.fake, atol=1e-4)
    np.testing.assert_allclose(twin["logits"], expected.logits, atol=1e-3)
    np.testing.assert_allclose(twin["losses"], expected.losses, atol=2e-2)


@every_step
def test_the_paddle_twin_computes_the_same_from_the_same_weights(name, config, overrides, image_shape, monkeypatch):
    expected = ours(config, overrides, image_shape)
    g, d, step, shape = paddle_twin.build(name)
    for layers, twin in zip(expected.networks.values(), (g, d), strict=True):
        for weights, layer in zip(layers, [x for x in twin.sublayers() if hasattr(x, "weight")], strict=True):
            for key, array in weights.items():  # a bias that only the twin has is cancelled by its batch norm
                getattr(layer, key).set_value(array)
    with paddle.no_grad():
        fake = g(expected.inputs["z"])
        logits = d(fake)
    monkeypatch.setattr(paddle, "randn", lambda shape: expected.inputs["z"])
    monkeypatch.setattr(paddle, "rand", lambda shape: expected.inputs["share"])
    losses = [[float(value) for value in step(expected.inputs["real"])] for _ in range(2)]
    assert shape == expected.shape
    np.testing.assert_allclose(fake.numpy(), expected.fake, atol=1e-4)
    np.testing.assert_allclose(logits.numpy(), expected.logits, atol=1e-3)
    np.testing.assert_allclose(losses, expected.losses, atol=2e-2)


# As above; pictures are those of both domains, [2, N, C, H, W].
RUN_TRANSLATION = """
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[1])
import torch_twin
g, d, step, shape = torch_twin.build(sys.argv[2], sys.argv[3] == "algebra")
given = {name: torch.from_numpy(array) for name, array in np.load(sys.argv[4]).items()}
i = 0
for parameter in [*g.parameters(), *d.parameters()]:
    array = given[str(i)]
    if parameter.ndim == array.ndim:
        assert parameter.shape == array.shape
        parameter.data, i = array, i + 1
    else:  # a bias that only the twin has is cancelled by its norm
        assert parameter.ndim == 1 and sys.argv[3] == "plain"
assert str(i) not in given
for layer in g.modules():
    if isinstance(layer, torch.nn.Dropout):
        layer.p = 0
losses = [[value.item() for value in step(given["pictures"])] for _ in range(2)]
np.savez(sys.argv[5], losses=losses, shape=shape)
"""


@needs_torch
@pytest.mark.parametrize("form", ["plain", "algebra"])
@pytest.mark.parametrize(
    ("name", "config", "overrides", "size"),
    [("pix2pix", "pix2pix_facades_cpu", ["generator.dropout=0.0"], 128), ("cyclegan", "cyclegan_flowers_cpu", [], 64)],
)
def test_the_torch_twin_of_a_translation_has_the_same_losses(name, config, overrides, size, form, tmp_path):
    config = load_config(ROOT / "configs" / f"{config}.yml", overrides)
    method = build_method(config, pair((3, size, size)))
    layers = [layer for network in method.networks.values() for layer in copies(network)]
    given = {str(i): array for i, array in enumerate(array for layer in layers for array in layer.values())}
    pictures = paddle.uniform([2, config.data.batch_size, 3, size, size], min=-1.0, max=1.0)
    np.savez(tmp_path / "given.npz", pictures=pictures.numpy(), **given)
    steps = [method.train_step([{"a": pictures[0], "b": pictures[1]}], i) for i in (1, 2)]
    losses = np.array([[float(value) for value in step.values()] for step in steps])
    arguments = [ROOT / "benchmarks", name, form, tmp_path / "given.npz", tmp_path / "twin.npz"]
    subprocess.run([sys.executable, "-c", RUN_TRANSLATION, *map(str, arguments)], check=True)
    twin = np.load(tmp_path / "twin.npz")
    assert tuple(twin["shape"]) == tuple(pictures.shape)
    np.testing.assert_allclose(twin["losses"][0], losses[0], rtol=1e-3)
    np.testing.assert_allclose(twin["losses"][1], losses[1], rtol=2e-2)


# As above, for networks with labels, spectral norms or both.
RUN_LATER = """
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[1])
import torch_twin
g, d, step, shape = torch_twin.build(sys.argv[2], True)
given = {name: torch.from_numpy(array) for name, array in np.load(sys.argv[3]).items()}
for name, network in (("g", g), ("d", d)):
    for i, parameter in enumerate(network.parameters()):
        array = given[f"{name}{i}"]
        parameter.data.copy_(array if array.shape == parameter.shape else array.T)  # .T: a linear layer's weight
    assert f"{name}{i + 1}" not in given
vectors = [buffer for name, buffer in d.named_buffers() if name.endswith("weight_u")]
for i, vector in enumerate(vectors):
    vector.copy_(given[f"u{i}"])
assert f"u{len(vectors)}" not in given
torch.randn = lambda *shape: given["z"]
torch.randint = lambda *arguments: given["labels"]
losses = [[value.item() for value in step(given["real"])] for _ in range(2)]
np.savez(sys.argv[4], losses=losses, shape=shape)
"""


@needs_torch
@pytest.mark.parametrize(
    ("name", "config", "overrides", "size"),
    [
        ("sngan", "sngan_cifar10_cpu", [], 32),
        (
            "r3gan",
            "own_pictures",
            ["method.augment=[]", "method.penalty_every=1", "data={name: fake, batch_size: 32}"],
            64,
        ),
    ],
)
def test_the_torch_twin_of_a_later_method_has_the_same_losses(name, config, overrides, size, tmp_path):
    config = load_config(ROOT / "configs" / f"{config}.yml", overrides)
    method = build_method(config, spec_of((3, size, size), 10))
    given = {
        f"{network}{i}": array
        for network, layer in method.networks.items()
        for i, array in enumerate(array for layer in copies(layer) for array in layer.values())
    }
    vectors = [value for name, value in method.networks["d"].state_dict().items() if name.endswith("weight_u")]
    given |= {f"u{i}": value.numpy().copy() for i, value in enumerate(vectors)}
    updates = config.method.num_batches(1)
    per_step = () if updates == 1 else (updates,)
    seed_paddle(0)
    z, labels = paddle.randn([NUM, config.method.z_dim]), paddle.randint(0, 10, [NUM])
    real = paddle.uniform([*per_step, NUM, 3, size, size], min=-1.0, max=1.0)
    np.savez(tmp_path / "given.npz", z=z.numpy(), labels=labels.numpy(), real=real.numpy(), **given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(method, "draw_z", lambda num: z)
        batches = [{"image": x, "label": labels} for x in (real if per_step else [real])]
        steps = [method.train_step(batches, i) for i in (1, 2)]
    losses = [[float(value) for key, value in step.items() if key.startswith(("loss/", "reg/"))] for step in steps]
    arguments = [ROOT / "benchmarks", name, tmp_path / "given.npz", tmp_path / "twin.npz"]
    subprocess.run([sys.executable, "-c", RUN_LATER, *map(str, arguments)], check=True)
    twin = np.load(tmp_path / "twin.npz")
    assert tuple(twin["shape"]) == (*per_step, config.data.batch_size, 3, size, size)
    np.testing.assert_allclose(twin["losses"][0], losses[0], rtol=1e-3)
    np.testing.assert_allclose(twin["losses"][1], losses[1], rtol=2e-2)


# As above; random numbers are drawn in the same order. The arguments end with the width of both networks.
RUN_STYLES = """
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[1])
import torch_stylegan2
import torch_twin
torch_stylegan2.NGF = torch_stylegan2.NDF = int(sys.argv[5])
g, d, step, shape = torch_twin.build("stylegan2", sys.argv[2] == "algebra")
given = {name: torch.from_numpy(array) for name, array in np.load(sys.argv[3]).items()}
for name, network in (("g", g), ("d", d)):
    for i, parameter in enumerate(network.parameters()):
        assert parameter.shape == given[f"{name}{i}"].shape
        parameter.data = given[f"{name}{i}"]
    assert f"{name}{i + 1}" not in given
rng = np.random.default_rng(0)
torch.randn = lambda *shape: torch.from_numpy(rng.standard_normal(shape, "float32"))
torch.rand = lambda shape: torch.tensor(rng.random())
torch.randint = lambda low, high, shape: torch.tensor(rng.integers(low, high))
with torch.no_grad():
    fake = g(given["z"])
    logits = d(given["real"])
styles = g.mapping(given["z"])[:, None].expand(-1, g.num_styles, -1)
lengths = torch_stylegan2.path_lengths(g, styles)
r1 = torch_stylegan2.r1(d, given["real"])
gradients = {}
for name, network, penalty in (("g", g, lengths.square().mean()), ("d", d, r1)):
    found = torch.autograd.grad(penalty, list(network.parameters()), materialize_grads=True, allow_unused=True)
    gradients |= {f"{name}{i}": gradient for i, gradient in enumerate(found)}
computed = {"fake": fake, "logits": logits, "lengths": lengths.detach(), "r1": r1.detach(), **gradients}
losses = [[value.item() for value in step(given["real"])] for _ in range(2)]
np.savez(sys.argv[4], losses=losses, shape=shape, w_avg=g.w_avg, **computed)
"""


@needs_torch
@pytest.mark.parametrize("form", ["plain", "algebra"])
def test_the_torch_twin_of_stylegan2_has_the_same_outputs_and_penalties(form, tmp_path, monkeypatch):
    num, width = 16, 8  # as many pictures as the fast forms need
    _, config, overrides, _ = next(case for case in performance.LATER if case[-1] == "stylegan2")
    config = load_config(config, [*overrides, f"generator.ngf={width}", f"discriminator.ndf={width}"])
    method = build_method(config, spec_of((3, 64, 64), 10))
    seed_paddle(0)
    g, d = method.networks["g"], method.networks["d"]
    parameters = {f"{name}{i}": p for name in "gd" for i, p in enumerate(method.networks[name].parameters())}
    for parameter in parameters.values():
        if parameter.ndim == 1:  # biases and strengths, at first constant
            parameter.set_value(parameter + 0.3 * paddle.randn(parameter.shape))
    given = {key: torch_shaped(parameter) for key, parameter in parameters.items()}
    z, real = paddle.randn([num, config.method.z_dim]), paddle.uniform([num, 3, 64, 64], min=-1.0, max=1.0)
    np.savez(tmp_path / "given.npz", z=z.numpy(), real=real.numpy(), **given)
    rng = np.random.default_rng(0)
    monkeypatch.setattr(paddle, "randn", lambda shape: paddle.to_tensor(rng.standard_normal(shape, "float32")))
    monkeypatch.setattr(paddle, "rand", lambda shape: paddle.to_tensor(rng.random()))
    monkeypatch.setattr(paddle, "randint", lambda low, high, shape: paddle.to_tensor(rng.integers(low, high)))
    with paddle.no_grad():
        fake, logits = g(z), d(real)
    lengths = path_lengths(g.synthesise(styles := [g.mapping(z) + 0 for _ in range(g.num_styles)]), styles)
    real.stop_gradient = False
    r1 = zero_centred(d(real), real)
    real.stop_gradient = True
    ((lengths * lengths).mean() + r1).backward()
    gradients = {key: torch_shaped(value.grad) for key, value in parameters.items() if value.grad is not None}
    for optimizer in method.optimizers.values():
        optimizer.clear_grad()
    steps = [method.train_step([{"image": real}], step) for step in (1, 2)]
    losses = [[float(value) for key, value in step.items() if key.startswith(("loss/", "reg/"))] for step in steps]
    arguments = [ROOT / "benchmarks", form, tmp_path / "given.npz", tmp_path / "twin.npz", width]
    subprocess.run([sys.executable, "-c", RUN_STYLES, *map(str, arguments)], check=True)
    twin = np.load(tmp_path / "twin.npz")
    assert tuple(twin["shape"]) == (config.data.batch_size, 3, 64, 64)
    np.testing.assert_allclose(twin["fake"], fake.numpy(), atol=1e-4)
    np.testing.assert_allclose(twin["logits"], logits.numpy(), atol=1e-3)
    np.testing.assert_allclose(twin["lengths"], lengths.numpy(), rtol=2e-3)  # rounding may change a ReLU's sign
    np.testing.assert_allclose(twin["r1"], r1.numpy(), rtol=1e-3)
    for key in parameters:
        gradient = gradients.get(key, np.zeros_like(given[key]))  # the last bias has none
        np.testing.assert_allclose(twin[key], gradient, atol=1e-8 + 1e-2 * abs(gradient).max(), err_msg=key)
    np.testing.assert_allclose(twin["w_avg"], g.w_avg.numpy(), atol=1e-4)
    np.testing.assert_allclose(twin["losses"], losses, rtol=2e-2)


def torch_shaped(tensor):
    """A copy as an array; the weight of a linear layer is [in, out] here and [out, in] there."""
    return (tensor.t() if tensor.ndim == 2 else tensor).numpy().copy()
