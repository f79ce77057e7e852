"""All metrics of the runs on one data set."""

import pytest
from report_place import FNN, GENERATOR, Place, draw, part, result, rows, run_row


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_every_figure_of_a_generator_stands_below_that_of_real_images(place):
    place.add("a", "dcgan_mnist", [result()])
    text = place.report()
    distances, coverage, pixels = rows(part(text, "All metrics"), "`dcgan_mnist`")
    real_distances, real_coverage, real_pixels = rows(part(text, "All metrics"), "real images")
    assert distances[1:] == ["9,360", "5.500", "0.1250", "8.500", "0.03125"]
    assert real_distances[1:] == ["-", "0.2500", "0.000", "9.750", "0.001000"]
    assert coverage[1:] == ["9,360", "0.7500", "0.6250", "0.6875", "0.5625"]
    assert real_coverage[1:] == ["-", "0.8750", "0.8125", "1.062", "0.9375"]
    assert pixels[1:] == ["9,360", "0.5078", "0.1875", "0.2200", "0.01100"]
    assert real_pixels[1:] == ["-", "0.5000", "0.1700", "0.2000", "0.01000"]
    assert run_row(text, "output/a") == ["`dcgan_mnist`", "2", "9,360", "-", "not watched"]


@pytest.mark.parametrize("metric", GENERATOR)
def test_each_figure_comes_from_the_file(place, metric):
    folder = place.add("a", "dcgan_mnist", [result()])
    assert "77.25" not in place.report()
    result(**{metric: 77.25}).write(folder / "evaluations" / "step_00009360.json")
    assert part(place.report(), "All metrics").count("| 77.25 |") == 1


def test_accuracy_is_reported_epoch_by_epoch(place):
    for seed in (0, 1):
        steps = (600, 900, 1200) if seed else (600, 1200)
        place.add_classifier(f"s{seed}", 0.8 + seed / 10, [f"train.seed={seed}"], steps=steps)
    found = rows(part(place.report(), "Classifiers"), f"`{FNN}`")
    assert [cells[1:3] for cells in found] == [["1", "600"], ["2", "1,200"]]
    assert found[0][3:] == ["0.8500 (0.8000 to 0.9000)", "0.9000"]


def test_confusion_matrices_stand_three_in_a_row(place):
    for seed, config in enumerate(("softmax", "fnn", "cnn", "resnet")):
        folder = place.add(config, f"classifier_{config}_mnist", [result(1200, accuracy=0.9)], [f"train.seed={seed}"])
        draw(folder / "evaluations" / "step_00001200.png", 3)
    lines = [line for line in part(place.report(), "Classifiers").splitlines() if "<img" in line]
    assert [line.count('width="280"') for line in lines] == [3, 1]
    assert 'src="images/results/output-fnn.png"' in lines[0]
    assert {path.name for path in place.pictures.iterdir()} == {
        f"output-{config}.png" for config in ("softmax", "fnn", "cnn", "resnet")
    }
