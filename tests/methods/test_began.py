import paddle
import pytest
from method_twin import NUM, SGD, Z_DIM, assert_equals, assert_updates, build, make_batches, tree

from ppgan_lite.device import seed_paddle
from ppgan_lite.runs import checkpoint

NETWORKS = {"generator": {"name": "began", "nf": 4}, "autoencoder": {"name": "began", "nf": 4}}
SLOW = SGD | {"lr": 1e-3}


def config(**keys):
    return tree("began", NETWORKS, **keys)


def step(method, number):
    seed_paddle(0, number)
    return {key: float(value) for key, value in method.train_step(make_batches(seed=number), number).items()}


def test_a_step_equals_the_algorithm_written_out():
    """With a k_rate so large that k matters in the second and third step."""
    gamma, rate, k = 1.0, 1.0, 0.0

    def noise():
        return paddle.uniform([NUM, Z_DIM], min=-1.0, max=1.0)

    def algorithm(twin, batches):
        nonlocal k
        g, d = twin.networks["g"], twin.networks["d"]
        real, fake = batches[0]["image"], g(noise()).detach()
        loss_real, loss_fake = (real - d(real)).abs().mean(), (fake - d(fake)).abs().mean()
        twin.apply("d", loss_real - k * loss_fake)
        fake = g(noise())
        loss_g = (fake - d(fake)).abs().mean()
        twin.apply("g", loss_g)
        balance = gamma * float(loss_real) - float(loss_g)
        k = min(max(k + rate * balance, 0), 1)
        return {
            "loss/d_real": loss_real,
            "loss/d_fake": loss_fake,
            "loss/g": loss_g,
            "score/k": k,
            "score/convergence": float(loss_real) + abs(balance),
        }

    method = assert_equals(config(gamma=gamma, k_rate=rate), algorithm)
    assert 0.02 < k < 1
    assert float(method.state["k"]) == pytest.approx(k, rel=1e-4)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(config(), ["d", "g"], monkeypatch)


def test_k_moves_by_k_rate_times_the_balance_and_m_measures_it():
    method = build(config(gamma=0.5, k_rate=0.01))
    k = 0.5
    method.state["k"].set_value(paddle.to_tensor(k))
    for number in (1, 2, 3):
        scalars = step(method, number)
        balance = 0.5 * scalars["loss/d_real"] - scalars["loss/g"]
        assert balance < 0  # the convergence measure takes its absolute value
        assert scalars["score/convergence"] == pytest.approx(scalars["loss/d_real"] - balance, rel=1e-5)
        k = k + 0.01 * balance
        assert scalars["score/k"] == pytest.approx(k, rel=1e-5)


@pytest.mark.parametrize(("gamma", "start", "end"), [(1.0, 0.9, 1), (0.001, 0.1, 0)], ids=["above", "below"])
def test_k_stays_between_0_and_1(gamma, start, end):
    method = build(config(gamma=gamma, k_rate=1000.0) | {"optim": {"g": SLOW, "d": SLOW}})
    method.state["k"].set_value(paddle.to_tensor(start))
    assert step(method, 1)["score/k"] == end
    assert float(method.state["k"]) == end


def test_k_is_saved_and_a_resumed_run_goes_on_with_it(tmp_path):
    method, restored = build(config(gamma=1.0, k_rate=1.0)), build(config(gamma=1.0, k_rate=1.0))
    k = step(method, 1)["score/k"]
    assert 0 < k < 1
    checkpoint.save(tmp_path, 1, method, {}, keep=1)
    checkpoint.load_newest(tmp_path, on_damage=pytest.fail).restore(restored)
    assert float(restored.state["k"]) == k
    assert step(restored, 2) == step(method, 2)


def test_noise_is_uniform_from_minus_1_to_1():
    z = build(config()).draw_z(1000).numpy()
    assert z.shape == (1000, Z_DIM)
    assert -1 <= z.min() < -0.99
    assert 0.99 < z.max() <= 1
    assert abs(z.mean()) < 0.05


def rates_with(growth, tmp_path, steps=9):
    """The logged rates of a training whose pictures, and so M, become `growth` times as large in each step."""
    keys = config(patience=2) | {"optim": {"g": SLOW, "d": SLOW}}
    method, rates = build(keys), []
    for number in range(1, steps + 1):
        batch = {name: value * growth**number for name, value in make_batches()[0].items() if name == "image"}
        rates.append(float(method.train_step([batch], number)["schedule/rate"]))
        checkpoint.save(tmp_path, number, method, {}, keep=1)
        method = build(keys)  # each step is a resume
        checkpoint.load_newest(tmp_path, on_damage=pytest.fail).restore(method)
    method.train_step([batch], steps + 1)
    used = {optimizer._paddle.get_lr() for optimizer in method.optimizers.values()}
    assert used == {SLOW["lr"] * rates[-1]}
    return rates


def test_the_rates_are_halved_when_m_stalls_and_not_while_it_falls(tmp_path):
    assert rates_with(2.0, tmp_path / "rising") == [1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8]
    assert rates_with(0.5, tmp_path / "falling") == 9 * [1]
