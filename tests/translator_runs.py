"""Small runs of methods that translate pictures, and their exports, for tests."""

from conftest import ROOT, make_export

from ppgan_lite.config.load import load_config
from ppgan_lite.engine.loop import train

TRAIN = "train={steps: 2, seed: 3, log_every: 1, preview_every: 2, save_every: 2, keep: 1}"
DIGITS = "data={name: derived, images: rendered_digits, num_images: 44, batch_size: 2, paired: false}"
RUNS = {  # method -> config and changes
    "cyclegan": ("cyclegan_outlines_cpu", ["generator.ngf=4", "generator.blocks=1", "discriminator.ndf=4", DIGITS]),
    "pix2pix": ("pix2pix_outlines_cpu", ["generator.ngf=4", "discriminator.ndf=4", DIGITS.replace("false", "true")]),
    "stargan": (
        "stargan_digits_cpu",
        ["generator.ngf=4", "generator.blocks=1", "discriminator.ndf=4", "data.num_images=44", "data.batch_size=2"],
    ),
}
RED = "colour=red,thickness=thin"  # attributes for stargan


def make_translator(method, parent):
    """Train a small run of `cyclegan` (grey), `pix2pix` (grey) or `stargan` (colour); returns its folder."""
    name, changes = RUNS[method]
    config = load_config(ROOT / "configs" / f"{name}.yml", [*changes, TRAIN])
    folder = parent / "run"
    assert train(config, folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


def make_translator_with_export(method, parent):
    """A small run and its export, with ONNX if its packages are installed."""
    run = make_translator(method, parent)
    return run, make_export(run, parent)
