"""The file of claims: what is refused, and when a figure is reproduced."""

import pytest
from conftest import ROOT
from report_place import COMPARISON, CONFIGS, CRITERION, FNN, Place, figure_claim, part, result, rows

from ppgan_lite.errors import ConfigError
from ppgan_lite.report.claims import Claims
from ppgan_lite.report.names import Configs, Name


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_the_generators_of_the_tutorial_are_compared_with_equal_settings():
    half, full = Claims.read(ROOT / "docs" / "claims.yml", Configs(CONFIGS)).comparisons[:2]
    transposed = "dcgan_transposed_mnist"
    assert (half.group, half.than) == (Name(transposed), Name(transposed, ("generator.upsample=bilinear",)))
    assert (full.group, full.than) == (Name("dcgan_mnist", ("generator.upsample=transposed",)), Name("dcgan_mnist"))


@pytest.mark.parametrize(
    ("accuracy", "better", "verdict"),
    [
        (0.8514, "higher", "reproduced"),
        (0.8513, "higher", "not reproduced"),
        (0.99, "higher", "reproduced"),
        (0.8814, "lower", "reproduced"),
        (0.8815, "lower", "not reproduced"),
        (0.1, "lower", "reproduced"),
    ],
)
def test_a_claim_is_reproduced_within_its_tolerance_or_better(place, accuracy, better, verdict):
    place.add_classifier("a", accuracy)
    place.claim(figures=[figure_claim(better=better)])
    (cells,) = rows(part(place.report(), "Comparison with published figures"), f"`{FNN}`")
    difference = f"{accuracy - 0.8664:+.4f}"
    assert cells[1:] == [
        "accuracy, epoch 2",
        "0.8664 ± 0.015",
        f"{accuracy:.4f}",
        difference,
        "1",
        "1,200",
        verdict,
    ]


def test_the_mean_over_the_seeds_is_judged(place):
    for seed, accuracy in enumerate((0.86, 0.80)):
        place.add_classifier(f"s{seed}", accuracy, [f"train.seed={seed}"])
    place.claim(figures=[figure_claim(value=0.84, tolerance=0.01)])
    (cells,) = rows(place.report(), f"`{FNN}`", "accuracy, epoch 2")
    assert cells[3:6] + cells[-1:] == ["0.8300 (0.8000 to 0.8600)", "-0.0100", "2", "reproduced"]


def test_accuracy_in_training_is_the_mean_of_the_logged_steps_of_an_epoch(place):
    metrics = [{"step": s, "accuracy/c": 0.5, "images_per_second": 1000.0} for s in (5, 3000)]
    metrics += [{"step": s, "accuracy/c": v, "images_per_second": 3000.0} for s, v in ((3005, 0.7), (6000, 0.8))]
    metrics += [{"step": 6005, "accuracy/c": 0.9, "images_per_second": 500.0}]
    config = "classifier_softmax_fashion_mnist"
    place.add_classifier("a", metrics=metrics, steps=(3000, 6000), config=config)
    claim = figure_claim(group={"config": config}, metric="running_train_accuracy", value=0.75)
    place.claim(figures=[{**claim, "epoch": epoch} for epoch in (1, 2, 3)])
    found = [cells for cells in rows(place.report(), f"`{config}`") if "running" in cells[1]]
    assert [cells[3] for cells in found] == ["0.5000", "0.7500", "-"]  # the third epoch was not finished
    assert [cells[6] for cells in found] == ["3,000", "6,000", "-"]
    assert [cells[-1] for cells in found] == ["not reproduced", "reproduced", "not measured"]


@pytest.mark.parametrize(
    ("metric", "value", "ours"), [("d_loss", 0.65, "0.6500"), ("d_accuracy", 0.7, "0.7000"), ("g_loss", 0.9, "0.9000")]
)
def test_losses_are_means_over_the_last_thousand_steps_before_the_evaluation(place, metric, value, ours):
    logged = [(29_000, 9.0), (29_050, 0.6), (30_000, 0.7), (30_050, 9.0)]
    metrics = [
        {"step": step, "loss/d_real": x - 0.1, "loss/d_fake": x + 0.1, "loss/g": x + 0.25}
        | {"accuracy/d_real": x, "accuracy/d_fake": x + 0.1}
        for step, x in logged
    ]
    config = "gan_keras_mnist"
    place.add("a", config, [result(30_000)], metrics=metrics)
    claim = {**figure_claim(group={"config": config}, metric=metric, better="neither"), "epoch": None}
    place.claim(figures=[{**claim, "value": value + gap, "tolerance": 0.02} for gap in (-0.019, 0.019, -0.021, 0.021)])
    found = [cells for cells in rows(place.report(), f"`{config}`") if cells[1] == metric.replace("_", " ")]
    assert [cells[3] for cells in found] == [ours] * 4
    assert [cells[6] for cells in found] == ["30,000"] * 4
    assert [cells[-1] for cells in found] == ["reproduced"] * 2 + ["not reproduced"] * 2


NOT_COMPARABLE = {"what": "FID", "why": "so", "source": "book", "figures": {"mnist": "1"}}


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        (
            {"figures": [{**figure_claim(metric="running_train_accuracy"), "epoch": None}]},
            r"figures\[0\].epoch: missing; running_train_accuracy is measured over an epoch",
        ),
        ({"figures": [figure_claim(metric="acuracy")]}, r"figures\[0\].metric: unknown value 'acuracy'; .* accuracy\?"),
        ({"figures": [figure_claim(valeu=1)]}, r"figures\[0\].valeu: unknown key; allowed: .*; did you mean value\?"),
        ({"figures": [figure_claim(tolerance=-1)]}, r"figures\[0\].tolerance: must be at least 0, got -1"),
        ({"figures": [figure_claim(source="film")]}, r"figures\[0\].source: unknown value 'film'; allowed: book"),
        ({"figures": [figure_claim(epoch=0)]}, r"figures\[0\].epoch: must be at least 1 and at most 1000000000, got 0"),
        ({"figures": [figure_claim(group="x")]}, r"figures\[0\].group: expected a section with keys, got 'x'"),
        ({"figures": [figure_claim(group={"config": "x"})]}, r"figures\[0\].group.config: unknown value 'x'"),
        (
            {"figures": [figure_claim(group={"config": "dcgan_mnist", "with": {"generator.upsampl": 1}})]},
            r"figures\[0\].group.with: generator.upsampl: unknown key",
        ),
        ({"figures": {}}, "figures: expected a list, got {}"),
        ({"figurs": []}, "figurs: unknown key; allowed: aims,"),
        ({"sources": []}, r"sources: expected a section with keys, got \[\]"),
        ({"sources": {"book": "A book"}}, "sources.book: expected a section with keys, got 'A book'"),
        ({"aims": [{"group": {"config": FNN}}]}, r"aims\[0\].limits: missing"),
        ({"comparisons": [{"title": "x"}]}, r"comparisons\[0\].source: missing"),
        ({"comparisons": [{**COMPARISON, "metrics": ["noise"]}]}, r"comparisons\[0\].metrics\[0\]: unknown value"),
        ({"criteria": [{**CRITERION, "limits": [{"op": "below"}]}]}, r"criteria\[0\].limits\[0\].metric: missing"),
        (
            {"not_comparable": [{**NOT_COMPARABLE, "figures": {"mnis": "1"}}]},
            r"not_comparable\[0\].figures.mnis: unknown key; .*; did you mean mnist\?",
        ),
    ],
)
def test_a_wrong_claim_is_an_error_that_names_the_key(place, lists, words):
    place.add("a", "dcgan_mnist", [result()])
    place.claim(**lists)
    with pytest.raises(ConfigError, match=rf"claims.yml: {words}"):
        place.report()


@pytest.mark.parametrize("content", [b"[]", b"", b"a: [", b"\xff", None])
def test_a_file_without_claims_is_an_error(place, content):
    place.add("a", "dcgan_mnist", [result()])
    place.claims.unlink()
    if content is not None:
        place.claims.write_bytes(content)
    with pytest.raises(ConfigError, match=r"claims.yml(:\d+:\d+)?: (expected the lists|not |cannot be read)"):
        place.report()
