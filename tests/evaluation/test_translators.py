"""The evaluation of translators between two domains."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stand_ins import MEANS, Stand, always, domain_of, method_of, noise, pairs_of

from ppgan_lite.commands.evaluate import evaluate
from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import check_config, load_config
from ppgan_lite.data.domains import Domains
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation import segmenter
from ppgan_lite.evaluation.evaluation import Evaluation, obstacle
from ppgan_lite.evaluation.translators import TranslatorEvaluation
from ppgan_lite.report import report
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.results import INPUT, MEAN
from ppgan_lite.runs.run import Run

SIMILARITIES = ("l1", "psnr", "ssim")
DISTANCES = ("frechet_distance", "kernel_distance")


@pytest.fixture(scope="module")
def train_pairs():
    return pairs_of(noise(60, seed=1, high=128), noise(60, seed=2, low=128))


@pytest.fixture(scope="module")
def test_pairs():
    return pairs_of(noise(30, seed=3, high=128), noise(30, seed=4, low=128))


@pytest.fixture(scope="module")
def evaluation(train_pairs, test_pairs):
    return TranslatorEvaluation(train_pairs, test_pairs, MEANS, None, seed=0)


def same(images):
    return images


def test_copying_the_input_has_the_figures_of_the_baseline(evaluation):
    figures = evaluation(method_of(b_to_a=Stand(["b"], "a", same)), 7).figures
    assert list(figures) == [f"b_to_a/{metric}" for metric in (*SIMILARITIES, *DISTANCES)]
    for figure in figures.values():
        assert figure.value == pytest.approx(figure.baselines[INPUT], rel=1e-6)
    assert figures["b_to_a/l1"].value == pytest.approx(1.0, abs=0.05)  # two uniform halves of [-1, 1]


def test_the_truth_has_no_difference_and_no_distance(evaluation, test_pairs):
    truth = test_pairs.pixels("a", np.arange(30))
    figures = evaluation(method_of(b_to_a=Stand(["b"], "a", always(truth))), 7).figures
    assert [figures[f"b_to_a/{metric}"].value for metric in SIMILARITIES] == pytest.approx([0, 100, 1], abs=1e-4)
    assert figures["b_to_a/l1"].error == 0
    assert figures["b_to_a/frechet_distance"].value == pytest.approx(0, abs=1e-6)
    assert figures["b_to_a/kernel_distance"].value < figures["b_to_a/kernel_distance"].baselines[INPUT] / 10


def test_the_mean_picture_is_that_of_the_target_domains_training_pictures(evaluation, train_pairs, test_pairs):
    mean = np.rint(train_pairs.arrays["a"].mean(0, keepdims=True)).astype(np.uint8)
    figures = evaluation(method_of(b_to_a=Stand(["b"], "a", always(mean.repeat(30, 0)))), 7).figures
    for metric in SIMILARITIES:
        figure = figures[f"b_to_a/{metric}"]
        assert figure.value == pytest.approx(figure.baselines[MEAN], rel=1e-6)
    differences = abs(from_uint8(test_pairs.arrays["a"]) - from_uint8(mean)).mean((1, 2, 3))
    assert figures["b_to_a/l1"].value == pytest.approx(differences.mean(), rel=1e-5)
    assert figures["b_to_a/l1"].error == pytest.approx(differences.std(ddof=1) / np.sqrt(30), rel=1e-4)


def test_both_directions_are_measured_and_the_way_there_and_back(evaluation):
    there, back = Stand(["a"], "b", lambda x: x / 2 + 0.5), Stand(["b"], "a", lambda x: 2 * x - 1)
    figures = evaluation(method_of(a_to_b=there, b_to_a=back), 7).figures
    assert {name.partition("/")[0] for name in figures} == {"a_to_b", "b_to_a"}
    assert figures["a_to_b/cycle_l1"].value == pytest.approx(0, abs=1 / 127)  # rounded to 8 bits in between
    assert figures["b_to_a/cycle_l1"].value == pytest.approx(0, abs=1 / 127)
    wrong = Stand(["b"], "a", lambda x: 2 * x - 0.5)
    figures = evaluation(method_of(a_to_b=there, b_to_a=wrong), 7).figures
    assert figures["a_to_b/cycle_l1"].value == pytest.approx(0.5, abs=0.01)


def test_the_distance_of_training_pictures_is_given_as_real(evaluation, train_pairs):
    figures = evaluation(method_of(a_to_b=Stand(["a"], "b", always(noise(30, seed=5, low=128)))), 7).figures
    for metric in DISTANCES:
        figure = figures[f"a_to_b/{metric}"]
        assert abs(figure.value - figure.real) < figure.baselines[INPUT] / 20
    assert figures["a_to_b/kernel_distance"].error > 0


def test_without_pairs_there_are_only_distances_to_each_domain_and_cycles():
    train = Domains({"a": domain_of(noise(50, seed=1)), "b": domain_of(noise(40, seed=2))}, "unpaired", "here")
    test = Domains({"a": domain_of(noise(24, seed=3)), "b": domain_of(noise(30, seed=4))}, "unpaired", "here")
    evaluation = TranslatorEvaluation(train, test, MEANS, None, seed=0)
    result = evaluation(method_of(a_to_b=Stand(["a"], "b", same), b_to_a=Stand(["b"], "a", same)), 7)
    metrics = (*DISTANCES, "cycle_l1")
    assert list(result.figures) == [f"{name}/{metric}" for name in ("a_to_b", "b_to_a") for metric in metrics]
    assert [result.protocol[key] for key in ("pairs", "num_a", "num_b")] == [False, 24, 30]
    assert result.figures["a_to_b/cycle_l1"].value == 0
    assert result.distance == pytest.approx(
        np.mean([result.figures[f"{name}/frechet_distance"].value for name in ("a_to_b", "b_to_a")])
    )


def test_grey_pictures_are_measured_too():
    data = pairs_of(noise(30, (1, 16, 16), 1), noise(30, (1, 16, 16), 2))
    figures = TranslatorEvaluation(data, data, MEANS, None, 0)(method_of(a_to_b=Stand(["a"], "b", same)), 1).figures
    assert all(np.isfinite(figure.value) for figure in figures.values())


def test_no_number_is_no_black_picture(evaluation):
    with pytest.raises(EvaluationError, match="translated pictures: 30 of 30 samples hold NaN or infinity"):
        evaluation(method_of(b_to_a=Stand(["b"], "a", lambda x: x * float("nan"))), 7)


@pytest.mark.parametrize(
    ("num_train", "num_test", "num", "message"),
    [
        (60, 19, None, r"19 images are too few to evaluate; at least 20 are needed \(there are 19 test images\)"),
        (60, 30, 19, r"19 images are too few to evaluate; at least 20 are needed \(there are 30 test images\)"),
        (5, 30, None, r"5 images are too few .* \(there are 30 test images and 5 training images\)"),
        (60, 30, 31, "31 images: pairs made here has only 30 test images"),
    ],
)
def test_too_few_pictures_are_refused(num_train, num_test, num, message):
    train, test = (pairs_of(noise(size), noise(size, seed=1)) for size in (num_train, num_test))
    with pytest.raises(EvaluationError, match=f"^{message}$"):
        TranslatorEvaluation(train, test, MEANS, num, seed=0)


def test_fewer_pictures_are_drawn_at_random_and_always_the_same(train_pairs, test_pairs):
    method = method_of(b_to_a=Stand(["b"], "a", same))
    first, again, other = (
        TranslatorEvaluation(train_pairs, test_pairs, MEANS, 20, seed)(method, 7) for seed in (0, 0, 1)
    )
    assert first.protocol["num_a"] == 20
    assert first.figures == again.figures
    assert first.figures["b_to_a/l1"] != other.figures["b_to_a/l1"]


def side_by_side(folder, num_train=24, num_test=22):
    """Pairs of a picture of blocks and the same in another colour, 32x32, in train/ and test/; returns the folder."""
    rng = np.random.default_rng(0)
    for split, num in (("train", num_train), ("test", num_test)):
        (folder / split).mkdir(parents=True)
        for i in range(num):
            a = rng.integers(0, 256, (4, 4, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            Image.fromarray(np.concatenate([a, 255 - a], 1)).save(folder / split / f"{i}.png")
    return folder


def tree_of(folder, method="pix2pix", **data):
    adam = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
    return {
        "method": {"name": method},
        "generator": {"name": "unet", "ngf": 2},
        "discriminator": {"name": "patch", "ndf": 2, "layers": 1},
        "optim": {"g": adam, "d": adam},
        "data": {"name": "pairs", "root": str(folder), "size": 32, "batch_size": 4, "workers": 0} | data,
        "train": {"steps": 2, "seed": 0, "preview_every": 1, "evaluate_every": 1, "log_every": 1},
    }


def train_on(tree, folder):
    assert train(check_config(tree), folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


def test_a_run_is_evaluated_while_it_trains_and_again_and_reported(tmp_path, capsys):
    tree = tree_of(side_by_side(tmp_path / "pictures"))
    folder = train_on(tree, tmp_path / "output" / "run")
    run = Run.open_existing(folder)
    during = run.results.read()
    assert [result.step for result in during] == [1, 2]
    best = min(during, key=lambda result: result.figures["a_to_b/l1"].value)
    assert checkpoint.list_steps(run.best) == [best.step]
    assert "a to b: L1 " in capsys.readouterr().out
    after = evaluate(folder, None, None, "auto", 0, None, "cpu")
    assert (after.figures, after.protocol) == (during[1].figures, during[1].protocol)
    out = capsys.readouterr().out
    assert "input copied" in out
    assert "num_a 22, num_b 22" in out
    claims = tmp_path / "claims.yml"
    claims.write_text("sources: {}\nfigures: []\nnot_comparable: []\naims: []\ncomparisons: []\ncriteria: []\n")
    configs = Path(__file__).parents[2] / "configs"
    report([tmp_path / "output"], tmp_path / "RESULTS.md", claims, configs, tmp_path / "results.json")
    text = (tmp_path / "RESULTS.md").read_text()
    assert "### Translators on pairs pictures, 32x32\n" in text
    assert "images/results/output-run.png" in text


def test_a_run_without_pairs_is_measured_by_the_same_protocol_as_one_with_pairs(tmp_path):
    folder = side_by_side(tmp_path / "pictures", num_train=48)
    protocols = []
    for data in ({}, {"paired": False}, {"load_size": 36, "flip": True}):
        config = check_config(tree_of(folder, "cyclegan", **data))
        evaluation = Evaluation(config, build_dataset(config))
        protocols.append(evaluation(method_of(a_to_b=Stand(["a"], "b", same)), 1).protocol)
    assert protocols[0] == protocols[1] == protocols[2]


def test_too_few_test_pictures_are_reported_before_the_training(tmp_path, capsys):
    folder = side_by_side(tmp_path / "pictures", num_test=3)
    config = check_config(tree_of(folder) | {"train": {"steps": 1, "seed": 0}})
    assert obstacle(config) == (
        "3 images are too few to evaluate; at least 20 are needed (there are 3 test images); put more into the folders "
        "for testing, or without these raise data.test_share=0.1"
    )
    with pytest.raises(EvaluationError, match="^3 images are too few"):
        Evaluation(config, build_dataset(config))
    assert obstacle(check_config(tree_of(side_by_side(tmp_path / "more")))) is None


def test_the_baselines_of_facades_are_those_measured_before(monkeypatch):
    """With other code: L1, PSNR and SSIM of label maps to photographs at 64 pixels."""
    root = os.environ.get("PPGAN_DATA")
    if not root or not (Path(root) / "facades").is_dir():
        pytest.skip("needs CMP facades: set PPGAN_DATA to the folder that holds facades/")
    monkeypatch.setattr(segmenter, "RECIPE", replace(segmenter.RECIPE, steps=20))
    config = Path(__file__).parents[2] / "configs" / "pix2pix_facades_cpu.yml"
    config = load_config(config, ["data.size=64", "data.load_size=null", "data.workers=0"])
    evaluation = Evaluation(config, build_dataset(config))
    result = evaluation(method_of(b_to_a=Stand(["b"], "a", same)), 1)
    figures = {name.partition("/")[2]: figure for name, figure in result.figures.items()}
    for baseline, known in ((INPUT, (0.758, 7.0, -0.13)), (MEAN, (0.328, 14.0, 0.13))):
        for metric, value, rounding in zip(SIMILARITIES, known, (5e-4, 0.05, 5e-3), strict=True):
            assert figures[metric].baselines[baseline] == pytest.approx(value, abs=rounding)
    assert 0 < figures["label_accuracy"].real < 1
    assert "segmenter_sha256" in result.protocol
