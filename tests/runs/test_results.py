import json

import pytest

from ppgan_lite.errors import EvaluationError, RunError
from ppgan_lite.files import seal, unseal
from ppgan_lite.runs.results import METRICS, Figure, Result, check_same_protocol

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
def of_classifier():
    figures = {"accuracy": Figure(0.75, error=0.1), "train_accuracy": Figure(1.0)}
    return Result(7, PROTOCOL, figures, 0.5, confusion=((3, 1), (0, 0)))


@pytest.mark.parametrize("kind", ["result", "of_classifier"])
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
    with pytest.raises(EvaluationError, match="x.json: damaged .* delete it, and evaluate that step again"):
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
    with pytest.raises(EvaluationError, match="of another format than 1; evaluate that step again"):
        Result.read(path)


def test_the_table_shows_each_metric_beside_real_images(result, of_classifier):
    assert [line.split("  ")[0] for line in result.table().splitlines()] == ["metric", *FIGURES]
    heads, *rows = ([cell.strip() for cell in line.split("  ") if cell] for line in result.table().splitlines())
    assert heads == ["metric", "this run", "real images"]
    assert rows == [
        ["frechet_distance", "12.35", "0.1234", METRICS["frechet_distance"]],
        ["classifier_score", "0.3000 ± 0.05", "9.870", METRICS["classifier_score"]],
        ["class_kl", "1.000e-300", "0.000", METRICS["class_kl"]],
    ]
    assert len({line.index(row[3]) for line, row in zip(result.table().splitlines()[1:], rows, strict=True)}) == 1
    assert "accuracy        0.7500 ± 0.1    of the test images" in of_classifier.table().splitlines()


def test_a_metric_without_words_is_shown_too():
    assert Result(1, {}, {"new_one": Figure(3.0)}, 0.0).table().splitlines()[1].split() == ["new_one", "3.000"]


def test_results_of_one_protocol_compare(result):
    check_same_protocol(result, Result(8, dict(reversed(PROTOCOL.items())), {}, 9.0), ("a", "b"))


def test_averaged_weights_are_no_other_protocol(result):
    check_same_protocol(result, Result(8, {**PROTOCOL, "ema": True}, {}, 9.0), ("a", "b"))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({**PROTOCOL, "num_real": 2000}, "num_real was 10000 and 2000"),
        ({**PROTOCOL, "num_real": 2000, "features": "inception"}, 'features was "mnist" and "inception"'),
        ({**PROTOCOL, "split": "test"}, 'split was null and "test"'),
        ({key: value for key, value in PROTOCOL.items() if key != "features"}, 'features was "mnist" and null'),
    ],
)
def test_results_of_two_protocols_do_not(result, other, said):
    with pytest.raises(EvaluationError) as error:
        check_same_protocol(result, Result(7, other, FIGURES, 1.25), ("runs/a", "runs/b"))
    assert str(error.value) == f"runs/a and runs/b cannot be compared: {said}; evaluate both alike"
