"""The evaluation of translators to attributes."""

from dataclasses import replace

import numpy as np
import paddle
import pytest
from stand_ins import Stand, method_of

from ppgan_lite.commands.evaluate import evaluate
from ppgan_lite.config.load import check_config
from ppgan_lite.data.image_array import Arrays
from ppgan_lite.data.spec import with_attributes
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation import attributes
from ppgan_lite.evaluation.attributes import AttributeEvaluation
from ppgan_lite.runs.run import Run

NAMES = ("colour=red", "colour=green", "colour=blue", "bright")
SHAPE = (3, 16, 16)


def painted(values):
    """Pictures with attributes [N, 4], in [-1, 1]: one channel is lit, at full strength if `bright`, else at half."""
    light = values[:, :3] * (0.5 + 0.5 * values[:, 3:])
    return light.reshape([-1, 3, 1, 1]).expand([-1, *SHAPE]) * 2 - 1


def dataset(num, seed):
    """Noisy pictures in three colours, bright or not."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([np.eye(3)[rng.integers(0, 3, num)], rng.integers(0, 2, (num, 1))], 1).astype("float32")
    clean = (painted(paddle.to_tensor(values)).numpy() + 1) * 127.5
    images = np.clip(clean + rng.normal(0, 8, clean.shape), 0, 255).astype(np.uint8)
    return Arrays(with_attributes(SHAPE, NAMES), {"image": images, "attributes": values}, "painted", "made here")


@pytest.fixture(scope="module", autouse=True)
def fewer_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attributes, "RECIPE", replace(attributes.RECIPE, steps=80))
        yield


@pytest.fixture(scope="module")
def evaluation():
    return AttributeEvaluation(dataset(200, 0), dataset(60, 1), None, seed=0)


def translator(function):
    return method_of(to_attributes=Stand(["image", "attributes"], "image", function))


def test_a_translator_that_paints_what_is_asked_for_reaches_all(evaluation):
    result = evaluation(translator(lambda images, wanted: painted(wanted)), 7)
    names = ["attribute_reached", "attributes_kept", "cycle_l1"]
    assert list(result.figures) == [*names, "colour/attribute_reached", "bright/attribute_reached"]
    for name in ("attribute_reached", "attributes_kept"):
        assert result.figures[name].value > 0.97
        assert result.figures[name].real > 0.97
    assert result.figures["cycle_l1"].value < 0.1  # the noise
    assert result.distance < 0.03
    assert result.protocol["num_real"] == 60


def test_a_translator_that_copies_its_input_reaches_nothing_and_keeps_all(evaluation):
    figures = evaluation(translator(lambda images, wanted: images), 7).figures
    reached = figures["attribute_reached"]
    assert reached.value == reached.baselines["input copied"] < 0.03
    assert figures["attributes_kept"].value == figures["attributes_kept"].real
    assert figures["cycle_l1"].value == 0


def test_what_is_reached_is_given_for_each_group(evaluation):
    def only_colour(images, wanted):
        """Always bright."""
        return painted(paddle.concat([wanted[:, :3], paddle.ones_like(wanted[:, 3:])], 1))

    figures = evaluation(translator(only_colour), 7).figures
    bright = evaluation._own[:, 3]
    # Dark pictures are made bright, as they should be; bright ones stay so.
    assert figures["colour/attribute_reached"].value > 0.97
    assert figures["bright/attribute_reached"].value == pytest.approx(1 - bright.mean(), abs=0.03)
    num = 60 * np.array([2, 1])  # translations to each of two other colours, and to the other brightness
    shares = [figures[f"{group}/attribute_reached"].value for group in ("colour", "bright")]
    assert figures["attribute_reached"].value == pytest.approx((num * shares).sum() / num.sum())


def test_every_picture_is_translated_to_what_it_does_not_have_and_back(evaluation):
    seen = []

    def function(images, wanted):
        seen.append(wanted.numpy())
        return images

    evaluation(translator(function), 7)
    own = evaluation._own
    asked = seen[::2]  # the others are ways back
    assert [len(wanted) for wanted in asked] == [*(len(own) - own[:, :3].sum(0)).astype(int), len(own)]
    for index, wanted in enumerate(asked[:3]):
        assert (wanted[:, :3] == np.eye(3)[index]).all()
    np.testing.assert_array_equal(asked[3], np.concatenate([own[:, :3], 1 - own[:, 3:]], 1))
    np.testing.assert_array_equal(seen[-1], own)


def test_too_few_pictures_are_refused():
    with pytest.raises(EvaluationError, match="^19 images are too few to evaluate; at least 20 are needed"):
        AttributeEvaluation(dataset(200, 0), dataset(19, 1), None, seed=0)


def test_a_run_of_stargan_is_evaluated_while_it_trains_and_again(tmp_path, capsys):
    adam = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
    tree = {
        "method": {"name": "stargan", "d_updates": 1},
        "generator": {"name": "stargan", "ngf": 2, "blocks": 1},
        "discriminator": {"name": "stargan", "ndf": 2, "layers": 3},
        "optim": {"g": adam, "d": adam},
        "data": {"name": "coloured_digits", "num_images": 132, "batch_size": 4},
        "train": {"steps": 2, "seed": 0, "preview_every": 2, "evaluate_every": 2, "log_every": 1},
    }
    folder = tmp_path / "run"
    assert train(check_config(tree), folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    (during,) = Run.open_existing(folder).results.read()
    assert {"colour/attribute_reached", "thickness/attribute_reached"} < during.figures.keys()
    capsys.readouterr()
    after = evaluate(folder, None, None, "mnist", 0, None, "cpu")
    assert (after.figures, after.protocol) == (during.figures, during.protocol)
    out, err = capsys.readouterr()
    assert "% of the wanted attributes reached (recognised in real images: " in out
    assert "warning: --features has no effect: a classifier of this data's attributes judges the translations" in err
