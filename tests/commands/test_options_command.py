"""The output of `ppgan options`."""

import pytest
import yaml
from conftest import ROOT

from ppgan_lite.commands.options import print_options
from ppgan_lite.config.optim import OPTIMIZERS
from ppgan_lite.config.train import Train
from ppgan_lite.data.options import DATASETS
from ppgan_lite.errors import UserError
from ppgan_lite.methods.options import METHODS
from ppgan_lite.networks.options import (
    ATTRIBUTE_DISCRIMINATORS,
    ATTRIBUTE_TRANSLATORS,
    AUTOENCODERS,
    CLASSIFIERS,
    DENOISERS,
    DENSITIES,
    DISCRIMINATORS,
    FLOWS,
    GENERATORS,
    GROWING_DISCRIMINATORS,
    GROWING_GENERATORS,
    MULTI_SCALE_DISCRIMINATORS,
    MULTI_SCALE_GENERATORS,
    PATCH_DISCRIMINATORS,
    STYLE_DISCRIMINATORS,
    STYLE_GENERATORS,
    TRANSLATORS,
)
from ppgan_lite.schema.describe import describe

TABLES = {
    "method": METHODS,
    "generator": GENERATORS,
    "discriminator or encoder": DISCRIMINATORS,
    "autoencoder": AUTOENCODERS,
    "classifier": CLASSIFIERS,
    "denoiser": DENOISERS,
    "density": DENSITIES,
    "flow": FLOWS,
    "generator of cyclegan, pix2pix": TRANSLATORS,
    "discriminator of cyclegan, pix2pix": PATCH_DISCRIMINATORS,
    "generator of msggan": MULTI_SCALE_GENERATORS,
    "discriminator of msggan": MULTI_SCALE_DISCRIMINATORS,
    "generator of progan": GROWING_GENERATORS,
    "discriminator of progan": GROWING_DISCRIMINATORS,
    "generator of stargan": ATTRIBUTE_TRANSLATORS,
    "discriminator of stargan": ATTRIBUTE_DISCRIMINATORS,
    "generator of stylegan2": STYLE_GENERATORS,
    "discriminator of stylegan2": STYLE_DISCRIMINATORS,
    "optim": OPTIMIZERS,
    "data": DATASETS,
}
CLASSES = [(f"{section}: {{name: {name}}}", cls) for section, table in TABLES.items() for name, cls in table.items()]


@pytest.fixture
def printed(capsys):
    def print_and_read(name=None):
        print_options(name)
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 100
        return out

    return print_and_read


def test_without_a_name_it_lists_all_names_by_section(printed):
    blocks = printed().strip().split("\n\n")[1:]
    names = {}
    for block in blocks:
        section, *lines = block.splitlines()
        names[section.rstrip(":")] = [line.split()[0] for line in lines if not line.startswith("    ")]
    assert names == {section: list(table) for section, table in TABLES.items()}


@pytest.mark.parametrize("section", ["method", "generator", "discriminator", "encoder", "optim", "data"])
def test_a_section_lists_its_names(section, printed):
    tables = {title: table for title, table in TABLES.items() if section in title.partition(" of ")[0].split(" or ")}
    blocks = printed(section).strip().split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [f"{title}:" for title in tables]
    for block, table in zip(blocks, tables.values(), strict=True):
        assert [line.split()[0] for line in block.splitlines()[1:] if not line.startswith("    ")] == list(table)


@pytest.mark.parametrize(("title", "cls"), [*CLASSES, ("train:", Train)])
def test_every_name_shows_every_key_with_a_comment(title, cls, printed):
    name = title.partition("name: ")[2].rstrip("}") or "train"
    (block,) = (block for block in printed(name).split("\n\n") if block.startswith(title + "\n"))
    for key in describe(cls):
        if key.name != "name":
            assert key.comment, f"{cls.__name__}.{key.name} has no comment"
            assert f"\n  {key.name}: {'(required)' if key.default is None else key.default} " in block


def test_a_key_is_shown_with_type_default_and_comment(printed):
    (comment,) = (key.comment for key in describe(METHODS["wgan_gp"]) if key.name == "gp_weight")
    expected = f"  gp_weight: 10.0         number, at least 0\n                          {comment}\n"
    assert expected in printed("wgan_gp")
    assert "  lr: (required)       number, above 0\n" in printed("adam")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_shows_its_other_sections_and_an_example(name, printed):
    lines = printed(name).splitlines()
    start = lines.index(f"With these defaults, a config of {name} also has the sections:")
    rows = {line.split()[0]: line.split(maxsplit=1)[1].strip() for line in lines[start + 1 : -1]}
    assert list(rows) == [*METHODS[name].NETWORKS, "optim", "data", "train"]
    assert rows["optim"].startswith(f"{', '.join(METHODS[name](name).trains)}: ")
    example = lines[-1].removeprefix("Example: -c ")
    assert yaml.safe_load((ROOT / "configs" / f"{example}.yml").read_text())["method"]["name"] == name


def test_only_networks_that_a_method_can_use_are_listed(printed):
    assert "  discriminator  one of dcgan64, fully_connected, infogan, r3gan, resnet32\n" in printed("wgan_gp")
    assert "  discriminator  one of dcgan64, r3gan, resnet32\n" in printed("sngan")


def test_a_name_in_several_tables_shows_them_all(printed):
    out = printed("began")
    for title in ("method: {name: began}", "generator: {name: began}", "autoencoder: {name: began}"):
        assert f"{title}\n" in out
    assert "method: {name: classifier}" in printed("classifier")
    assert "  softmax " in printed("classifier")  # it is also a section


@pytest.mark.parametrize(("name", "nearest"), [("wgn_gp", "wgan_gp"), ("trian", "train"), ("optm", "optim")])
def test_an_unknown_name_is_an_error_with_the_nearest(name, nearest):
    with pytest.raises(UserError, match=f"unknown name '{name}'; .*; did you mean {nearest}\\?$"):
        print_options(name)
