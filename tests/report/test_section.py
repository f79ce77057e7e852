"""The tables and pictures of the runs on one data set."""

import re

import pytest
from report_place import FNN, GENERATOR, Place, draw, figure_claim, result, rows, run_row


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_every_figure_of_a_generator_stands_beside_that_of_real_images(place):
    place.add("a", "dcgan_mnist", [result()], metrics=[{"step": 10, "images_per_second": 128.0}])
    text = place.report()
    distances, coverage, pixels = rows(text, "`dcgan_mnist`")
    real_distances, real_coverage, real_pixels = rows(text, "real images")
    assert distances[1:] == ["9,360", "5.500", "0.1250", "8.500", "0.03125"]
    assert real_distances[1:] == ["-", "0.2500", "0.000", "9.750", "0.001000"]
    assert coverage[1:] == ["9,360", "0.7500", "0.6250", "0.6875", "0.5625"]
    assert real_coverage[1:] == ["-", "0.8750", "0.8125", "1.062", "0.9375"]
    assert pixels[1:] == ["9,360", "0.5078", "0.1875", "0.2200", "0.01100"]
    assert real_pixels[1:] == ["-", "0.5000", "0.1700", "0.2000", "0.01000"]
    # 9,360 s at a step of 128 images a second
    assert run_row(text, "output/a") == ["`dcgan_mnist`", "2", "9,360", "2 h 36 min", "not watched", "-"]


@pytest.mark.parametrize("metric", GENERATOR)
def test_each_figure_comes_from_the_file(place, metric):
    folder = place.add("a", "dcgan_mnist", [result()])
    assert "77.25" not in place.report()
    result(**{metric: 77.25}).write(folder / "evaluations" / "step_00009360.json")
    assert place.report().count("| 77.25 |") == 1


def test_the_newest_evaluation_counts_and_a_better_one_is_mentioned(place):
    results = [result(468, frechet_distance=2.0), result(936, frechet_distance=3.0)]
    folder = place.add("a", "dcgan_mnist", results)
    text = place.report()
    assert rows(text, "`dcgan_mnist`")[0][1:3] == ["936", "3.000"]
    assert run_row(text, "output/a")[-1] == "-"
    (folder / "best" / "step_00000468").mkdir(parents=True)
    assert run_row(place.report(), "output/a")[-1] == "step 468, with a Frechet distance of 2.000"
    (folder / "best" / "step_00000468").rename(folder / "best" / "step_00000936")
    assert run_row(place.report(), "output/a")[-1] == "-"


def test_accuracy_is_told_epoch_by_epoch(place):
    for seed in (0, 1):
        steps = (600, 900, 1200) if seed else (600, 1200)
        place.add_classifier(f"s{seed}", 0.8 + seed / 10, [f"train.seed={seed}"], steps=steps)
    found = [cells for cells in rows(place.report(), f"`{FNN}`") if len(cells) == 5]
    assert [cells[1:3] for cells in found] == [["1", "600"], ["2", "1,200"]]
    assert found[0][3:] == ["0.8500 (0.8000 to 0.9000)", "0.9000"]


def test_seeds_are_averaged_at_the_newest_step_that_all_were_evaluated_at(place):
    """Not each at its own newest: it would be the length of the runs that is averaged."""
    for seed, steps in enumerate(((468, 936, 1404), (468, 936))):
        found = [result(step, frechet_distance=float(step + seed)) for step in steps]
        place.add(f"s{seed}", "dcgan_mnist", found, [f"train.seed={seed}"])
        place.add_classifier(f"c{seed}", 0.8 + seed / 10, [f"train.seed={seed}"], steps=(600, 1200)[: 2 - seed])
    text = place.report()
    assert rows(text, "`dcgan_mnist`")[0][1:3] == ["936", "936.5 (936.0 to 937.0)"]
    assert [cells[1] for cells in rows(text, "`dcgan_mnist`")] == ["936"] * 3
    assert run_row(text, "output/s0")[2] == "1,404"
    (cells,) = rows(text, f"`{FNN}`", "accuracy")
    assert cells[3:6] == ["0.8500 (0.8000 to 0.9000)", "2", "600"]


def test_seeds_without_a_common_step_stand_in_rows_of_their_own(place):
    for seed, (step, epoch) in enumerate(((468, 600), (936, 1200))):
        place.add(f"s{seed}", "dcgan_mnist", [result(step, frechet_distance=2.0 + seed)], [f"train.seed={seed}"])
        place.add_classifier(f"c{seed}", 0.8 + seed / 10, [f"train.seed={seed}"], steps=(epoch,))
    text = place.report()
    assert not [cells for cells in rows(text, "`dcgan_mnist`") if len(cells) > 2]
    assert rows(text, "`dcgan_mnist`, seed 0")[0][1:3] == ["468", "2.000"]
    assert rows(text, "`dcgan_mnist`, seed 1")[0][1:3] == ["936", "3.000"]
    for seed, accuracy, step in ((0, "0.8000", "600"), (1, "0.9000", "1,200")):
        claimed, by_epoch = rows(text, f"`{FNN}`, seed {seed}")
        assert claimed[3:6] == [accuracy, "1", step]
        assert by_epoch[2:4] == [step, accuracy]


def test_classifiers_without_a_claim_and_claims_without_a_classifier_are_shown(place):
    place.add_classifier("a")
    place.claim(figures=[figure_claim(group={"config": "classifier_cnn_fashion_mnist"})])
    text = place.report()
    (cells,) = rows(text, f"`{FNN}`", "accuracy")
    assert cells[2:4] + cells[-1:] == ["-", "0.8700", "no figure to compare"]
    assert "- `classifier_cnn_fashion_mnist`: accuracy, epoch 2, 0.8664 ± 0.015, [book](#sources): not measured" in text


def test_data_that_stands_in_is_another_data_set_and_answers_no_claim(place):
    place.add("a", "dcgan_mnist", [result(data="rendered_digits")], data="rendered_digits", stands_in_for="mnist")
    place.add("b", "dcgan_mnist", [result(frechet_distance=7.0)])
    claim = figure_claim(
        group={"config": "dcgan_mnist"}, metric="frechet_distance", value=6.0, tolerance=0.5, better="lower", epoch=20
    )
    place.claim(figures=[claim])
    text = place.report()
    assert "## Generators on rendered_digits, standing in for mnist" in text
    assert run_row(text, "output/a")[0] == "`dcgan_mnist` + `data.name=rendered_digits`"
    verdicts = [cells[3:4] + cells[-1:] for cells in rows(text) if "±" in "".join(cells)]
    assert verdicts == [["7.000", "not reproduced"]]


def test_pictures_are_copied_and_all_links_lead_somewhere(place):
    place.add("a", "dcgan_mnist", [result()], ["train.seed=1"], preview=100)
    first = place.add("b", "dcgan_mnist", [result()], ["train.seed=0"], preview=100)
    draw(first / "samples" / "step_00000200.png", 200)
    place.add("c", "dcgan_mnist", [result()], ["generator.upsample=transposed"], preview=7)
    cnn = place.add("d", "classifier_cnn_mnist", [result(1200, accuracy=0.9)])
    draw(cnn / "evaluations" / "step_00001200.png", 3)
    place.claim(not_comparable=[{"data": "mnist", "what": "FID", "figures": "1", "why": "so", "source": "book"}])
    text = place.report()
    assert text.count("*No figure to compare*: FID of [book](#sources) (1): so.") == 1  # not among the classifiers
    newest = (first / "samples" / "step_00000200.png").read_bytes()
    assert (place.pictures / "dcgan_mnist-1.png").read_bytes() == newest
    assert "![Samples, `dcgan_mnist`, seed 0, step 200](images/results/dcgan_mnist-1.png)" in text
    assert "dcgan_mnist` + `generator.upsample=transposed`, seed 2, step 7](images/results/dcgan_mnist-2.png)" in text
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert len(links) == 3
    assert {place.out.parent / link for link in links} == set(place.pictures.iterdir())
    anchors = {"#" + line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line[:1] == "#"}
    assert set(re.findall(r"\]\((#[^)]+)\)", text)) == {"#sources"} <= anchors
