"""CycleGAN (Zhu et al. 2017, https://arxiv.org/abs/1703.10593), a method that is not part of the package.

It has two domains, two generators and two discriminators. This file adds a class with the training step, a class with
the options, and data with other fields. It then trains, resumes, previews, samples and exports without a change in any
general module.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from conftest import lasting, make_export
from paddle import nn
from PIL import Image

from ppgan_lite.commands.sample import Request, sample
from ppgan_lite.config.load import check_config
from ppgan_lite.data import options as data_options
from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.data.spec import Field
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import ConfigError
from ppgan_lite.files import unseal
from ppgan_lite.losses.adversarial import least_squares
from ppgan_lite.methods import options as method_options
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.samplers import Sampler
from ppgan_lite.networks import options as network_options
from ppgan_lite.runs.run import Run

SHAPE = (3, 28, 28)


class CycleGAN(Method):
    """Generators `g_ab(a)` and `g_ba(b)`, and discriminators `d_a(a)` and `d_b(b)`."""

    @staticmethod
    def make_networks(options, make, spec):
        shape = spec["a"].shape
        translators = {name: make("translator", shape) for name in ("g_ab", "g_ba")}
        return translators | {name: make("discriminator", shape) for name in ("d_a", "d_b")}

    def train_step(self, batches, step):
        g_ab, g_ba, d_a, d_b = (self.networks[name] for name in ("g_ab", "g_ba", "d_a", "d_b"))
        a, b = batches[0]["a"], batches[0]["b"]
        with frozen(d_a), frozen(d_b):
            fake_b, fake_a = g_ab(a), g_ba(b)
            loss_adv = least_squares(d_b(fake_b), 1) + least_squares(d_a(fake_a), 1)
            loss_cycle = (g_ba(fake_b) - a).abs().mean() + (g_ab(fake_a) - b).abs().mean()
            self.update("g", loss_adv + self.options.cycle_weight * loss_cycle)
        loss_d = sum(
            least_squares(d(real), 1) + least_squares(d(fake.detach()), 0)
            for d, real, fake in ((d_a, a, fake_a), (d_b, b, fake_b))
        )
        self.update("d", loss_d)
        return {"loss/g": loss_adv, "loss/cycle": loss_cycle, "loss/d": loss_d}

    def interfaces(self):
        a, b = self.spec["a"], self.spec["b"]
        scores = Port("scores", (1,), "1: real; 0: translated")
        return {
            "g_ab": Interface("translator from a to b", (picture_port(a, "a"),), (picture_port(b),)),
            "g_ba": Interface("translator from b to a", (picture_port(b, "b"),), (picture_port(a),)),
            "d_a": Interface("is it a real a?", (picture_port(a),), (scores,)),
            "d_b": Interface("is it a real b?", (picture_port(b),), (scores,)),
        }

    def samplers(self):
        interfaces, networks = self.interfaces(), self.deployed()
        return {way: Sampler(networks[f"g_{way}"], interfaces[f"g_{way}"]) for way in ("ab", "ba")}


class Translator(nn.Layer):
    """[N, C, H, W] in [-1, 1] -> the same shape."""

    def __init__(self, options, shape):
        super().__init__()
        first, last = nn.Conv2D(shape[0], 4, 3, padding=1), nn.Conv2D(4, shape[0], 3, padding=1)
        self.layers = nn.Sequential(first, nn.BatchNorm2D(4), nn.ReLU(), last, nn.Tanh())

    def forward(self, x):
        return self.layers(x)


@dataclass(frozen=True)
class TranslatorOptions(network_options.Network):
    BUILT_BY: ClassVar = f"{__name__}.Translator"


@dataclass(frozen=True)
class CycleGANOptions(method_options.Method):
    BUILT_BY: ClassVar = f"{__name__}.CycleGAN"
    KIND: ClassVar = "generator"
    NETWORKS: ClassVar = {
        "translator": {"small": TranslatorOptions},
        "discriminator": network_options.DISCRIMINATORS,
    }
    TRAINS: ClassVar = {"g": ("g_ab", "g_ba"), "d": ("d_a", "d_b")}
    AVERAGES: ClassVar = ("g_ab", "g_ba")
    TAKES: ClassVar = ("a", "b")

    cycle_weight: float = 10.0


class TwoDomains(Dataset):
    """Dark pictures and bright ones."""

    def __init__(self, options, split):
        super().__init__()
        rng = np.random.default_rng(len(split))
        self._pixels = {
            "a": rng.integers(0, 128, (44, *SHAPE), np.uint8),
            "b": rng.integers(128, 256, (44, *SHAPE), np.uint8),
        }
        self.spec, self.source = options.spec(), Source("domains", "made here", "0" * 64, 44)
        self.flip = True

    def batch(self, indices):
        return {name: from_uint8(self.pixels(name, indices)) for name in self.spec}

    def pixels(self, field, indices):
        return self._pixels[field][indices]


@dataclass(frozen=True)
class TwoDomainsOptions(data_options.Data):
    BUILT_BY: ClassVar = f"{__name__}.TwoDomains"

    def spec(self):
        return {name: Field("image", SHAPE) for name in ("a", "b")}


ADAM = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
TREE = {
    "method": {"name": "cyclegan"},
    "translator": {"name": "small"},
    "discriminator": {"name": "infogan", "ndf": 2},
    "optim": {"g": ADAM, "d": ADAM},
    "data": {"name": "domains", "batch_size": 8},
    "train": {"steps": 6, "seed": 3, "log_every": 1, "preview_every": 3, "save_every": 3, "keep": 2, "ema": 0.9},
}


@pytest.fixture(scope="module", autouse=True)
def registered():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(method_options.METHODS, "cyclegan", CycleGANOptions)
        patch.setitem(data_options.DATASETS, "domains", TwoDomainsOptions)
        yield


def run_to(folder, steps=6, resume=False):
    config = check_config(TREE | {"train": TREE["train"] | {"steps": steps}})
    assert train(config, folder, resume=resume, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_to(tmp_path_factory.mktemp("cyclegan") / "run")


def test_it_trains_and_resumes_to_the_bit(run, tmp_path):
    files, lines = lasting(run, 6)
    assert {
        f"network_{name}.safetensors" for name in ("g_ab", "g_ba", "d_a", "d_b", "g_ab_ema", "g_ba_ema")
    } < files.keys()
    assert {"optimizer_g.safetensors", "optimizer_d.safetensors"} < files.keys()
    assert {"loss/cycle", "grad_norm/g", "grad_norm/d"} < lines[0].keys()
    run_to(tmp_path / "run", steps=3)
    run_to(tmp_path / "run", resume=True)
    assert lasting(tmp_path / "run", 6) == (files, lines)


def test_previews_show_each_picture_next_to_its_translation(run):
    with Image.open(run / "samples" / "step_00000006.png") as picture:
        # 32 pairs each way, 8 pairs in a row
        assert picture.size == (16 * 30 + 2, 2 * (4 * 30 + 2))
    with Image.open(run / "samples" / "real.png") as picture:
        assert picture.size[0] == 16 * 30 + 2


@pytest.mark.parametrize("way", ["ab", "ba"])
def test_samples_are_translations_of_test_pictures(run, tmp_path, way):
    sample(run, tmp_path / "x.npz", None, Request(num=5, sampler=way), "cpu")
    with np.load(tmp_path / "x.npz") as file:
        source = TwoDomains(TwoDomainsOptions(name="domains", batch_size=8), "test").batch(np.arange(5))[way[0]]
        np.testing.assert_array_equal(file[way[0]], source)
        assert file["images"].shape == (5, 28, 28, 3)
    sample(run, tmp_path / "x.png", None, Request(num=8, sampler=way), "cpu")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (4 * 30 + 2, 4 * 30 + 2)  # 2 pairs in a row


def test_all_four_networks_are_exported(run, tmp_path):
    exported = make_export(run, tmp_path)
    signature = unseal((exported / "signature.json").read_bytes())
    assert list(signature["networks"]) == ["g_ab", "g_ba", "d_a", "d_b"]
    assert all("paddle" in network["checked"]["engines"] for network in signature["networks"].values())


def test_the_run_records_the_fields(run):
    assert Run.open_existing(run).spec == {name: Field("image", SHAPE) for name in ("a", "b")}


def test_data_without_the_fields_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="data.name: cyclegan takes the fields a, b; mnist has image, label"):
        check_config(TREE | {"data": {"name": "mnist", "batch_size": 8}})


def test_fields_are_mirrored_alike():
    from ppgan_lite.data.loader import batches

    dataset = TwoDomains(TwoDomainsOptions(name="domains", batch_size=8), "train")
    dataset._pixels["b"] = 255 - dataset._pixels["a"]
    batch = next(batches(dataset, 8, seed=0))
    np.testing.assert_allclose((batch["a"] + batch["b"]).numpy(), 0, atol=1e-6)
