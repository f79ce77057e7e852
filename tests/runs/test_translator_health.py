"""Diagnoses of translators: raised by what is wrong, not by what is right, and lowered again."""

import numpy as np
import pytest

from ppgan_lite.methods.options import METHODS
from ppgan_lite.runs.translator_health import REMEDIES, Reference, Translated, TranslatorHealth


def draw(seed, num=8, channels=1, size=16):
    """Smooth random images, [num, channels, size, size] in [-1, 1]."""
    coarse = np.random.default_rng(seed).uniform(-1, 1, [num, channels, 4, 4])
    return coarse.repeat(size // 4, 2).repeat(size // 4, 3).astype("float32")


A, B = draw(0), draw(1)


def watch(a=A, b=B, paired=True, names=("a_to_b",)):
    return TranslatorHealth({name: Reference.measure(a, b, paired) for name in names}, {})


def feed(watched, translated, steps, direction="a_to_b"):
    """Names and steps of the diagnoses that the same preview gives at these steps."""
    diagnoses = []
    for step in steps:
        watched.observe_preview(step, {direction: translated})
        diagnoses += [(d.name, d.step, d.since) for d in watched.diagnoses()]
    return diagnoses


EVERY_100 = range(100, 1001, 100)


# What is measured.


def test_the_truth_measures_1_whatever_the_pictures_are():
    for channels in (1, 3):
        a, b = draw(0, channels=channels), draw(1, channels=channels)
        reference = Reference.measure(a, b, paired=True)
        measures = watch(a, b).observe_preview(1, {"a_to_b": Translated(a, b)})
        assert measures["health/change_a_to_b"] == pytest.approx(1)
        assert measures["health/diversity_a_to_b"] == pytest.approx(1)
        assert measures["health/correlation_a_to_b"] == pytest.approx(reference.correlation)


def test_measures_are_ratios_of_distances():
    measures = watch(A, A + 0.4).observe_preview(1, {"a_to_b": Translated(A, A + 0.1, A + 0.2)})
    assert measures == pytest.approx(
        {
            "health/change_a_to_b": 0.25,
            "health/cycle_a_to_b": 0.5,
            "health/diversity_a_to_b": 1,
            "health/correlation_a_to_b": 1,
        }
    )


def test_without_pairs_every_two_different_items_are_compared():
    reference = Reference.measure(A, B, paired=False)
    others = [np.abs(a - b).mean() for i, a in enumerate(A) for j, b in enumerate(B) if i != j]
    assert reference.distance == pytest.approx(np.mean(others), rel=1e-5)
    assert Reference.measure(A, A, paired=False).distance == pytest.approx(reference.diversity, abs=0.1)
    assert Reference.measure(A, A, paired=True).distance == 0


def test_correlation_is_that_of_numpy():
    def grey(image):
        return (np.array([0.299, 0.587, 0.114])[:, None, None] * image).sum(0).ravel()

    a, b = draw(0, channels=3), draw(1, channels=3)
    expected = np.mean([np.corrcoef(grey(x), grey(y))[0, 1] for x, y in zip(a, b, strict=True)])
    assert Reference.measure(a, b, paired=True).correlation == pytest.approx(expected, abs=1e-5)


def test_what_has_no_reference_is_left_out():
    one = A[:1]
    measures = watch(one, one).observe_preview(1, {"a_to_b": Translated(one, one)})
    assert measures == pytest.approx({"health/correlation_a_to_b": 1})
    assert feed(watch(one, one), Translated(one, one), EVERY_100) == []
    flat = np.zeros_like(one)
    assert watch(flat, flat).observe_preview(1, {"a_to_b": Translated(flat, flat)}) == {"health/correlation_a_to_b": 0}


def test_large_pictures_are_compared_by_a_part_of_their_pixels():
    large = draw(0, 4, size=256)
    small = watch(draw(0, 4, size=64), draw(1, 4, size=64))
    measures = watch(large, draw(1, 4, size=256)).observe_preview(1, {"a_to_b": Translated(large, -large)})
    expected = small.observe_preview(1, {"a_to_b": Translated(large[:, :, ::4, ::4], -large[:, :, ::4, ::4])})
    assert measures == pytest.approx(expected)


def test_what_may_stop_a_translators_run_has_remedies():
    for method in METHODS.values():
        if method.KIND == "translator":
            assert {"collapse", "copies_input"} <= set(method.DIAGNOSES) <= REMEDIES.keys()


# Copies.


def test_a_copy_is_reported_after_three_previews_and_300_steps():
    assert feed(watch(), Translated(A, A * 0.99), EVERY_100) == [("copies_input", 400, 100)]
    assert feed(watch(), Translated(A, A * 0.99), range(500, 3001, 500)) == [("copies_input", 1500, 500)]


def test_any_other_change_is_no_copy():
    for outputs in (B, 0.5 * B, A * 0.8 + B * 0.2):
        assert feed(watch(), Translated(A, outputs), EVERY_100) == []


def test_a_copy_is_reported_in_words_with_remedies():
    watched = watch()
    for step in EVERY_100:
        watched.observe_preview(step, {"a_to_b": Translated(A, A)})
    (diagnosis,) = watched.diagnoses()
    assert diagnosis.words.startswith("a_to_b: the outputs are nearly the inputs: their distance is 0.00 times the ")
    assert diagnosis.remedies == REMEDIES["copies_input"]


def test_either_direction_may_copy():
    watched = watch(names=("a_to_b", "b_to_a"))
    for step in EVERY_100:
        watched.observe_preview(step, {"a_to_b": Translated(A, B), "b_to_a": Translated(B, B)})
    (diagnosis,) = watched.diagnoses()
    assert diagnosis.words.startswith("b_to_a: the outputs are nearly the inputs")
    assert "a_to_b" not in diagnosis.words


def test_a_copy_is_over_once_it_is_absent_for_some_steps():
    watched = watch()
    assert len(feed(watched, Translated(A, A), EVERY_100)) == 1
    feed(watched, Translated(A, B), [1100])
    assert watched.summary()[0]["until"] is None
    feed(watched, Translated(A, B), [1200])
    assert watched.summary()[0]["until"] == 1100
    assert feed(watched, Translated(A, A), [1300, 1400, 1500, 1600]) == [("copies_input", 1600, 1300)]


# Outputs all alike.


def test_outputs_all_alike_are_a_collapse():
    alike = B[:1].repeat(8, 0)
    assert feed(watch(), Translated(A, alike + 0.05 * B), EVERY_100) == [("collapse", 400, 100)]
    assert feed(watch(), Translated(A, alike + 0.5 * B), EVERY_100) == []


# Inversions.


def test_an_inversion_is_reported_where_the_truth_shows_none():
    assert feed(watch(A, A), Translated(A, -A), EVERY_100) == [("inverted", 400, 100)]
    assert feed(watch(), Translated(A, -A), EVERY_100) == [("inverted", 400, 100)]


def test_an_inversion_that_the_truth_shows_is_right():
    assert feed(watch(A, -A), Translated(A, -A), EVERY_100) == []
    assert feed(watch(A, B - A), Translated(A, -A), EVERY_100) == []


def test_without_the_truth_an_inversion_is_reported_if_the_cycle_holds():
    for cycle, names in ((None, []), (B, []), (A * 0.95, ["inverted"])):
        diagnoses = feed(watch(paired=False), Translated(A, -A, cycle), EVERY_100)
        assert [name for name, *_ in diagnoses] == names


def test_domains_that_are_each_others_negative_may_be_inverted():
    digits = draw(0, 1) + 0.2 * draw(1)
    watched = watch(digits, -digits[::-1], paired=False)
    assert feed(watched, Translated(digits, -digits, digits), EVERY_100) == []


# Cycles.


def cycle_of(watched, losses):
    """Names of the diagnoses from the cycle losses of every tenth step."""
    diagnoses = []
    for i, loss in enumerate(losses, 1):
        watched.observe(10 * i, {"loss/cycle": loss, "loss/g": 1.0})
        diagnoses += [(d.name, d.step, d.since) for d in watched.diagnoses()]
    return diagnoses


def test_a_cycle_loss_that_stays_is_stuck():
    assert cycle_of(watch(), [1.0] * 200) == [("cycle_stuck", 1000, 510)]
    noise = np.random.default_rng(0).uniform(0.6, 1.4, 200)
    assert [name for name, *_ in cycle_of(watch(), noise)] == ["cycle_stuck"]


def test_a_cycle_loss_that_falls_is_not():
    assert cycle_of(watch(), [1.0] * 10 + [0.85] * 300) == []
    assert cycle_of(watch(), np.exp(-np.arange(300) / 50)) == []
    noise = np.random.default_rng(0).uniform(0.6, 1.4, 200)
    assert cycle_of(watch(), noise * np.linspace(1, 0.5, 200)) == []


def test_a_stuck_cycle_may_come_loose():
    watched = watch()
    assert len(cycle_of(watched, [1.0] * 200)) == 1
    for step in range(2010, 3000, 10):
        watched.observe(step, {"loss/cycle": 0.5})
    assert watched.summary()[0]["until"] is not None


def test_without_the_first_steps_nothing_is_said_of_a_cycle():
    watched = watch()
    for step in range(5000, 9000, 10):
        watched.observe(step, {"loss/cycle": 1.0})
    assert watched.diagnoses() == []
    assert cycle_of(watch(), [0.0] * 300) == []


# From the log.


def test_a_log_says_the_same_as_the_previews():
    watched, resumed = (watch(names=("a_to_b", "b_to_a")) for _ in range(2))
    for step in EVERY_100:
        log = watched.observe_preview(step, {"a_to_b": Translated(A, -A, A), "b_to_a": Translated(B, B, B)})
        resumed.observe_measures(step, {"step": step, "time": 1.5} | log)
    assert watched.summary() == resumed.summary() != []
    assert watched.diagnoses() == resumed.diagnoses()


def test_strange_measures_in_a_log_are_passed_over():
    watched = watch()
    for step in EVERY_100:
        watched.observe_measures(
            step, {"health/": 0.0, "health/change": 0.0, "health/change_b_to_a": 0.0, "health/x_": 1}
        )
    assert watched.diagnoses() == []
