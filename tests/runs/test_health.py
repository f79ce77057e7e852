import json
import math
from pathlib import Path

import numpy as np
import pytest

from ppgan_lite.runs import health
from ppgan_lite.runs.health import REMEDIES, GeneratorHealth

TRACES = sorted(Path(__file__).with_name("health_traces").glob("*.json"))
WELL = {"loss/d_real": 0.6, "loss/d_fake": 0.5, "loss/g": 1.2, "accuracy/d_real": 0.8, "accuracy/d_fake": 0.85}
FAILED = {"loss/d_real": 0.02, "loss/d_fake": 0.01, "loss/g": 5.0, "accuracy/d_real": 1.0, "accuracy/d_fake": 1.0}
STRONG = FAILED | {"loss/d_real": 0.14, "loss/d_fake": 0.12}


def draw(seed, num=128, size=28):
    """Images of white squares that lie anywhere on black: [num, 1, size, size] in [-1, 1]."""
    rng = np.random.default_rng(seed)
    images = np.full((num, 1, size, size), -1.0, "float32")
    for image in images:
        top, left = rng.integers(0, size - 8, 2)
        image[0, top : top + 8, left : left + 8] = rng.uniform(0.5, 1)
    return images


def alike(seed):
    return np.repeat(draw(seed, 1), 128, 0)


def watch(real_images):
    """The health of a GAN with one discriminator, `d`."""
    return GeneratorHealth(real_images, {"d": "g"})


@pytest.fixture
def watched():
    return watch(draw(0))


def feed(watched, scalars, first, last, every=1):
    """Names of the diagnoses, with their steps, that the same scalars give at the steps first to last."""
    diagnoses = []
    for step in range(first, last + 1, every):
        watched.observe(step, scalars)
        diagnoses += [(d.name, d.step, d.since) for d in watched.diagnoses()]
    return diagnoses


def replay(path, watched, skip=0, every=1, without=()):
    """Diagnoses that a recorded run gives, from the steps after `skip`."""
    trace = json.loads(path.read_text())
    diversity = dict(trace["diversity"])
    diagnoses = []
    for row in trace["rows"]:
        scalars = dict(zip(trace["columns"], row, strict=True))
        step = scalars.pop("step")
        if step > skip and step % every == 0:
            watched.observe(step, {key: value for key, value in scalars.items() if not key.startswith(without)})
            if step in diversity:
                watched.observe_diversity(step, diversity[step])
        diagnoses += watched.diagnoses()
    return diagnoses


# Recorded runs.


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
@pytest.mark.parametrize("skip", [0, 30])
def test_a_recorded_run_gives_its_own_diagnosis_and_no_other(path, skip, watched):
    assert [diagnosis.name for diagnosis in replay(path, watched, skip)] == {
        "healthy": [],
        "healthy_transposed": [],
        "collapse": ["collapse"],
        "convergence_failure": ["d_too_strong", "convergence_failure"],  # the milder first, as it came
        "d_blind": ["d_blind"],
        "nan_near": ["nan_near"],
    }[path.stem]


@pytest.mark.parametrize(("every", "expected"), [(1, 56), (5, 65), (10, 70)])
@pytest.mark.parametrize("without", [(), ("grad_norm/",)])
def test_the_recorded_divergence_is_reported_before_the_nan_at_step_81(watched, every, expected, without):
    (diagnosis,) = replay(TRACES[0].with_name("nan_near.json"), watched, every=every, without=without)
    assert (diagnosis.name, diagnosis.step) == ("nan_near", expected)


# Collapse.


def test_diversity_is_1_for_other_real_images_and_0_for_one_image(watched):
    assert watched.observe_preview(1, draw(1)) == pytest.approx(1, abs=0.15)
    assert watched.observe_preview(2, alike(1)) == 0


def test_diversity_is_low_for_few_kinds_and_along_a_curve(watched):
    kinds = draw(1, 10)[np.arange(128) % 10]
    assert watched.observe_preview(1, kinds) < 0.01
    weight = np.linspace(0, 1, 128, dtype="float32")[:, None, None, None]
    assert watched.observe_preview(2, (1 - weight) * draw(1)[:1] + weight * draw(1)[1:2]) < 0.05


def test_diversity_is_a_ratio_of_distances(watched):
    faint = draw(0) * 0.3
    assert watched.observe_preview(1, draw(0)) == pytest.approx(1)
    assert watched.observe_preview(2, faint) == pytest.approx(0.3, rel=1e-4)


def test_a_few_odd_images_do_not_make_the_rest_diverse(watched):
    assert watched.observe_preview(1, np.concatenate([alike(1)[:90], draw(1, 38)])) < 0.01


def test_real_images_may_be_bytes():
    images = draw(0)
    watched = watch(np.rint((images + 1) * 127.5).astype("uint8"))
    assert watched.observe_preview(1, images) == pytest.approx(1, abs=0.01)


def test_as_many_images_are_compared_as_there_are_real_ones():
    assert watch(draw(0, 20)).observe_preview(1, np.concatenate([draw(0, 20), alike(1)])) == pytest.approx(1)


def test_large_images_are_compared_by_a_part_of_their_pixels(monkeypatch):
    large = draw(0, 16, size=128)
    part = watch(large).observe_preview(1, draw(1, 16, size=128))
    monkeypatch.setattr(health, "LARGEST_SIDE", 128)
    assert part == pytest.approx(watch(large).observe_preview(1, draw(1, 16, size=128)), rel=0.1)
    assert part != watch(large).observe_preview(1, draw(1, 16, size=128))


def coloured(seed, num=128, size=64):
    """Uniform images of one brightness that differ in colour alone: [num, 3, size, size] in [-1, 1]."""
    rng = np.random.default_rng(seed)
    colours = rng.uniform(-1, 1, [num, 3])
    colours -= colours.mean(1, keepdims=True)
    return np.broadcast_to(colours[:, :, None, None] * 0.7, [num, 3, size, size]).astype("float32")


@pytest.mark.parametrize("size", [32, 64, 100])
def test_colours_make_images_diverse(size):
    watched = watch(coloured(0, size=size))
    assert watched.observe_preview(1, coloured(1, size=size)) == pytest.approx(1, abs=0.3)
    faded = coloured(1, size=size) * 0.1
    assert watched.observe_preview(2, faded) == pytest.approx(
        0.1 * watched.observe_preview(1, coloured(1, size=size)), rel=0.05
    )
    assert watched.observe_preview(3, coloured(1, size=size).mean(1, keepdims=True).repeat(3, 1)) < 0.01


def test_a_collapse_in_colour_is_reported():
    rng = np.random.default_rng(0)
    watched = watch(rng.uniform(-1, 1, [128, 3, 64, 64]).astype("float32"))
    image = rng.uniform(-1, 1, [1, 3, 64, 64])
    for step in (100, 200, 300):
        assert watched.observe_preview(step, image + 0.02 * rng.standard_normal([128, 3, 64, 64])) < 0.05
    assert [d.name for d in watched.diagnoses()] == ["collapse"]


@pytest.mark.parametrize("real", [alike(0), alike(0)[:1]], ids=["alike", "only one"])
def test_without_two_different_real_images_nothing_is_reported(real):
    watched = watch(real)
    assert [watched.observe_preview(step, alike(1)) for step in (100, 200, 300, 400)] == [None] * 4
    assert watched.diagnoses() == []


@pytest.mark.parametrize(
    ("every", "expected"),
    [(100, 1200), (40, 1200), (500, 2000)],
    ids=["usual", "often: 200 steps", "seldom: 3 previews"],
)
def test_images_must_be_alike_for_some_previews_and_steps(watched, every, expected):
    diagnoses = []
    for step in range(1000, 3001, every):
        watched.observe_preview(step, alike(1))
        diagnoses += watched.diagnoses()
    assert [(d.name, d.step, d.since) for d in diagnoses] == [("collapse", expected, 1000)]
    assert "the nearest other image is 0.00 times the distance among real images" in diagnoses[0].words


def test_one_diverse_preview_restarts_the_count(watched):
    for step, images in enumerate([alike(1), alike(1), draw(1), alike(1), alike(1)]):
        watched.observe_preview(100 * step, images)
    assert watched.diagnoses() == []
    watched.observe_preview(500, alike(1))
    assert [d.since for d in watched.diagnoses()] == [300]


@pytest.mark.parametrize(("contrast", "names"), [(0.21, []), (0.19, ["collapse"])])
def test_the_limit_of_diversity(watched, contrast, names):
    for step in (100, 200, 300):
        assert watched.observe_preview(step, draw(0) * contrast) == pytest.approx(contrast, rel=1e-3)
    assert [d.name for d in watched.diagnoses()] == names


# A discriminator that wins.


def test_a_healthy_run_has_no_diagnosis(watched):
    assert feed(watched, WELL, 1, 2000) == []
    assert watched.summary() == []


def test_convergence_failure_is_reported_alone_when_it_comes_at_once(watched):
    assert feed(watched, FAILED, 1, 2000) == [("convergence_failure", 301, 1)]


def test_a_strong_discriminator_is_reported_before_it_wins(watched):
    assert feed(watched, STRONG, 1, 600) == [("d_too_strong", 301, 1)]
    ((name, step, since),) = feed(watched, FAILED, 601, 1200)
    assert name == "convergence_failure"
    assert 601 < since < 650  # the mean follows in some 20 steps
    assert step == since + 300
    assert [(e["name"], e["until"]) for e in watched.summary()] == [
        ("d_too_strong", step),
        ("convergence_failure", None),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"loss/d_real": 0.17, "loss/d_fake": 0.14},  # a mean of 0.155
        {"accuracy/d_real": 0.96},
        {"accuracy/d_fake": 0.96},
        {"loss/d_real": 0.01, "loss/d_fake": 0.6},  # good on real images only
    ],
)
def test_just_not_too_strong(watched, change):
    assert feed(watched, STRONG | change, 1, 1000) == []


@pytest.mark.parametrize("change", [{"loss/d_real": 0.11, "loss/d_fake": 0.1}, {"loss/g": 1.9}])
def test_just_not_failed(watched, change):
    assert [name for name, *_ in feed(watched, FAILED | change, 1, 1000)] == ["d_too_strong"]


def test_a_passing_win_at_the_start_as_in_pytorchs_tutorial_is_not_reported(watched):
    won = FAILED | {"loss/d_real": 0.0004, "loss/d_fake": 0.0003, "loss/g": 40.0}
    diagnoses = feed(watched, WELL | {"loss/g": 10.0}, 1, 50) + feed(watched, won, 51, 200)
    assert diagnoses + feed(watched, WELL | {"loss/g": 4.0}, 201, 1500) == []


def test_noise_around_the_limit_is_averaged(watched):
    for step in range(1, 1001):
        watched.observe(step, WELL if step % 10 == 0 else FAILED)  # 0.068 on average, but an accuracy of 98 %
    assert [d.name for d in watched.diagnoses()] == ["convergence_failure"]


def test_a_condition_is_reported_again_only_after_it_was_absent(watched):
    assert [name for name, *_ in feed(watched, FAILED, 1, 400)] == ["convergence_failure"]
    assert feed(watched, WELL, 401, 430) == []  # not gone for long enough
    assert feed(watched, FAILED, 431, 1000) == []
    assert feed(watched, WELL, 1001, 1300) == []
    assert [name for name, *_ in feed(watched, FAILED, 1301, 1800)] == ["convergence_failure"]
    assert watched.summary()[1]["until"] is None
    assert feed(watched, WELL, 1801, 2000) == []
    first, second = watched.summary()
    assert (first["step"], first["since"]) == (301, 1)
    assert 1001 <= first["until"] < 1050
    assert 1801 <= second["until"] < 1850


def test_every_tenth_step_says_nearly_the_same(watched):
    feed(watched, WELL, 0, 500, every=10)
    ((name, step, since),) = feed(watched, FAILED, 510, 2000, every=10)
    other = watch(draw(0))
    feed(other, WELL, 1, 500)
    ((_, step_of_other, since_of_other),) = feed(other, FAILED, 501, 2000)
    assert name == "convergence_failure"
    assert abs(step - step_of_other) <= 10
    assert abs(since - since_of_other) <= 10


def test_a_resumed_run_is_watched_from_its_step_on(watched):
    assert feed(watched, FAILED, 5001, 6000) == [("convergence_failure", 5301, 5001)]


@pytest.mark.parametrize("missing", list(FAILED))
def test_other_methods_that_lack_a_scalar_are_not_judged_by_it(watched, missing):
    scalars = {key: value for key, value in FAILED.items() if key != missing}
    assert feed(watched, scalars | {"loss/d": -3.0, "reg/gp": 0.1}, 1, 1000) == []


# A D that gives all images the same answer.


@pytest.mark.parametrize(
    ("blind_to", "other"), [("accuracy/d_fake", "accuracy/d_real"), ("accuracy/d_real", "accuracy/d_fake")]
)
def test_a_d_that_gives_all_images_the_same_answer_is_reported(watched, blind_to, other):
    assert feed(watched, WELL | {blind_to: 0.0, other: 1.0}, 1, 310) == [("d_blind", 301, 1)]


@pytest.mark.parametrize(("low", "high"), [(0.12, 1.0), (0.0, 0.88)])
def test_a_d_that_is_less_sure_is_not(watched, low, high):
    assert feed(watched, WELL | {"accuracy/d_fake": low, "accuracy/d_real": high}, 1, 1000) == []


# Numbers that grow out of bounds.


@pytest.mark.parametrize("key", ["loss/g", "loss/critic", "grad_norm/d_fake"])
def test_two_far_values_mean_that_nan_is_near(watched, key):
    feed(watched, WELL | {key: 2.0}, 1, 50)
    assert feed(watched, WELL | {key: 250.0}, 51, 51) == []
    assert feed(watched, WELL | {key: -250.0}, 52, 60) == [("nan_near", 52, 51)]


def test_the_words_name_the_worst(watched):
    feed(watched, WELL, 1, 50)
    for step in (51, 52):
        watched.observe(step, WELL | {"loss/d_real": 500.0, "loss/d_fake": 0.0, "loss/g": 6000.0})
    (diagnosis,) = watched.diagnoses()
    assert diagnosis.words == "loss/g is 6e+03, 5e+03 times its usual size: it may soon be infinite or NaN"


def test_ordinary_spikes_and_larger_scales_are_not_reported(watched):
    feed(watched, WELL | {"grad_norm/g": 2.0}, 1, 50)
    assert feed(watched, WELL | {"grad_norm/g": 190.0, "loss/g": 110.0}, 51, 90) == []
    critic = {"loss/critic": -4000.0, "reg/gp": 1e9}  # WGAN's losses have no scale of their own
    assert feed(watch(draw(0)), critic, 1, 500) == []


def test_single_spikes_now_and_then_are_not_reported(watched):
    for step in range(1, 1000):
        watched.observe(step, WELL | {"loss/g": 1e4 if step % 60 == 0 else 1.2})
    assert watched.diagnoses() == []


def test_gradients_of_every_tenth_step_are_enough(watched):
    for step in range(1, 301):
        norm = {"grad_norm/d": 1.0 if step <= 200 else 1e3} if step % 10 == 0 else {}
        watched.observe(step, WELL | norm)
    assert [(d.name, d.step, d.since) for d in watched.diagnoses()] == [("nan_near", 220, 210)]


def test_a_value_near_zero_now_and_then_does_not_make_the_usual_ones_far(watched):
    for step in range(1, 200):
        watched.observe(step, WELL | {"grad_norm/d": 0.0 if step % 10 == 0 else 500.0})
    assert watched.diagnoses() == []


def test_only_losses_and_gradients_are_bounded(watched):
    feed(watched, WELL | {"images_per_second": 0.1, "score/is": 1.0}, 1, 50)
    assert feed(watched, WELL | {"images_per_second": 300.0, "score/is": 300.0}, 51, 90) == []


def test_what_was_near_zero_may_come_back(watched):
    feed(watched, FAILED | {"loss/d_real": 1e-6, "grad_norm/d": 1e-7}, 1, 200)
    assert feed(watched, WELL | {"loss/d_real": 90.0, "grad_norm/d": 90.0}, 201, 300) == []


def test_the_first_values_have_nothing_to_be_compared_with(watched):
    feed(watched, WELL, 1, 2)
    assert feed(watched, WELL | {"loss/g": 1e5}, 3, 5) == []
    assert feed(watched, WELL, 6, 500) == []


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_gradients_that_are_no_number_are_far_and_do_not_spoil_the_median(watched, value):
    feed(watched, WELL | {"grad_norm/d": 1.0}, 1, 50)
    assert feed(watched, WELL | {"grad_norm/d": value}, 51, 250) == [("nan_near", 52, 51)]
    assert feed(watched, WELL | {"grad_norm/d": 1.0}, 251, 400) == []
    assert watched.summary()[0]["until"] == 259  # then only one of the last ten is far


# What a diagnosis holds.


def test_diagnoses_are_handed_out_once_with_figures_and_remedies(watched):
    for step in range(1, 400):
        watched.observe(step, FAILED)
    (diagnosis,) = watched.diagnoses()
    assert watched.diagnoses() == []
    assert diagnosis.words == (
        "D has won, and G no longer learns from it: averaged over about 100 steps, D's loss is 0.015 (healthy: 0.5 to "
        "0.8), its accuracy 100.0% on real and 100.0% on generated images, and G's loss 5 (healthy: 0.5 to 2)"
    )
    assert diagnosis.remedies == REMEDIES["convergence_failure"]


def test_the_summary_is_a_copy(watched):
    feed(watched, FAILED, 1, 400)
    watched.summary()[0]["until"] = 1
    assert watched.summary() == [{"name": "convergence_failure", "step": 301, "since": 1, "until": None}]
