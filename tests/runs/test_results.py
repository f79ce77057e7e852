import json
import math
import os

import pytest

from ppgan_lite.errors import EvaluationError, RunError
from ppgan_lite.files import seal, unseal
from ppgan_lite.runs.results import METRICS, Figure, Result, check_same_protocol, describe_quality, words_of

PROTOCOL = {"features": "mnist", "num_real": 10_000, "ema": False}
FIGURES = {
    "frechet_distance": Figure(12.345678, real=0.1234),
    "classifier_score": Figure(0.1 + 0.2, real=9.87, error=0.05),  # a float that needs all of its digits
    "class_kl": Figure(1e-300, real=0.0),
}


@pytest.fixture
def result():
    return Result(7, PROTOCOL, FIGURES, 1.25)


@pytest.fixture
def classifier_result():
    figures = {"accuracy": Figure(0.75, error=0.1), "train_accuracy": Figure(1.0)}
    return Result(7, PROTOCOL, figures, 0.5, confusion=((3, 1), (0, 0)))


@pytest.mark.parametrize("kind", ["result", "classifier_result"])
def test_what_is_written_is_read(kind, request, tmp_path):
    written = request.getfixturevalue(kind)
    written.write(tmp_path / "x.json")
    assert Result.read(tmp_path / "x.json") == written
    json.loads((tmp_path / "x.json").read_text(), parse_constant=pytest.fail)  # NaN is no JSON
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_writing_where_nothing_can_be_written(result, tmp_path):
    with pytest.raises(RunError, match="cannot be written: No such file or directory"):
        result.write(tmp_path / "none" / "x.json")


def test_a_changed_figure_is_refused(result, tmp_path):
    path = tmp_path / "x.json"
    result.write(path)
    text = path.read_text()
    assert "12.345678" in text
    path.write_text(text.replace("12.345678", "2.345678"))
    with pytest.raises(EvaluationError, match="x.json: damaged .* delete it and evaluate that step again"):
        Result.read(path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"sha256": "0"}'])
def test_what_is_no_result_is_refused(content, tmp_path):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(EvaluationError, match="x.json: damaged"):
        Result.read(tmp_path / "x.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EvaluationError, match="x.json: cannot be read: No such file"):
        Result.read(tmp_path / "x.json")


def test_another_format_is_refused(result, tmp_path):
    path = tmp_path / "x.json"
    result.write(path)
    path.write_bytes(seal({**unseal(path.read_bytes()), "format": 2, "more": "of a later version"}))
    with pytest.raises(EvaluationError, match="x.json: unknown format; evaluate that step again"):
        Result.read(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"step": "7"}, "step: expected a whole number, got '7'"),
        ({"step": -7}, "step: must be at least 0"),
        ({"protocol": ["x"]}, "protocol: expected a section with keys"),
        ({"protocol": {"seed": [0]}}, "protocol.seed: expected"),
        ({"protocol": {"seed": 0.5}}, "protocol.seed: expected"),
        ({"figures": {"frechet_distance": 1.0}}, "figures.frechet_distance: expected a section with keys"),
        ({"figures": {"frechet_distance": {"real": 1.0}}}, "figures.frechet_distance.value: missing"),
        ({"figures": {"frechet_distance": {"value": None}}}, "figures.frechet_distance.value: expected a number"),
        ({"figures": {"frechet_distance": {"value": math.nan}}}, "figures.frechet_distance.value: expected a number"),
        ({"figures": {"frechet_distance": {"value": 1e300}}}, "figures.frechet_distance.value: must be"),
        ({"figures": {"frechet_distance": {"value": 10**400}}}, "figures.frechet_distance.value: expected a number"),
        ({"figures": {"l1": {"value": 1.0, "baselines": {"x": "y"}}}}, "figures.l1.baselines.x: expected a number"),
        ({"seconds": None}, "seconds: expected a number"),
        ({"confusion": [[1, "2"]]}, r"confusion\[0\]\[1\]: expected a whole number"),
        ({"confusion": [[1, -2]]}, r"confusion\[0\]\[1\]: must be at least 0"),
        ({"confusion": 5}, "confusion: expected a list"),
    ],
)
def test_every_field_of_a_forged_result_is_checked(changes, words, result, tmp_path):
    path = tmp_path / "x.json"
    result.write(path)
    path.write_bytes(seal(unseal(path.read_bytes()) | changes))
    message = rf"^{path}: damaged \({words}[^\n]*\); delete it and evaluate that step again$"
    with pytest.raises(EvaluationError, match=message):
        Result.read(path)


def test_a_result_of_an_older_version_without_a_confusion_matrix_is_read(result, tmp_path):
    path = tmp_path / "x.json"
    record = unseal(result.to_bytes())
    del record["confusion"]
    path.write_bytes(seal(record))
    assert Result.read(path) == result


def test_what_is_no_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(EvaluationError, match="x.json: cannot be read: is not a regular file"):
        Result.read(tmp_path / "x.json")


PAIRED = {
    "b_to_a/l1": Figure(0.25, error=0.01, baselines={"input copied": 0.758, "mean picture": 0.328}),
    "b_to_a/frechet_distance": Figure(12.0, real=9.1, baselines={"input copied": 94.0}),
    "a_to_b/l1": Figure(0.35),
    "a_to_b/frechet_distance": Figure(20.0),
    "a_to_b/cycle_l1": Figure(0.1),
}
ATTRIBUTED = {
    "attribute_reached": Figure(0.96, real=0.99, baselines={"input copied": 0.01}),
    "attributes_kept": Figure(0.9, real=0.99),
    "cycle_l1": Figure(0.05),
    "colour/attribute_reached": Figure(0.98, real=1.0),
}


def test_baselines_are_written_and_read(tmp_path):
    written = Result(7, PROTOCOL, PAIRED, 1.25)
    written.write(tmp_path / "x.json")
    assert Result.read(tmp_path / "x.json") == written


@pytest.mark.parametrize(
    ("figures", "distance"),
    [
        (PAIRED, 0.3),  # the mean over the directions
        ({name: figure for name, figure in PAIRED.items() if not name.endswith("/l1")}, 16.0),
        (ATTRIBUTED, 0.04),
        (FIGURES, 12.345678),
    ],
)
def test_checkpoints_are_ranked_by_the_main_figure(figures, distance):
    assert Result(7, {}, figures, 0.0).distance == pytest.approx(distance)


def test_the_headline_of_a_translator_has_the_main_figures_of_each_direction():
    assert Result(7, {}, PAIRED, 0.0).headline() == (
        "b to a: L1 0.25 (input copied 0.758, mean picture 0.328), "
        "Frechet distance 12 (real images 9.1, input copied 94); a to b: L1 0.35, Frechet distance 20, cycle L1 0.1"
    )
    assert Result(7, {}, ATTRIBUTED, 0.0).headline() == (
        "96.0% of the wanted attributes reached (recognised in real images: 99.0%); "
        "90.0% of the others kept (real: 99.0%); L1 0.05 there and back"
    )


def test_the_table_of_a_translator_has_baselines_and_a_group_for_each_direction():
    rows = cells(Result(7, {}, PAIRED, 0.0).table())
    assert rows[:3] == [
        ["metric", "this run", "real images", "input copied", "mean picture"],
        ["b to a"],
        ["l1", "0.2500 ± 0.01", "0.7580", "0.3280", words_of("b_to_a/l1")],
    ]
    assert ["a to b"] in rows
    assert ["cycle_l1", "0.1000", METRICS["cycle_l1"]] in rows
    rows = cells(Result(7, {}, ATTRIBUTED, 0.0).table())
    assert [row[0] for row in rows] == [
        "metric", "attributes", "attribute_reached", "attributes_kept", "cycle_l1", "colour", "attribute_reached"
    ]  # fmt: skip


def test_a_result_without_a_distance_ranks_last():
    assert Result(7, {}, {}, 0.0).distance == math.inf


def cells(table):
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.splitlines()]


def test_the_table_groups_the_metrics_next_to_real_images(result, classifier_result):
    assert cells(result.table()) == [
        ["metric", "this run", "real images"],
        ["overall"],
        ["frechet_distance", "12.35", "0.1234", METRICS["frechet_distance"]],
        ["classifier_score", "0.3000 ± 0.05", "9.870", METRICS["classifier_score"]],
        ["realism and variety"],
        ["class_kl", "1.000e-300", "0.000", METRICS["class_kl"]],
    ]
    lines = [line for line in result.table().splitlines()[1:] if line.startswith("  ")]
    assert len({line.index(METRICS[line.split()[0]]) for line in lines}) == 1
    assert f"  accuracy        0.7500 ± 0.1    {METRICS['accuracy']}" in classifier_result.table().splitlines()


def test_a_metric_without_words_is_shown_too():
    table = Result(1, {}, {"new_one": Figure(3.0)}, 0.0).table()
    assert cells(table)[1:] == [["other"], ["new_one", "3.000"]]


@pytest.mark.parametrize(
    ("precision", "coverage", "words"),
    [  # from docs/RESULTS.md, except the first and the third
        (0.89, 0.93, "close to real images"),
        (0.8229, 0.7384, "good"),
        (0.4, 0.93, "fair"),  # noise among good images
        (0.6883, 0.4724, "fair"),
        (0.4021, 0.0778, "poor"),
        (0.0135, 0.0016, "unlike the data"),
        (0.0, 0.0, "unlike the data"),
        (0.7625, 0.1336, "realistic, but of few kinds"),
    ],
)
def test_the_headline_of_a_generator_says_what_its_distance_means(precision, coverage, words):
    figures = {
        "frechet_distance": Figure(5.353, real=0.1343),
        "precision": Figure(precision, real=0.9081),
        "coverage": Figure(coverage, real=0.9526),
    }
    assert Result(1, {}, figures, 0.0).headline().splitlines() == [
        f"Frechet distance 5.35 (real images: 0.134; lower is better): {words}",
        f"{precision:.0%} of the generated images look real (of real images: 91%); "
        f"{coverage:.0%} of the real images have a similar generated one (real: 95%)",
    ]


def test_where_real_images_reach_nothing_the_bare_shares_count():
    assert describe_quality(Figure(0.5, real=0.0), Figure(0.4, real=0.0)) == "fair"


def test_the_headline_of_a_classifier_is_its_test_accuracy(classifier_result):
    assert classifier_result.headline() == (
        "test accuracy 0.7500 ± 0.1 (training images: 1.0000; guessing the most frequent class: 1.0000)"
    )


def test_checksums_are_shortened_where_the_protocol_is_shown():
    result = Result(7, {"features": "mnist", "features_sha256": "0123456789abcdef" * 4, "seed": 0}, FIGURES, 1.25)
    assert result.describe_protocol() == "features mnist, features_sha256 0123456789ab, seed 0"


def test_results_of_one_protocol_compare(result):
    check_same_protocol(result, Result(8, dict(reversed(PROTOCOL.items())), {}, 9.0), ("a", "b"))


def test_averaged_weights_are_no_other_protocol(result):
    check_same_protocol(result, Result(8, {**PROTOCOL, "ema": True}, {}, 9.0), ("a", "b"))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({**PROTOCOL, "num_real": 2000}, "num_real was 10000 and 2000"),
        ({**PROTOCOL, "num_real": 2000, "features": "inception"}, 'features was "mnist" and "inception"'),
        ({**PROTOCOL, "split": "test"}, 'split was null and "test"'),
        ({key: value for key, value in PROTOCOL.items() if key != "features"}, 'features was "mnist" and null'),
    ],
)
def test_results_of_two_protocols_do_not(result, other, message):
    with pytest.raises(EvaluationError) as error:
        check_same_protocol(result, Result(7, other, FIGURES, 1.25), ("runs/a", "runs/b"))
    assert str(error.value) == f"runs/a and runs/b cannot be compared: {message}; evaluate both with the same protocol"
