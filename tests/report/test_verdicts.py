"""Published figures, aims and failures."""

import pytest
from report_place import FNN, Place, figure_claim, part, result, rows


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_claims_without_a_run_are_listed(place):
    place.add_classifier("a")
    place.claim(figures=[figure_claim(group={"config": "classifier_cnn_fashion_mnist"})])
    assert (
        part(place.report(), "Comparison with published figures") == "Not measured: `classifier_cnn_fashion_mnist`.\n"
    )


def test_figures_that_cannot_be_compared_are_listed_for_the_data_at_hand(place):
    place.add("a", "dcgan_mnist", [result()])
    lists = {"mnist": "GAN 9", "fashion_mnist": "GAN 29"}
    place.claim(not_comparable=[{"what": "FID", "why": "features differ", "source": "book", "figures": lists}])
    assert part(place.report(), "Comparison with published figures") == (
        "No figure to compare: FID, [book](#sources), because features differ.\n\n- mnist: GAN 9\n"
    )


def test_data_that_stands_in_answers_no_claim(place):
    place.add("a", "dcgan_mnist", [result(data="rendered_digits")], data="rendered_digits", stands_in_for="mnist")
    place.add("b", "dcgan_mnist", [result(frechet_distance=7.0)])
    claim = figure_claim(
        group={"config": "dcgan_mnist"}, metric="frechet_distance", value=6.0, tolerance=0.5, better="lower", epoch=20
    )
    place.claim(figures=[claim])
    text = place.report()
    assert "### Generators on rendered_digits, standing in for mnist" in text
    found = [
        cells[3:5] + cells[-1:] for cells in rows(part(text, "Comparison with published figures")) if "±" in cells[2]
    ]
    assert found == [["7.000", "+1.0000", "not reproduced"]]


def test_an_aim_is_met_if_the_means_keep_all_limits(place):
    limits = [
        {"metric": "frechet_distance", "op": "at most", "value": 20},
        {"metric": "coverage", "op": "at least", "value": 0.3},
    ]
    for seed, coverage in enumerate((0.2, 0.4)):
        place.add(f"s{seed}", "dcgan_mnist", [result(coverage=coverage)], [f"train.seed={seed}"])
    place.add("a", "gan_mnist_cpu", [result(coverage=0.29)])
    names = ("dcgan_mnist", "gan_mnist_cpu", "lsgan_mnist_cpu")
    place.claim(aims=[{"group": {"config": name}, "limits": limits} for name in names])
    text = part(place.report(), "Our own aims")
    assert [cells[1:] for cells in rows(text) if cells[0] in ("`dcgan_mnist`", "`gan_mnist_cpu`")] == [
        [
            "Frechet distance 5.500 (at most 20); coverage 0.3000 (0.2000 to 0.4000) (at least 0.3)",
            "2",
            "9,360",
            "aim met",
        ],
        ["Frechet distance 5.500 (at most 20); coverage 0.2900 (at least 0.3)", "1", "9,360", "aim missed: coverage"],
    ]
    assert "Not measured: `lsgan_mnist_cpu`." in text
    assert FNN not in text


def test_a_run_without_alarms_is_no_failure(place):
    place.add("a", "dcgan_mnist", [result()])
    assert part(place.report(), "Failures") == "No run has a health alarm.\n"
