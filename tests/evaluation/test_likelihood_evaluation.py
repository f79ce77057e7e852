import math

import paddle
import pytest
from conftest import SMALL, spec_of

from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.data.spec import Field
from ppgan_lite.errors import RunError
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.generators import GeneratorEvaluation
from ppgan_lite.evaluation.likelihood import check_draws

NUM = 100
DIGITS = {"name": "rendered_digits", "batch_size": 8, "num_images": 600}
PIXELCNN = {"method": {"name": "pixelcnn"}, "density": {"name": "pixelcnn", "features": 4, "blocks": 1, "head": 4}}
FULLY = {"name": "fully_connected", "widths": [8]}
VAE = {"method": {"name": "vae", "z_dim": 4}, "generator": FULLY, "encoder": FULLY}


def evaluated(sections, optimizers, num_draws=None, change=lambda method: None, **data):
    """The result of a small method on drawn digits."""
    tree = {
        **sections,
        "optim": {name: {"name": "adam", "lr": 0.001} for name in optimizers},
        "data": DIGITS | data,
        "train": SMALL["train"],
    }
    config = check_config(tree)
    train, test = (build_dataset(config, split) for split in ("train", "test"))
    paddle.seed(0)
    method = build_method(config, train.spec)
    change(method)
    network = load_features("auto", "rendered_digits", Field("image", (1, 28, 28)))
    return GeneratorEvaluation(train, test, network, NUM, 0, num_draws=num_draws)(method, 1)


def without_knowledge(method):
    """Make a PixelCNN's distribution uniform."""
    last = method.networks["p"].head[3]
    last.weight.set_value(paddle.zeros_like(last.weight))


@pytest.mark.parametrize(
    ("binarize", "name", "expected"), [(None, "bits_per_dim", 8), ("random", "nats", 784 * math.log(2))]
)
def test_a_model_that_knows_nothing(binarize, name, expected):
    result = evaluated(PIXELCNN, ["p"], change=without_knowledge, binarize=binarize)
    assert result.protocol["likelihood"] == "exact"
    assert {each for each in result.figures if each.endswith(("bits_per_dim", "nats"))} == {name, f"train_{name}"}
    assert result.figures[name].value == pytest.approx(expected, rel=1e-5)
    assert result.figures[f"train_{name}"].value == pytest.approx(expected, rel=1e-5)
    assert result.figures[name].error < 1e-3
    unit = "bits per dimension" if name == "bits_per_dim" else "nats"
    assert f"{unit} for test images" in result.headline().splitlines()[2]


def test_a_bound_is_tighter_with_more_draws_and_says_how_many():
    few, many = (evaluated(VAE, ["g", "e"], num_draws, binarize="random") for num_draws in (1, 20))
    assert few.protocol["likelihood"] == "bound: importance weights, 1 draws"
    assert many.figures["nats"].value < few.figures["nats"].value
    again = evaluated(VAE, ["g", "e"], 20, binarize="random")
    assert again.figures["nats"] == many.figures["nats"]


def test_grey_images_have_no_likelihood_under_bernoulli():
    result = evaluated(VAE, ["g", "e"])
    assert "likelihood" not in result.protocol
    assert not {"bits_per_dim", "nats"} & result.figures.keys()
    assert len(result.headline().splitlines()) == 2


def test_draws_need_a_bound():
    def method(sections, optimizers, **data):
        tree = {**sections, "data": DIGITS | data, "train": SMALL["train"]}
        tree["optim"] = {name: {"name": "adam", "lr": 0.001} for name in optimizers}
        config = check_config(tree)
        return build_method(config, config.data.spec())

    check_draws(method(VAE, ["g", "e"], binarize="random"))
    with pytest.raises(RunError, match=r"--draws: this run's method \(vae\) has no likelihood of this data"):
        check_draws(method(VAE, ["g", "e"]))
    exact = check_config(
        PIXELCNN | {"optim": {"p": {"name": "adam", "lr": 0.001}}, "data": DIGITS, "train": SMALL["train"]}
    )
    with pytest.raises(RunError, match="exact likelihood"):
        check_draws(build_method(exact, spec_of((1, 28, 28), 10)))
