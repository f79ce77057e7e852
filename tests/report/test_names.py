"""What runs are called."""

import pytest
from report_place import CONFIGS

from ppgan_lite.config.load import load_config
from ppgan_lite.report.names import Configs, Name


@pytest.fixture(scope="module")
def configs():
    return Configs(CONFIGS)


@pytest.mark.parametrize(
    ("stem", "overrides", "changes"),
    [
        ("dcgan_mnist", ["train.seed=9", "train.epochs=1", "data.root=x"], ()),
        ("dcgan_mnist_article", [], ()),
        ("dcgan_mnist_article", ["optim.g.lr=1e-3"], ("optim.g.lr=0.001",)),
        ("dcgan_transposed_mnist", ["optim.g.betas=[0, 0.9]"], ("optim.g.betas=[0.0, 0.9]",)),
        ("dcgan_transposed_mnist", ["generator.upsample=bilinear"], ("generator.upsample=bilinear",)),
        ("classifier_cnn_mnist", ["train.seed=1"], ()),
    ],
)
def test_a_run_is_named_by_the_nearest_config(configs, stem, overrides, changes):
    name = configs.name_of(load_config(CONFIGS / f"{stem}.yml", overrides).to_dict())
    assert name == Name(stem, changes)
    assert str(name) == " + ".join(f"`{part}`" for part in (stem, *changes))


def test_a_change_that_makes_another_config_is_called_so(configs):
    tree = load_config(CONFIGS / "dcgan_mnist.yml", ["generator.activation=tanh"]).to_dict()
    assert configs.name_of(tree).config == "dcgan_mnist_article"
    assert configs.name_with("dcgan_mnist", {"generator.activation": "tanh"}) == configs.name_of(tree)


def test_keys_that_only_the_config_has_are_not_named(configs):
    tree = load_config(CONFIGS / "dcgan_transposed_mnist.yml").to_dict()
    tree["optim"]["g"] = {"name": "sgd", "lr": 0.1, "decay": None}
    assert configs.name_of(tree) == Name("dcgan_transposed_mnist", ("optim.g.lr=0.1", "optim.g.name=sgd"))
