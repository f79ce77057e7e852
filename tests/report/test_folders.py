"""From the folders of runs to records and pictures."""

import json

import pytest
from conftest import flip_a_byte
from PIL import Image
from report_place import CONFIGS, Place, draw, ranked, result, rows, run_row

from ppgan_lite.errors import EvaluationError, RunError
from ppgan_lite.report import report


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_what_was_never_evaluated_is_left_out_with_the_command(place, capsys):
    place.add("a", "dcgan_mnist", [result()])
    folder = place.add("b c", "dcgan_mnist_article", [])
    assert "`dcgan_mnist_article`" not in place.report()
    expected = f"warning: {folder}: left out: it was never evaluated; python tools/evaluate.py --run '{folder}'\n"
    assert capsys.readouterr().err == expected


def test_the_longer_of_two_runs_with_one_seed_counts(place, capsys):
    place.add("a", "dcgan_mnist", [result(4680, frechet_distance=1.0)])
    for name, distance in (("b", 2.0), ("c", 3.0)):
        place.add(name, "dcgan_mnist", [result(9360, frechet_distance=distance)])
    assert [cells[1] for cells in ranked(place.report())] == ["2.000"]
    warnings = capsys.readouterr().err.splitlines()
    assert [line.split(": left out: ")[0] for line in warnings] == [f"warning: {place.runs / x}" for x in ("c", "a")]


@pytest.mark.parametrize("damaged", ["run.json", "evaluations/step_00009360.json", "config.yml"])
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
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith(f"warning: {folder}: left out: {folder / damaged}")


def test_damaged_lines_and_pictures_are_left_out_with_a_warning_and_the_run_stays(place, capsys):
    folder = place.add("a", "dcgan_mnist", [result()], metrics=[{"step": 1}], preview=5)
    with open(folder / "metrics.jsonl", "a") as stream:
        stream.write("{\n")
    preview = folder / "samples" / "step_00000005.png"
    preview.write_bytes(preview.read_bytes()[:-40] + bytes(40))
    assert "`output/a`" in place.report()
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"warning: {folder / 'metrics.jsonl'}: damaged, 1 of 2 lines are left out")
    assert second == f"warning: the page does not show a picture: {preview}: not a picture, or damaged; move it away"


def test_the_name_of_a_data_set_does_not_lead_out_of_the_folder_of_pictures(place, capsys):
    folder = place.add("a", "dcgan_mnist", [result()])
    record = json.loads((folder / "run.json").read_text())
    record["data"]["name"] = "/../../x"
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(EvaluationError, match="no evaluated run"):
        place.report()
    assert f"{folder / 'run.json'}: damaged (data.name: must be text that matches" in capsys.readouterr().err


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


def test_two_runs_with_one_title_are_an_error(place, tmp_path):
    place.add("a", "dcgan_mnist", [result()])
    other = Place(tmp_path / "other")
    other.add("a", "dcgan_mnist_article", [result()])
    with pytest.raises(EvaluationError, match="are both called output/a; rename one of the folders"):
        report([place.runs, other.runs], place.out, place.claims, CONFIGS)


def test_the_newest_evaluation_counts_and_a_better_checkpoint_is_mentioned(place):
    results = [result(468, frechet_distance=2.0), result(936, frechet_distance=3.0)]
    folder = place.add("a", "dcgan_mnist", results)
    text = place.report()
    assert [cells[1] for cells in ranked(text)] == ["3.000"]
    assert "better checkpoint" not in text
    (folder / "best" / "step_00000468").mkdir(parents=True)
    assert run_row(place.report(), "output/a")[-1] == "step 468, Frechet distance 2.000"
    (folder / "best" / "step_00000468").rename(folder / "best" / "step_00000936")
    assert "better checkpoint" not in place.report()


def test_pictures_are_a_few_of_the_newest_samples_and_of_the_real_images(place):
    folder = place.add("a", "dcgan_mnist", [result()], preview=100)
    draw(folder / "samples" / "step_00000200.png", 200)
    draw(folder / "samples" / "real.png", 50)
    text = place.report()
    pictures = {path.name: Image.open(path) for path in place.pictures.iterdir()}
    assert {name: picture.size for name, picture in pictures.items()} == {
        "output-a.png": (242, 242),
        f"real-mnist-{'ab' * 6}.png": (242, 242),
    }
    assert pictures["output-a.png"].getpixel((5, 5)) == 200
    assert pictures["output-a.png"].info == {}
    assert '<img src="images/results/output-a.png" width="112" alt="samples of dcgan_mnist, step 200">' in text


def test_the_time_of_a_run_is_that_of_its_steps_at_the_median_speed(place):
    speeds = [{"step": step, "images_per_second": speed} for step, speed in ((1, 1.0), (2, 128.0), (3, 9999.0))]
    place.add("a", "dcgan_mnist", [result()], metrics=speeds)
    assert rows(place.report(), "`output/a`")[0][4] == "2 h 36 min"  # 9,360 s at a step of 128 images a second
