"""The file of records, which stays when the folders of runs are gone."""

import json
import shutil

import pytest
from report_place import CONFIGS, Place, part, result

from ppgan_lite.errors import ConfigError
from ppgan_lite.report import report


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def add_all(place):
    alarm = {"step": 300, "diagnosis": "collapse", "since": 100, "words": "all alike"}
    logged = {"step": 400, "health/diversity": 0.9, "images_per_second": 64.0}
    place.add("a", "dcgan_mnist", [result(468), result(936)], metrics=[alarm, logged], preview=9)
    place.add("b", "dcgan_mnist_article", [result(936, frechet_distance=1 / 3)], preview=8)
    place.add_classifier("c")


def written(place):
    files = [path for path in place.out.parent.rglob("*") if path.is_file()]
    return {path.relative_to(place.folder): path.read_bytes() for path in files}


def test_the_page_is_the_same_without_the_folders(place):
    add_all(place)
    place.report(records=True)
    before = written(place)
    shutil.rmtree(place.runs)
    report([], place.out, place.claims, CONFIGS, place.records)
    assert written(place) == before
    assert [record["title"] for record in json.loads(place.records.read_text())["records"]] == [
        "output/c",
        "output/a",
        "output/b",
    ]


def test_runs_replace_their_own_records_and_pictures_and_the_others_stay(place, capsys):
    add_all(place)
    place.report(records=True)
    shutil.rmtree(place.runs)
    transposed = ["generator.upsample=transposed"]
    place.add("a", "dcgan_mnist", [result(936, frechet_distance=77.25)], transposed)  # its folder
    place.add("d", "dcgan_mnist_article", [result(936, frechet_distance=88.25)], preview=7)  # its config and seed
    ranking = part(place.report(records=True), "Which GAN?")
    assert [("77.25" in ranking), ("88.25" in ranking), ("0.3333" in ranking), ("5.500" in ranking)] == [1, 1, 0, 0]
    assert "classifier_fnn_fashion_mnist" in ranking
    assert {path.name for path in place.pictures.glob("output-*")} == {"output-d.png"}
    assert capsys.readouterr().err == ""


def test_a_note_is_shown_with_the_figures(place):
    add_all(place)
    place.report(records=True)
    tree = json.loads(place.records.read_text())
    tree["records"][1]["note"] = "measured on a toaster"
    place.records.write_text(json.dumps(tree))
    shutil.rmtree(place.runs)
    report([], place.out, place.claims, CONFIGS, place.records)
    text = place.out.read_text()
    assert "†: measured on a toaster.\n" in text
    assert "| `dcgan_mnist` † |" in text
    assert "| `dcgan_mnist_article` |" in text


def test_a_picture_that_is_gone_is_reported(place, capsys):
    add_all(place)
    place.report(records=True)
    shutil.rmtree(place.runs)
    (place.pictures / "output-a.png").unlink()
    report([], place.out, place.claims, CONFIGS, place.records)
    assert capsys.readouterr().err == f"warning: {place.pictures / 'output-a.png'}: missing; the page shows it\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tree: tree.update(format=2), "format: unknown value 2"),
        (lambda tree: tree["records"][0].update(sed=1), r"records\[0\].sed: unknown key; .*; did you mean seed\?"),
        (lambda tree: tree["records"][0].pop("seed"), r"records\[0\].seed: missing"),
        (
            lambda tree: tree["records"][0]["evaluations"][0].update(step="x"),
            r"evaluations\[0\].step: expected a whole",
        ),
        (lambda tree: tree["records"][0].update(evaluations=[]), "output/c has no evaluations"),
        (lambda tree: tree["records"][1].update(picture="../a.png"), "output/a: a picture is named without its folder"),
        (lambda tree: tree["records"][1].update(picture="..\\a.png"), "output/a: a picture is named without its"),
        (lambda tree: tree["records"][1].update(picture="a.md"), "output/a: a picture .* its name ends in .png"),
        (lambda tree: tree["records"][1].update(picture="a\0.png"), "output/a: a picture is named"),
        (lambda tree: tree["records"][1].update(seed=-1), r"records\[1\].seed: must be at least 0"),
        (lambda tree: tree["records"][1].update(protocol={"x": [1]}), r"records\[1\].protocol.x: expected"),
    ],
)
def test_a_damaged_record_is_an_error_that_names_the_key(place, change, words):
    add_all(place)
    place.report(records=True)
    tree = json.loads(place.records.read_text())
    change(tree)
    place.records.write_text(json.dumps(tree))
    with pytest.raises(ConfigError, match=f"results.json: not a file of records: .*{words}"):
        place.report(records=True)
