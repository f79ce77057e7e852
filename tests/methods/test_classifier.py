import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from conftest import spec_of

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config

SHAPE, CLASSES = (1, 28, 28), 4


@pytest.fixture
def tree(small_tree):
    adam = {"name": "adam", "lr": 1e-2}
    return {
        "method": {"name": "classifier"},
        "classifier": {"name": "softmax"},
        "optim": {"c": adam},
        "data": small_tree["data"],
        "train": small_tree["train"],
    }


@pytest.fixture
def batch():
    images = np.random.default_rng(0).uniform(-1, 1, [8, *SHAPE]).astype("float32")
    return {"image": paddle.to_tensor(images), "label": paddle.arange(8) % CLASSES}


def test_a_step_equals_gradient_descent_written_out(tree, batch):
    """Softmax regression by SGD: W -= lr x^T (p - y) / N, in numpy."""
    tree["optim"]["c"] = {"name": "sgd", "lr": 0.5}
    method = build_method(check_config(tree), spec_of(SHAPE, CLASSES))
    layer = method.networks["c"].classify
    weight, bias = layer.weight.numpy(), layer.bias.numpy()
    x = (batch["image"].numpy().reshape(8, -1) + 1) / 2
    for step in (1, 2):
        logits = x @ weight + bias
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        y = np.eye(CLASSES)[batch["label"].numpy()]
        scalars = method.train_step([batch], step)
        assert float(scalars["loss/c"]) == pytest.approx(-np.log((p * y).sum(1)).mean(), rel=1e-5)
        assert float(scalars["accuracy/c"]) == (p.argmax(1) == y.argmax(1)).mean()
        weight, bias = weight - 0.5 * x.T @ (p - y) / 8, bias - 0.5 * (p - y).mean(0)
    np.testing.assert_allclose(layer.weight.numpy(), weight, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.bias.numpy(), bias, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", ["fnn", "cnn", "resnet", "evaluator"])
def test_every_network_learns_a_batch_by_heart(tree, batch, network):
    tree["classifier"] = {"name": network}
    method = build_method(check_config(tree), spec_of(SHAPE, CLASSES))
    for step in range(1, 16):
        scalars = method.train_step([batch], step)
    assert float(scalars["accuracy/c"]) == 1


def test_probabilities_come_from_evaluation_mode_and_change_nothing(tree, batch):
    tree["classifier"] = {"name": "evaluator"}
    method = build_method(check_config(tree), spec_of(SHAPE, CLASSES))
    c = method.networks["c"]
    before = {name: value.numpy() for name, value in c.state_dict().items()}
    probabilities = method.classify(batch["image"]).numpy()
    np.testing.assert_array_equal(probabilities, method.classify(batch["image"]).numpy())  # no dropout
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    one = method.classify(batch["image"][:1]).numpy()
    np.testing.assert_allclose(one, probabilities[:1], rtol=1e-4, atol=1e-6)  # no statistics of the batch
    assert c.training
    for name, value in c.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_the_interface_tells_the_number_of_classes(tree):
    method = build_method(check_config(tree), spec_of(SHAPE, CLASSES))
    interface = method.interfaces()["c"]
    assert interface.outputs[0].shape == (CLASSES,)
    logits = method.networks["c"](paddle.zeros([2, *SHAPE]))
    assert logits.shape == [2, CLASSES]
    assert F.softmax(logits).shape == [2, CLASSES]
