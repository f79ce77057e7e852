import dataclasses

import numpy as np
import paddle
import pytest
from conftest import spec_of
from given_images import Given

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.data import options, rendered_digits
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.spec import Field
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation.classifiers import evaluate_classifier
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.generators import GeneratorEvaluation
from ppgan_lite.runs.results import GROUPS, METRICS
from ppgan_lite.runs.trained import open_trained

NUM = 120  # test images of 720 training images
OF_OTHERS = {*GROUPS["classification"], *GROUPS["attributes"], *GROUPS["likelihood"]}
OF_CODES = {f"{which}{factor}_by_code" for which in ("", "drawn_") for factor in ("slant", "thickness")}
OF_INPUTS = {"conditional_accuracy", "code_accuracy", *OF_CODES}  # metrics of a generator's inputs


def digits(split, **keys):
    return rendered_digits.build(options.RenderedDigits(name="rendered_digits", batch_size=8, **keys), split)


@pytest.fixture(scope="module")
def train():
    return digits("train", num_images=720)


@pytest.fixture(scope="module")
def test():
    return digits("test", num_images=720)


@pytest.fixture(scope="module")
def network():
    return load_features("auto", "rendered_digits", Field("image", (1, 28, 28)))


@pytest.fixture(scope="module")
def evaluation(train, test, network):
    return GeneratorEvaluation(train, test, network, NUM, seed=0)


def measured(evaluation, pixels):
    return evaluation(Given(pixels), step=1).figures


def test_new_digits_are_at_the_floor_in_every_metric(evaluation):
    figures = measured(evaluation, digits("train", num_images=NUM, seed=77).images)
    assert figures.keys() == METRICS.keys() - OF_OTHERS - OF_INPUTS
    assert all(np.isfinite([figure.value, figure.real]).all() for figure in figures.values())
    assert {name for name, figure in figures.items() if figure.error is not None} == {
        "kernel_distance", "classifier_score", "total_variation", "high_frequency_energy"
    }  # fmt: skip
    real = {name: figure.real for name, figure in figures.items()}
    assert figures["frechet_distance"].value == pytest.approx(real["frechet_distance"], rel=0.25)
    assert figures["kernel_distance"].value < real["kernel_distance"] + 6 * figures["kernel_distance"].error
    for name in ("precision", "recall", "coverage", "density"):
        assert figures[name].value == pytest.approx(real[name], abs=0.15), name
        assert real[name] > 0.7, name
    for name in ("classifier_score", "ms_ssim", "total_variation", "high_frequency_energy"):
        assert figures[name].value == pytest.approx(real[name], rel=0.1), name
    assert figures["class_kl"].value < 0.15
    assert figures["nearer_to_train"].value == pytest.approx(0.5, abs=0.15)
    assert real["nearer_to_train"] == pytest.approx(0.5, abs=0.15)
    assert max(figures["copies_of_train"].value, real["copies_of_train"]) < 0.1


def test_the_test_images_themselves_have_no_distance(evaluation):
    figures = measured(evaluation, evaluation.real.test.images)
    assert figures["frechet_distance"].value == pytest.approx(0, abs=1e-6)
    assert figures["kernel_distance"].value < figures["kernel_distance"].real
    assert [figures[name].value for name in ("precision", "recall", "coverage", "class_kl")] == [1, 1, 1, 0]
    assert figures["nearer_to_train"].value == 0
    for name in ("classifier_score", "ms_ssim"):
        assert figures[name].value == figures[name].real


def test_training_images_are_told_as_memorised(evaluation, train):
    drawn = measured(evaluation, evaluation.real.train.images)
    assert drawn["nearer_to_train"].value == 1
    assert drawn["copies_of_train"].value == 1
    # Copies are looked for among as many training images as are measured: here a sixth of all.
    everywhere = measured(evaluation, train.images[:: len(train) // NUM])
    assert everywhere["copies_of_train"].value == pytest.approx(1 / 6, abs=0.1)
    assert everywhere["nearer_to_train"].value > 0.5


def test_a_collapsed_generator_is_told(evaluation, test):
    figures = measured(evaluation, np.repeat(test.images[3:4], NUM, axis=0))
    assert figures["recall"].value <= 1 / NUM
    assert figures["coverage"].value <= 10 / NUM  # real images with this image among their nearest
    assert figures["precision"].value == 1
    assert figures["classifier_score"].value == pytest.approx(1, abs=1e-4)
    assert figures["class_kl"].value > 1.5
    assert figures["ms_ssim"].value == pytest.approx(1, abs=1e-4)
    assert figures["frechet_distance"].value > 10 * figures["frechet_distance"].real
    assert figures["kernel_distance"].value > 10 * figures["kernel_distance"].real


@pytest.mark.parametrize("grey", [0, 255])
def test_an_empty_picture_is_told(evaluation, grey):
    figures = measured(evaluation, np.full([NUM, 1, 28, 28], grey, "uint8"))
    assert [figures[name].value for name in ("precision", "recall", "density", "coverage")] == [0, 0, 0, 0]
    assert figures["classifier_score"].value == pytest.approx(1, abs=1e-4)
    assert figures["total_variation"].value == figures["high_frequency_energy"].value == 0
    assert all(np.isfinite(figure.value) for figure in figures.values())


def test_no_number_is_no_black_picture(evaluation, test):
    class Diverged(Given):
        def generate(self, inputs):
            return super().generate(inputs) * float("nan")

    with pytest.raises(EvaluationError, match="generated images: 120 of 120 samples hold NaN or infinity"):
        evaluation(Diverged(test.images), step=1)


def test_the_same_seed_gives_the_same_figures_to_the_bit(evaluation, small_run, train, test, network):
    _, method, _ = open_trained(small_run, None)
    before = {name: tensor.numpy() for name, tensor in method.networks["g"].state_dict().items()}
    first = evaluation(method, step=12)
    paddle.seed(99)  # whatever was drawn before
    again = GeneratorEvaluation(train, test, network, NUM, seed=0)(method, step=12)
    assert dataclasses.replace(first, seconds=0) == dataclasses.replace(again, seconds=0)
    other = GeneratorEvaluation(train, test, network, NUM, seed=1)(method, step=12)
    for kind in ("value", "real"):  # other noise, and other training images
        a, b = (getattr(result.figures["frechet_distance"], kind) for result in (first, other))
        assert abs(a - b) > 1e-3
    for name, tensor in method.networks["g"].state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])


def test_what_is_measured_is_what_an_export_makes(evaluation, small_run):
    """Batch norms on their running statistics: an image does not depend on those made with it."""
    _, method, _ = open_trained(small_run, None)
    generated = evaluation._generate(method)
    made, given = generated.images.images, generated.inputs
    assert (made.shape, made.dtype) == ((NUM, 1, 28, 28), "uint8")
    seed_paddle(0, 0, 3)
    g = method.networks["g"]
    g.eval()
    with paddle.no_grad():
        z = method.draw_z(NUM)
        alone = g(z[:3]).numpy()
    np.testing.assert_array_equal(given["z"], z.numpy())
    assert abs(made[:3] - (alone + 1) * 127.5).max() < 0.51


def test_test_images_come_in_random_order(train, network):
    """As they lie, MNIST's harder ones are the first, and others are sorted by class; the score asks for it, too."""
    test = digits("test", num_images=6000)
    order = np.argsort(test.labels, kind="stable")
    by_class = ImageArray(test.images[order], test.labels[order], test.spec["label"].names, "rendered_digits", "sorted")
    figures = measured(GeneratorEvaluation(train, by_class, network, NUM, seed=0), train.images[:NUM])
    assert figures["classifier_score"].real == pytest.approx(figures["classifier_score"].value, rel=0.1)
    assert figures["class_kl"].value < 0.25


@pytest.mark.parametrize(
    ("recomputed", "words"), [(True, "statistics of truncated noise"), (False, "running statistics")]
)
def test_the_protocol_says_truncation_and_only_if_they_are_new_its_statistics(recomputed, words, train, test, network):
    given = Given(test.images)
    given.recomputes_statistics = recomputed
    truncated, plain = (
        GeneratorEvaluation(train, test, network, NUM, 0, limit).protocol(given) for limit in (0.0, None)
    )
    assert truncated == plain | {"batch_norm": words, "truncation": "0.0"}


def test_the_protocol_is_all_that_the_figures_depend_on(evaluation, train, test, network):
    given = Given(test.images)
    protocol = evaluation.protocol(given)
    assert protocol == {
        "features": "rendered_digits",
        "features_sha256": network.sha256,
        "preprocessing": "pixels in [-1, 1]; fakes rounded to 8 bits",
        "data": "rendered_digits",
        "data_sha256": test.source.sha256,
        "train_sha256": train.source.sha256,
        "split": "test",
        "num_real": NUM,
        "num_fake": NUM,
        "batch_norm": "running statistics",
        "ema": False,
        "seed": 0,
    }
    assert evaluation(given, 1).protocol == protocol
    averaged = Given(test.images)
    averaged.averages = {"g": None}
    assert evaluation.protocol(averaged) == {**protocol, "ema": True}

    def changed(*arguments):
        other = GeneratorEvaluation(*arguments).protocol(given)
        assert other.keys() == protocol.keys()
        return {key for key in protocol if other[key] != protocol[key]}

    other_features = dataclasses.replace(network, name="inception", sha256="0", preprocessing="other")
    assert changed(train, test, network, NUM, 1) == {"seed"}
    assert changed(train, test, network, 100, 0) == {"num_real", "num_fake"}
    assert changed(train, test, other_features, NUM, 0) == {"features", "features_sha256", "preprocessing"}
    assert changed(digits("train", num_images=720, seed=1), test, network, NUM, 0) == {"train_sha256"}


@pytest.mark.parametrize(
    ("num", "message"),
    [
        (99, "99 images are too few to evaluate; at least 100 are needed (there are 120 test images)"),
        (1, "1 images are too few to evaluate; at least 100 are needed (there are 120 test images)"),
        (121, "121 images: rendered_digits has only 120 test images"),
        (721, "721 images: rendered_digits has only 720 training images"),
    ],
)
def test_too_few_and_too_many_images_are_refused(num, message, train, test, network):
    with pytest.raises(EvaluationError) as error:
        GeneratorEvaluation(train, test, network, num, 0)
    assert str(error.value) == message


def test_without_other_training_images_nothing_is_told_of_memory(test, network):
    train = digits("train", num_images=2 * NUM - 1)
    figures = measured(GeneratorEvaluation(train, test, network, NUM, 0), test.images)
    missing = METRICS.keys() - figures.keys()
    assert missing == {"nearer_to_train", "copies_of_train"} | OF_OTHERS | OF_INPUTS


class Asked(Given):
    """Is also asked for something with each image: name -> [N, ...]."""

    def __init__(self, pixels, **asked):
        super().__init__(pixels)
        self.asked = asked

    def draw(self, num):
        given = {name: values[:num] for name, values in self.asked.items()}
        self.asked = {name: values[num:] for name, values in self.asked.items()}
        return super().draw(num) | given


def test_conditional_accuracy_is_of_the_class_asked_for(evaluation, test, network):
    digit = digits("train", num_images=NUM, seed=77)
    asked = digit.labels.copy()
    right = evaluation(Asked(digit.images, labels=asked), 1).figures["conditional_accuracy"]
    assert right.value > 0.95
    asked[:30] = (asked[:30] + 1) % 10
    figure = evaluation(Asked(digit.images, labels=asked), 1).figures["conditional_accuracy"]
    predicted = network(digit.images)[1].argmax(1)
    assert figure.value == pytest.approx(np.mean(predicted == asked))
    assert 0.7 < figure.value < 0.8
    assert figure.error == pytest.approx(np.sqrt(figure.value * (1 - figure.value) / NUM))
    assert figure.real == pytest.approx(np.mean(network(test.images)[1].argmax(1) == test.labels))
    assert figure.real > 0.95


def test_labels_mean_nothing_to_a_network_of_other_classes(train, test, network):
    other = GeneratorEvaluation(train, test, dataclasses.replace(network, name="inception"), NUM, seed=0)
    figures = other(Asked(test.images, labels=test.labels), 1).figures
    assert "conditional_accuracy" not in figures


class Recognising(Asked):
    """An InfoGAN with the slant as first code; its Q knows all real images but takes half of the 7s for 1s."""

    def __init__(self, made, *datasets):
        slants, num = made.factors["slant"], len(made)
        noise = np.random.default_rng(0).uniform(-1, 1, num)
        super().__init__(made.images, codes=np.stack([noise, -slants], 1).astype("float32"))
        self.known = {
            image.tobytes(): (label, slant, thickness)
            for data in datasets
            for image, label, slant, thickness in zip(
                data.images, data.labels, data.factors["slant"], data.factors["thickness"], strict=True
            )
        }

    def recognise(self, images):
        pixels = np.rint((images.numpy() + 1) * 127.5).astype("uint8")
        labels, slants, strokes = map(np.array, zip(*(self.known[image.tobytes()] for image in pixels), strict=True))
        half = (labels == 7) & (slants > 0.125)
        categories = np.where(half, 8, 9 - labels)  # the category that stands for 1
        return paddle.to_tensor(categories), paddle.to_tensor(np.stack([slants + strokes, -strokes], 1))


def test_codes_are_judged_by_what_they_have_taken_up(evaluation, train, test):
    made = digits("train", num_images=NUM, seed=77)
    figures = evaluation(Recognising(made, train, test), 1).figures
    assert figures.keys() == METRICS.keys() - OF_OTHERS - {"conditional_accuracy"}
    wrong = np.mean((test.labels == 7) & (test.factors["slant"] > 0.125))
    assert 0.01 < wrong < 0.2
    accuracy = figures["code_accuracy"]
    assert accuracy.value == pytest.approx(1 - wrong)
    assert accuracy.error == pytest.approx(np.sqrt(wrong * (1 - wrong) / NUM))
    assert figures["slant_by_code"].value > 0.95
    assert figures["thickness_by_code"].value < 0.3
    both = test.factors["slant"] + test.factors["thickness"]
    expected = abs(np.corrcoef([both, test.factors["thickness"], test.factors["slant"]])[2, :2]).max()
    assert figures["drawn_slant_by_code"].value == pytest.approx(expected)
    assert figures["drawn_thickness_by_code"].value == pytest.approx(1)
    assert all(figures[name].real is None for name in (*OF_CODES, "code_accuracy"))


def test_nothing_is_told_of_how_images_were_drawn_where_that_is_not_known(train, test, network):
    unknown = ImageArray(test.images, test.labels, test.spec["label"].names, "rendered_digits", "somewhere")
    made = digits("train", num_images=NUM, seed=77)
    figures = GeneratorEvaluation(train, unknown, network, NUM, seed=0)(Recognising(made, train, test), 1).figures
    assert OF_CODES - figures.keys() == {"drawn_slant_by_code", "drawn_thickness_by_code"}


CONDITIONAL = {  # method -> its networks, and its figures
    "cgan": (("dcgan28", "fully_connected"), {"conditional_accuracy"}),
    "acgan": (("dcgan28", "infogan"), {"conditional_accuracy"}),
    "infogan": (("dcgan28", "infogan"), {"code_accuracy", *OF_CODES}),
}


@pytest.mark.parametrize("name", CONDITIONAL)
def test_every_conditional_method_is_measured_by_what_it_was_asked_for(name, evaluation):
    (generator, discriminator), own = CONDITIONAL[name]
    adam = {"name": "adam", "lr": 1e-3}
    widths = {"widths": [8]} if discriminator == "fully_connected" else {"ndf": 2}
    tree = {
        "method": {"name": name, "z_dim": 4},
        "generator": {"name": generator, "ngf": 2},
        "discriminator": {"name": discriminator, **widths},
        "optim": {"g": adam, "d": adam},
        "data": {"name": "rendered_digits", "batch_size": 8, "num_images": 720},
        "train": {"steps": 1, "seed": 0},
    }
    method = build_method(check_config(tree), spec_of((1, 28, 28), 10))
    before = {key: tensor.numpy() for key, tensor in method.networks["d"].state_dict().items()}
    figures = evaluation(method, 1).figures
    assert figures.keys() & OF_INPUTS == own
    assert all(0 <= figures[metric].value <= 1 for metric in own)
    assert method.networks["d"].training
    for key, tensor in method.networks["d"].state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[key])


@pytest.fixture(scope="module")
def classifier(train):
    """A little trained, so that it errs, and with dropout and batch norm, which act in training only."""
    adam = {"name": "adam", "lr": 1e-3}
    tree = {
        "method": {"name": "classifier"},
        "classifier": {"name": "evaluator", "ncf": 4, "num_features": 64},
        "optim": {"c": adam},
        "data": {"name": "rendered_digits", "batch_size": 8, "num_images": 720},
        "train": {"steps": 1, "seed": 0},
    }
    method = build_method(check_config(tree), spec_of((1, 28, 28), 10))
    for step in range(10):
        batch = train.batch(np.arange(32 * step, 32 * step + 32))
        method.train_step([{key: paddle.to_tensor(value) for key, value in batch.items()}], step)
    return method


def test_accuracy_and_confusion_are_counts(classifier, train):
    test = digits("test", num_images=1800)  # 300: more than one batch
    some = ImageArray(
        train.images[:300], train.labels[:300], train.spec["label"].names, "rendered_digits", "the first 300"
    )
    result = evaluate_classifier(classifier, some, test, step=5)

    def predict(images):
        c = classifier.networks["c"]
        c.eval()
        with paddle.no_grad():
            return c(paddle.to_tensor(images.astype("float32") / 127.5 - 1)).numpy().argmax(1)

    predicted = predict(test.images)
    right = np.mean(predicted == test.labels)
    assert 0.15 < right < 0.95  # else the test would check nothing
    expected = [[int(((test.labels == i) & (predicted == j)).sum()) for j in range(10)] for i in range(10)]
    assert [list(row) for row in result.confusion] == expected
    assert result.figures["accuracy"].value == pytest.approx(right)
    assert result.figures["accuracy"].error == pytest.approx(np.sqrt(right * (1 - right) / 300))
    assert result.figures["train_accuracy"].value == pytest.approx(np.mean(predict(some.images) == some.labels))
    assert result.step == 5
    assert result.protocol == {
        "data": "rendered_digits",
        "data_sha256": test.source.sha256,
        "split": "test",
        "num_real": 300,
        "preprocessing": "pixels in [-1, 1]",
        "batch_norm": "running statistics",
    }


def test_evaluating_a_classifier_changes_nothing_in_training(classifier, train, test):
    classifier.networks["c"].train()
    before = {name: tensor.numpy() for name, tensor in classifier.networks["c"].state_dict().items()}
    first, again = (evaluate_classifier(classifier, train, test, step=5) for _ in range(2))
    assert dataclasses.replace(first, seconds=0) == dataclasses.replace(again, seconds=0)
    assert classifier.networks["c"].training
    for name, tensor in classifier.networks["c"].state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])
