"""Every adversarial method, and the VAE, learns eight Gaussians on a circle.

BEGAN and SNGAN are left out: their networks take pictures of 28 or 32 pixels, and these have one. BEGAN with a fully
connected autoencoder and a code of size 1 reached 5 or 6 of the 8 in 2,000 steps, and fewer with other settings.
"""

import numpy as np
import paddle
import pytest

from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.data.loader import batches
from ppgan_lite.device import seed_paddle
from ppgan_lite.methods import options

pytestmark = pytest.mark.sweep

MODES, STD = 8, 0.05
WIDTHS = [64, 64]
OTHERS = (  # their networks are for pictures
    "began", "biggan", "ddpm", "flow", "msggan", "pixelcnn", "progan", "sagan", "sngan", "stylegan2"
)  # fmt: skip
# Methods that make pictures from noise; the others translate pictures, or classify them.
LEARNERS = [name for name, cls in options.METHODS.items() if cls.KIND == "generator" and name not in OTHERS]
USUAL = (600, 2e-3, 4e-3, {"d_updates": 2})  # steps, lr of G, lr of D (or of the encoder), the method's own keys
RUNS = {  # methods that need other settings
    "acgan": (200, 1e-3, 1e-3, {}),
    "cgan": (600, 1e-3, 1e-3, {}),
    "dragan": (500, 1e-3, 2e-3, {"d_updates": 2, "gp_weight": 0.1}),  # 10 bounds D's slope, and the data is small
    "gan": (700, 1e-3, 2e-3, {"d_optimizers": "joint"}),
    "infogan": (500, 1e-3, 1e-3, {}),
    "vae": (500, 2e-3, 2e-3, {"likelihood": "gaussian", "z_dim": 2}),
    "wgan": (500, 1e-3, 1e-3, {"warm_up": False, "clip": 0.1}),
    "wgan_gp": (600, 1e-3, 1e-3, {"d_updates": 3, "gp_weight": 0.1}),
}


def make_config(name, steps, lr_g, lr_d, keys):
    section, optimizer = ("encoder", "e") if name == "vae" else ("discriminator", "d")
    adam = {"name": "adam", "betas": [0.5, 0.9]}
    tree = {
        "method": {"name": name, "z_dim": 8, **keys},
        "generator": {"name": "fully_connected", "widths": WIDTHS, "norm": "none"},
        section: {"name": "fully_connected", "widths": WIDTHS},
        "optim": {"g": adam | {"lr": lr_g}, optimizer: adam | {"lr": lr_d}},
        "data": {"name": "gaussians", "dims": 2, "modes": MODES, "std": STD, "batch_size": 128},
        "train": {"steps": steps, "seed": 0},
    }
    if name == "wgan":  # its authors found that momentum harms the critic
        tree["optim"] = {"g": {"name": "rmsprop", "lr": lr_g}, "d": {"name": "rmsprop", "lr": lr_d}}
    return check_config(tree)


def shares(method, centres):
    """The shares of 1,000 samples within four standard deviations of each centre."""
    paddle.seed(1)
    points = method.samplers()["g"](method.samplers()["g"].draw(1000)).numpy().reshape(-1, 1, 2)
    return (np.linalg.norm(points - centres, axis=2) < 4 * STD).mean(0)


def knows_the_modes(mode_shares):
    """At least six modes have 2 % of the samples each, and half of all samples are near one (of a blob, a quarter)."""
    return (mode_shares >= 0.02).sum() >= 6 and mode_shares.sum() >= 0.5


@pytest.mark.parametrize("name", LEARNERS)
def test_an_untrained_generator_learns_the_modes(name):
    config = make_config(name, *RUNS.get(name, USUAL))
    dataset = build_dataset(config)
    method = build_method(config, dataset.spec)
    assert not knows_the_modes(shares(method, dataset.centres))
    data = batches(dataset, config.data.batch_size, config.train.seed)
    for step in range(1, config.train.steps + 1):
        seed_paddle(config.train.seed, step)
        method.train_step([next(data) for _ in range(config.method.num_batches(step))], step)
    mode_shares = shares(method, dataset.centres)
    assert knows_the_modes(mode_shares), mode_shares
