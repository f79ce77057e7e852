import json
import os
import sys

import pytest
from conftest import ROOT

from ppgan_lite.commands import benchmark, benchmark_worker
from ppgan_lite.commands.benchmark import Contender, Measurement
from ppgan_lite.config.load import check_config, load_config
from ppgan_lite.errors import UserError
from ppgan_lite.methods.wgan import WGAN

# A contender that reports 1, 2, 3, ... hundredths of a second for its steps, times its first argument.
COUNTING = """
import json, sys
step = 0
for line in sys.stdin:
    steps = range(step + 1, step + 1 + int(line))
    step = steps[-1]
    print(json.dumps({"seconds": [float(sys.argv[1]) * n / 100 for n in steps], "peak_bytes": step}), flush=True)
"""


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(benchmark, "REST", 0)


def counting(factor):
    return Contender(f"times {factor}", [sys.executable, "-c", COUNTING, str(factor)], {})


def measured(seconds):
    return Measurement("x", seconds, {}, None, [])


def test_contenders_take_their_steps_in_turn_after_a_warm_up():
    lines = []
    with counting(1) as one, counting(3) as other:
        first, second = benchmark.measure([one, other], steps=7, rounds=3, say=lines.append)
    assert first.seconds == pytest.approx([n / 100 for n in range(4, 11)])  # 3 steps of warm-up do not count
    assert second.seconds == pytest.approx([3 * n / 100 for n in range(4, 11)])
    assert first.peak_bytes == 10
    assert lines[0] == "round 1/3: times 1 0.050 s, times 3 0.150 s (3.00 times)"
    assert len(lines) == 3
    assert benchmark.pair_ratios(first, second, 3) == pytest.approx([3, 3, 3])


def test_pair_ratios_are_of_the_medians_of_a_round():
    first, second = measured([1, 1, 9, 2, 2]), measured([2, 2, 2, 8, 10])
    assert benchmark.pair_ratios(first, second, 2) == [2, 4.5]


def test_median_and_p90():
    result = measured([float(n) for n in range(11)])
    assert (result.median, result.p90) == (5, 9)
    assert measured([2.0]).p90 == 2


def test_tables():
    ours, other = measured([0.5, 0.5]), measured([1.0, 1.0])
    ours.phases = {"data": [0.1, 0.1], "update g": [0.4, 0.4]}
    other.peak_bytes = 2**30
    assert benchmark.table([ours, other], 128).splitlines()[2:] == [
        "| x | 0.500 | 0.500 | 256 | ? | 1.00 |",
        "| x | 1.000 | 1.000 | 128 | 1,024 MB | 2.00 |",
    ]
    assert benchmark.phase_table(ours).splitlines()[2:] == ["| data | 100.0 | 20.0% |", "| update g | 400.0 | 80.0% |"]


def test_the_images_of_all_batches_of_a_step_are_counted():
    overrides = ["data.batch_size=30"]
    assert benchmark.images_per_step(load_config(ROOT / "configs" / "gan_keras_mnist.yml", overrides)) == (
        30,
        "batch of 30",
    )
    wgan = load_config(ROOT / "configs" / "wgan_mnist.yml", overrides)
    assert wgan.method.num_batches(1) == 100
    assert benchmark.images_per_step(wgan) == (150, "5 batches of 30")


def test_the_steps_in_which_wgan_warms_its_critic_up_are_skipped(small_tree, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(WGAN, "train_step", lambda self, batches, step: calls.append((step, len(batches))) or {})
    rmsprop = {"name": "rmsprop", "lr": 5e-5}
    tree = small_tree | {"method": {"name": "wgan"}, "optim": {"g": rmsprop, "d": rmsprop}}
    benchmark_worker.serve(check_config(tree), "cpu", tmp_path, ["2"], lambda answer: None)
    assert calls == [(26, 5), (27, 5)]


def test_a_failing_process_reports_its_error():
    failing = Contender("it", [sys.executable, "-c", "import sys; sys.exit('error: no such luck')"], {})
    with failing, pytest.raises(UserError, match=r"^it: no such luck$"):
        failing.take(1)


def test_stock_is_another_process_with_other_operations_and_settings(small_file):
    """Both report the seconds of each step, the phases and the memory."""
    arguments = small_file, ["train.log_every=1"]
    with benchmark.ours(*arguments) as ours, benchmark.stock(*arguments) as stock:
        answers = [ours.take(2), stock.take(2)]
    for answer in answers:
        assert len(answer["seconds"]) == 2
        assert answer["phases"].keys() == {
            "data", "update d_real", "update d_fake", "update g", "rest of the step", "logging",
        }  # fmt: skip
        for number, seconds in enumerate(answer["seconds"]):
            assert sum(phase[number] for phase in answer["phases"].values()) == pytest.approx(seconds)
            assert seconds > 0
        assert answer["peak_bytes"] > 2**26
        assert all(value > 2**26 for value in answer["resident_bytes"])


def test_the_machine_is_described():
    machine = benchmark.machine()
    assert machine["cores"] >= 1
    assert f"{machine['cores']} cores of {machine['processor']}" in benchmark.describe(machine)
    json.dumps(machine)


def test_the_twins_speak_the_protocol_of_this_file():
    """The PyTorch twin is only read, because the tests do not install torch; `make benchmark` runs it."""
    text = (ROOT / "benchmarks" / "protocol.py").read_text()
    assert "for line in sys.stdin:" in text
    assert 'json.dumps({"seconds": seconds' in text
    assert "protocol.serve(lambda: step(real))" in (ROOT / "benchmarks" / "torch_twin.py").read_text()
    command = [sys.executable, str(ROOT / "benchmarks" / "paddle_twin.py"), "--step", "dcgan28_transposed"]
    with Contender("twin", command, dict(os.environ)) as twin:
        answer = twin.take(1)
    assert len(answer["seconds"]) == 1
    assert answer["peak_bytes"] > 2**26
