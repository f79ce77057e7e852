import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from method_twin import NUM, SHAPE, Z_DIM, assert_equals, assert_updates, build, make_batches, noise, state, tree

from ppgan_lite.methods.infogan import information

CATEGORIES, CODES = 3, 2
KEYS = {"categories": CATEGORIES, "codes": CODES, "info_weight": 0.5, "codes_weight": 0.25}


def test_a_step_equals_the_algorithm_written_out():
    def draw():
        category = paddle.randint(0, CATEGORIES, [NUM])
        return category, paddle.uniform([NUM, CODES], min=-1.0, max=1.0)

    def generate(twin, category, codes):
        return twin.networks["g"].generator(paddle.concat([noise(), paddle.eye(CATEGORIES)[category], codes], 1))

    def gain(category_logits, means, category, codes):
        likelihood = (F.softmax(category_logits) * paddle.eye(CATEGORIES)[category]).sum(1).log().mean()
        return likelihood + np.log(CATEGORIES), -0.5 * ((codes - means) ** 2).sum(1).mean()

    def algorithm(twin, batches):
        d = twin.networks["d"]
        d_codes = draw()
        fake = generate(twin, *d_codes).detach()
        real_logits, _, _ = d(batches[0]["image"])
        fake_logits, *q_outputs = d(fake)
        ones = paddle.ones_like(real_logits)
        loss_d_real = F.binary_cross_entropy_with_logits(real_logits, ones)
        loss_d_fake = F.binary_cross_entropy_with_logits(fake_logits, 0 * ones)
        category_info, codes_info = gain(*q_outputs, *d_codes)
        twin.apply("d", loss_d_real + loss_d_fake - 0.5 * category_info - 0.25 * codes_info)
        g_codes = draw()
        logits, *q_outputs = d(generate(twin, *g_codes))
        loss_g = F.binary_cross_entropy_with_logits(logits, ones)
        category_info, codes_info = gain(*q_outputs, *g_codes)
        twin.apply("g", loss_g - 0.5 * category_info - 0.25 * codes_info)
        accuracy = (q_outputs[0].argmax(1) == g_codes[0]).astype("float32").mean()
        return {
            "loss/d_real": loss_d_real,
            "loss/d_fake": loss_d_fake,
            "loss/g": loss_g,
            "score/category": category_info,
            "score/codes": codes_info,
            "accuracy/category": accuracy,
        }

    assert_equals(tree("infogan", **KEYS), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("infogan", **KEYS), ["d", "g"], monkeypatch)


def test_the_bound_is_log_k_for_a_perfect_q_and_0_for_a_guessing_one():
    category, codes = paddle.to_tensor([0, 2, 1]), paddle.to_tensor([[0.5, -1], [0, 1], [0.2, 0.4]])
    sure = 100 * paddle.eye(CATEGORIES)[category]
    category_info, codes_info = information((sure, codes), category, codes)
    assert float(category_info) == pytest.approx(np.log(CATEGORIES), rel=1e-6)
    assert float(codes_info) == 0
    category_info, _ = information((0 * sure, codes), category, codes)
    assert float(category_info) == pytest.approx(0, abs=1e-6)


def test_the_bound_by_hand():
    """Two images: the true category has probability 1/4 and 3/4, the codes are wrong by (0.3, 0.4) and (0, 1)."""
    category_logits = paddle.to_tensor([[np.log(3), 0], [0, np.log(3)]], "float32")
    means = paddle.to_tensor([[0.3, 0.4], [0.0, 1.0]])
    category_info, codes_info = information((category_logits, means), paddle.ones([2], "int64"), paddle.zeros([2, 2]))
    assert float(category_info) == pytest.approx(np.log(2) + (np.log(1 / 4) + np.log(3 / 4)) / 2, rel=1e-5)
    assert float(codes_info) == pytest.approx(-(0.25 + 1) / 2 / 2, rel=1e-5)


def test_a_draw_has_each_category_in_turn_and_codes_in_their_range():
    method = build(tree("infogan", **KEYS))
    drawn = method.samplers()["g"].draw(400)
    assert drawn["z"].shape == [400, Z_DIM]
    assert drawn["category"][:4].tolist() == [0, 1, 2, 0]
    codes = drawn["codes"].numpy()
    assert codes.shape == (400, CODES)
    assert -1 <= codes.min() < -0.9
    assert 0.9 < codes.max() <= 1
    assert method.samplers()["g"](drawn).shape == [400, *SHAPE]


@pytest.mark.parametrize("noise", ["normal", "uniform"])
def test_the_noise_is_drawn_as_its_port_says(noise):
    method = build(tree("infogan", noise=noise, **KEYS))
    z, port = method.draw_z(1000).numpy(), method.interfaces()["g"].inputs[0]
    assert port.distribution == noise
    assert port.range == ((-1, 1) if noise == "uniform" else None)
    assert z.std() == pytest.approx(1 if noise == "normal" else 3**-0.5, rel=0.05)
    assert (abs(z).max() <= 1) == (noise == "uniform")


def test_recognise_runs_in_evaluation_mode_and_changes_nothing():
    method = build(tree("infogan", **KEYS))
    method.train_step(make_batches(), 1)
    d, images = method.networks["d"], make_batches()[0]["image"]
    before = state(d)
    categories, codes = method.recognise(images)
    assert (categories.shape, codes.shape) == ([NUM], [NUM, CODES])
    assert d.training
    for name, value in state(d).items():
        np.testing.assert_array_equal(value, before[name])
    alone = [method.recognise(images[i : i + 1]) for i in range(NUM)]  # no statistics of the batch
    assert categories.tolist() == [category.item() for category, _ in alone]
    np.testing.assert_allclose(codes.numpy(), np.concatenate([c.numpy() for _, c in alone]), rtol=1e-3, atol=1e-5)
