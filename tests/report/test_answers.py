"""Verdicts on questions."""

import json

import pytest
from report_place import COMPARISON, CRITERION, Place, result

from ppgan_lite.errors import EvaluationError


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def two_groups(place, transposed, upsampled, transposed_energy=(2.0, 2.5), upsampled_energy=(1.0, 1.5)):
    sides = ((["generator.upsample=transposed"], transposed, transposed_energy), ([], upsampled, upsampled_energy))
    for overrides, variations, energies in sides:
        for seed, (variation, energy) in enumerate(zip(variations, energies, strict=True)):
            found = result(total_variation=variation, high_frequency_energy=energy)
            place.add(f"r{len(overrides)}{seed}", "dcgan_mnist", [found], [*overrides, f"train.seed={seed}"])


@pytest.mark.parametrize(
    ("transposed", "upsampled", "verdict"),
    [
        ((0.31, 0.35), (0.2, 0.3), "reproduced"),
        ((0.30, 0.35), (0.2, 0.3), "undecided"),  # the ranges touch
        ((0.1, 0.2), (0.25, 0.3), "undecided"),  # on one metric only
    ],
)
def test_a_group_is_higher_if_on_all_metrics_with_ranges_apart(place, transposed, upsampled, verdict):
    two_groups(place, transposed, upsampled)
    verdicts, text = place.answer(comparisons=[COMPARISON])
    assert verdicts == [verdict]
    assert "One seed" not in text


def test_one_seed_has_no_range(place):
    two_groups(place, (0.3,), (0.2,), (2.0,), (1.0,))
    verdicts, text = place.answer(comparisons=[COMPARISON])
    assert verdicts == ["reproduced"]
    assert "do not overlap. One seed has no range.\n" in text


def test_a_group_that_is_lower_or_equal_is_not_higher(place):
    two_groups(place, (0.2, 0.3), (0.2, 0.3), (1.0, 1.0), (1.0, 2.0))
    verdicts, text = place.answer(comparisons=[COMPARISON])
    assert verdicts == ["not reproduced"]
    assert "total variation 0.2500 (0.2000 to 0.3000) (1.250 times real images) against 0.2500" in text
    assert "`dcgan_mnist` + `generator.upsample=transposed` (seeds: 2) against `dcgan_mnist` (seeds: 2)" in text
    assert "(1.250 times real images): not higher; high frequency energy 1.000 (100.0 times" in text


def add_seeds(place, steps_of_each, overrides=()):
    for seed, steps in enumerate(steps_of_each):
        found = [result(step, total_variation=float(step), high_frequency_energy=float(step)) for step in steps]
        place.add(f"x{len(overrides)}{seed}", "dcgan_mnist", found, [*overrides, f"train.seed={seed}"])


def test_groups_are_compared_at_the_newest_step_at_which_all_runs_of_both_were_evaluated(place):
    add_seeds(place, ((468, 936, 1404), (468, 936)), ["generator.upsample=transposed"])
    add_seeds(place, ((468, 1404), (468, 1404)))
    verdicts, text = place.answer(comparisons=[COMPARISON])
    assert verdicts == ["not reproduced"]
    assert "at step 468: total variation 468.0 (2340 times real images) against 468.0 " in text


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (((936,), (936,)), "transposed` was evaluated at 936, but `dcgan_mnist` at 468.\n"),
        (((936,), (468,)), "transposed` was evaluated at no common step, but `dcgan_mnist` at 468.\n"),
    ],
)
def test_groups_without_a_common_step_are_not_compared(place, steps, words):
    add_seeds(place, steps, ["generator.upsample=transposed"])
    add_seeds(place, ((468,), (468,)))
    verdicts, text = place.answer(comparisons=[COMPARISON])
    assert verdicts == ["undecided"]
    assert words in text + "\n"


def test_it_is_not_clear_which_of_two_groups_on_different_data_is_meant(place):
    """Such as digits drawn by two versions of OpenCV."""
    two_groups(place, (0.31, 0.35), (0.2, 0.3))
    folder = place.add("other", "dcgan_mnist", [result(total_variation=9.0)])
    record = json.loads((folder / "run.json").read_text())
    record["data"]["sha256"] = "cd" * 32
    (folder / "run.json").write_text(json.dumps(record))
    asked = {**CRITERION, "group": {"config": "dcgan_mnist"}, "limits": CRITERION["limits"][1:]}
    verdicts, text = place.answer(comparisons=[COMPARISON], criteria=[asked])
    assert verdicts == ["undecided", "undecided"]
    for name in (f"`output/r00` (mnist, sha256 {'ab' * 6})", f"`output/other` (mnist, sha256 {'cd' * 6})"):
        assert text.count(name) == 2


def test_groups_with_another_protocol_are_not_compared(place):
    place.add("a", "dcgan_mnist", [result()])
    place.add("b", "dcgan_fashion_mnist", [result(data="fashion_mnist")], data="fashion_mnist")
    with pytest.raises(EvaluationError, match=r"output/a and output/b cannot be compared: data was"):
        place.answer(
            comparisons=[{**COMPARISON, "group": COMPARISON["than"], "than": {"config": "dcgan_fashion_mnist"}}]
        )


def test_a_question_with_half_of_its_runs_is_undecided_and_one_without_runs_is_only_listed(place):
    place.add("a", "dcgan_mnist", [result()])
    verdicts, text = place.answer(comparisons=[COMPARISON], criteria=[CRITERION])
    assert verdicts == ["undecided"]
    assert "There is no evaluated run of `dcgan_mnist` + `generator.upsample=transposed`." in text
    assert "- Not measured: Learns" in text


def test_data_that_stands_in_answers_nothing(place):
    place.add("a", "dcgan_mnist", [result(data="rendered_digits")], data="rendered_digits", stands_in_for="mnist")
    verdicts, text = place.answer(comparisons=[{**COMPARISON, "group": COMPARISON["than"]}])
    assert verdicts == []
    assert "- Not measured: Noisier" in text


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ([(15.0, 0.5)], "reproduced"),  # at both limits
        ([(15.1, 0.5)], "not reproduced"),
        ([(15.0, 0.49)], "not reproduced"),
        ([(15.0, 0.5), (15.0, 0.4)], "undecided"),
        ([(99.0, 0.5), (15.0, 0.4)], "not reproduced"),  # each keeps one
    ],
)
def test_a_criterion_is_met_if_every_seed_keeps_every_limit(place, figures, verdict):
    for seed, (distance, coverage) in enumerate(figures):
        found = result(frechet_distance=distance, coverage=coverage)
        place.add(f"a{seed}", "dcgan_mnist_article", [found], [f"train.seed={seed}"])
    verdicts, text = place.answer(criteria=[CRITERION])
    assert verdicts == [verdict]
    assert "`dcgan_mnist_article` at step 9,360 (epoch 20 of 20): Frechet distance" in text
    assert "(asked for: at most 15); coverage " in text
    assert "(asked for: at least 0.5). All limits are kept by" in text


@pytest.mark.parametrize(
    ("distances", "verdict"),
    [
        ({4680: 14.0}, "reproduced"),  # before the epochs are over
        ({4680: 16.0}, "undecided"),  # it may come
        ({936: 14.0, 4680: 16.0}, "undecided"),  # it was lost again
        ({4680: 16.0, 9360: 14.0, 9828: 99.0}, "reproduced"),  # what came later does not count
        ({9828: 14.0}, "undecided"),  # too late
    ],
)
def test_a_criterion_is_judged_at_the_newest_evaluation_within_the_epochs(place, distances, verdict):
    found = [result(step, frechet_distance=value, coverage=1.0) for step, value in distances.items()]
    place.add("a", "dcgan_mnist_article", found)
    verdicts, text = place.answer(criteria=[CRITERION])
    assert verdicts == [verdict]
    assert ("were never all evaluated within 20 epochs." in text) == (9828 in distances and len(distances) == 1)
