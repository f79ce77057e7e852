"""Which runs are averaged, and which can share a table."""

import pytest
from report_place import FNN, Place, part, ranked, result, rows, run_row

from ppgan_lite.errors import EvaluationError


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_seeds_are_averaged_and_other_keys_are_not(place):
    for seed, distance in ((0, 4.0), (1, 8.0), (5, 5.0)):
        place.add(f"s{seed}", "dcgan_mnist", [result(frechet_distance=distance)], [f"train.seed={seed}"])
    place.add("t", "dcgan_mnist", [result()], ["generator.upsample=transposed"])
    assert [cells[:2] + cells[5:6] for cells in ranked(place.report())] == [
        ["`dcgan_mnist`<br><sub>generator.upsample = transposed</sub>", "5.500", "1"],
        ["`dcgan_mnist`", "5.667 (4.000 to 8.000)", "3"],
    ]


def test_another_protocol_is_an_error_that_names_both_runs(place):
    place.add("a", "dcgan_mnist", [result()])
    place.add("b", "dcgan_mnist_article", [result(protocol={"num_fake": 2000})])
    with pytest.raises(EvaluationError, match="output/a and output/b cannot be compared: num_fake was 10000 and 2000"):
        place.report()


def test_other_data_has_tables_and_a_protocol_of_its_own(place):
    place.add("a", "dcgan_mnist", [result()])
    found = result(data="fashion_mnist", protocol={"num_fake": 2000})
    place.add("b", "dcgan_fashion_mnist", [found], data="fashion_mnist")
    place.add("c", "classifier_cnn_mnist", [result(1200, accuracy=0.9)])
    heads = [line for line in part(place.report(), "Which GAN?").splitlines() if line.startswith("###")]
    assert heads == ["### Generators on fashion_mnist", "### Generators on mnist", "### Classifiers on mnist"]


def test_seeds_are_averaged_at_the_newest_step_that_all_were_evaluated_at(place):
    """Not each at its own newest step: that would average over lengths, too."""
    for seed, steps in enumerate(((468, 936, 1404), (468, 936))):
        found = [result(step, frechet_distance=float(step + seed)) for step in steps]
        place.add(f"s{seed}", "dcgan_mnist", found, [f"train.seed={seed}"])
    text = place.report()
    assert [cells[1:4:2] for cells in ranked(text)] == [["936.5 (936.0 to 937.0)", "936 x 128"]]
    assert {cells[1] for cells in rows(part(text, "All metrics"), "`dcgan_mnist`")} == {"936"}
    assert run_row(text, "output/s0")[2] == "1,404"


def test_seeds_without_a_common_step_stand_in_rows_of_their_own(place):
    for seed, (step, epoch) in enumerate(((468, 600), (936, 1200))):
        place.add(f"s{seed}", "dcgan_mnist", [result(step, frechet_distance=2.0 + seed)], [f"train.seed={seed}"])
        place.add_classifier(f"c{seed}", 0.8 + seed / 10, [f"train.seed={seed}"], steps=(epoch,))
    assert sorted(cells[:2] for cells in ranked(place.report())) == [
        [f"`{FNN}`, seed 0", "0.8000"],
        [f"`{FNN}`, seed 1", "0.9000"],
        ["`dcgan_mnist`, seed 0", "2.000"],
        ["`dcgan_mnist`, seed 1", "3.000"],
    ]
