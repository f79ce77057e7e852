"""The twin computes the same as ours from the same weights. Needs torch, which only `make benchmark` installs."""

import importlib.util
import subprocess
import sys

import numpy as np
import paddle
import pytest
from conftest import ROOT

from ppgan_lite.build import build_method, seed_paddle
from ppgan_lite.config import load_config

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs torch: pip install -r benchmarks/requirements.txt"
)

# In a process of its own: torch and paddle carry an OpenMP each.
RUN_TWIN = """
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[1])
import torch_twin
g, d = torch_twin.dcgan64() if sys.argv[2] == "dcgan64" else torch_twin.dcgan28(sys.argv[2] != "dcgan28", True)
given = np.load(sys.argv[3])
for name, network in (("g", g), ("d", d)):
    for i, parameter in enumerate(network.parameters()):
        parameter.data = torch.from_numpy(given[f"{name}{i}"]).reshape(parameter.shape)
    assert f"{name}{i + 1}" not in given
with torch.no_grad():
    fake = g(torch.from_numpy(given["z"]))
    np.savez(sys.argv[4], fake=fake.numpy(), logits=d(fake).numpy())
"""


@pytest.mark.parametrize(
    ("step", "config", "overrides", "shape"),
    [
        ("dcgan28", "dcgan_mnist", [], (1, 28, 28)),
        ("dcgan28_transposed", "dcgan_mnist", ["generator.upsample=transposed"], (1, 28, 28)),
        ("dcgan64", "dcgan64_fake", [], (3, 64, 64)),
    ],
)
def test_twin_computes_the_same_from_the_same_weights(step, config, overrides, shape, tmp_path):
    method = build_method(load_config(ROOT / "configs" / f"{config}.yml", overrides), shape)
    seed_paddle(0)
    given = {"z": paddle.randn([4, 100]).numpy()}
    for name, network in method.networks.items():
        trainable = [p for p in network.parameters() if not p.stop_gradient]
        for i, parameter in enumerate(trainable):  # a linear layer's weight is [in, out] here and [out, in] there
            given[f"{name}{i}"] = parameter.numpy().T if parameter.ndim == 2 else parameter.numpy()
    np.savez(tmp_path / "given.npz", **given)
    with paddle.no_grad():
        fake = method.networks["g"](paddle.to_tensor(given["z"]))
        logits = method.networks["d"](fake)
    arguments = [ROOT / "benchmarks", step, tmp_path / "given.npz", tmp_path / "twin.npz"]
    subprocess.run([sys.executable, "-c", RUN_TWIN, *map(str, arguments)], check=True)
    twin = np.load(tmp_path / "twin.npz")
    np.testing.assert_allclose(twin["fake"], fake.numpy(), atol=1e-4)
    np.testing.assert_allclose(twin["logits"], logits.numpy(), atol=1e-3)
