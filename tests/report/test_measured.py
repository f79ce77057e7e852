"""Which runs are reported, and what can be compared."""

import json

import pytest
from conftest import flip_a_byte
from report_place import Place, result, rows, run_row

from ppgan_lite.errors import EvaluationError, RunError


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_seeds_are_averaged_and_other_keys_are_not(place):
    for seed, distance in ((0, 4.0), (1, 8.0), (5, 5.0)):
        place.add(f"s{seed}", "dcgan_mnist", [result(frechet_distance=distance)], [f"train.seed={seed}"])
    place.add("t", "dcgan_mnist", [result()], ["generator.upsample=transposed"])
    text = place.report()
    assert rows(text, "`dcgan_mnist`")[0][2] == "5.667 (4.000 to 8.000)"
    assert rows(text, "`dcgan_mnist` + `generator.upsample=transposed`")[0][2] == "5.500"


def test_another_protocol_is_an_error_that_names_both_runs(place):
    place.add("a", "dcgan_mnist", [result()])
    place.add("b", "dcgan_mnist_article", [result(protocol={"num_fake": 2000})])
    with pytest.raises(
        EvaluationError, match="output/a and .*output/b cannot be compared: num_fake was 10000 and 2000"
    ):
        place.report()


def test_other_data_has_a_table_and_a_protocol_of_its_own(place):
    place.add("a", "dcgan_mnist", [result()])
    found = result(data="fashion_mnist", protocol={"num_fake": 2000})
    place.add("b", "dcgan_fashion_mnist", [found], data="fashion_mnist")
    place.add("c", "classifier_cnn_mnist", [result(1200, accuracy=0.9)])
    heads = [line for line in place.report().splitlines() if " on " in line and line.startswith("## ")]
    assert heads == ["## Classifiers on mnist", "## Generators on fashion_mnist", "## Generators on mnist"]


def test_what_was_never_evaluated_is_left_out_with_the_command(place, capsys):
    place.add("a", "dcgan_mnist", [result()])
    folder = place.add("b c", "dcgan_mnist_article", [])
    assert "article" not in place.report()
    expected = f"warning: {folder}: left out: it was never evaluated; python tools/evaluate.py --run '{folder}'\n"
    assert capsys.readouterr().err == expected


def test_of_two_runs_with_one_seed_the_longer_counts(place, capsys):
    place.add("a", "dcgan_mnist", [result(4680, frechet_distance=1.0)])
    for name, distance in (("b", 2.0), ("c", 3.0)):
        place.add(name, "dcgan_mnist", [result(9360, frechet_distance=distance)])
    assert rows(place.report(), "`dcgan_mnist`")[0][2] == "2.000"
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": left out: ")[0] for line in said] == [f"warning: {place.runs / x}" for x in ("c", "a")]


@pytest.mark.parametrize("damaged", ["run.json", "evaluations/step_00009360.json", "config.yml", "metrics.jsonl"])
def test_a_damaged_run_is_left_out_with_a_warning(place, capsys, damaged):
    folder = place.add("a", "dcgan_mnist", [result()], metrics=[{"step": 1}])
    if damaged.startswith("evaluations"):
        flip_a_byte(folder / damaged)
    else:
        (folder / damaged).write_text("{\n")
    with pytest.raises(EvaluationError, match="output: no evaluated run in it or below"):
        place.report()
    assert not place.out.exists()
    place.add("b", "dcgan_mnist_article", [result()])
    capsys.readouterr()
    assert "`output/b`" in place.report()
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"warning: {folder}: left out: {folder / damaged}")


def test_a_run_of_an_older_version_is_reported(place):
    """It has no class names."""
    folder = place.add("old", "dcgan_mnist_article", [result()])
    record = json.loads((folder / "run.json").read_text())
    del record["class_names"]
    (folder / "run.json").write_text(json.dumps(record))
    assert run_row(place.report(), "output/old")[0] == "`dcgan_mnist_article`"


def test_no_runs_is_an_error(place):
    with pytest.raises(RunError, match="output: no such folder"):
        place.report()
    place.runs.mkdir()
    with pytest.raises(EvaluationError, match="output: no evaluated run in it or below"):
        place.report()


def test_health_is_told_by_run(place):
    told = [
        {"step": 100, "health/diversity": 0.9},
        {"step": 300, "diagnosis": "collapse", "since": 100, "words": "all alike"},
    ]
    place.add("a", "dcgan_mnist", [result()], ["train.seed=0"], metrics=told)
    place.add("b", "dcgan_mnist", [result()], ["train.seed=1"], metrics=told[:1])
    place.add("c", "dcgan_mnist_article", [result()])
    text = place.report()
    assert [run_row(text, f"output/{name}")[4] for name in "abc"] == [
        "collapse at 300 (since 100)",
        "no alarm",
        "not watched",
    ]
