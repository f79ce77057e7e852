"""tools/evaluate.py: as its users run it, in a process of its own; its refusals in this one, which is quicker."""

import copy
import dataclasses
import json
import shutil

import pytest
from conftest import SMALL, flip_a_byte, one_line_error, run_tool
from PIL import Image
from visualdl import LogReader

from ppgan_lite.cli.main import main
from ppgan_lite.commands import evaluate as command
from ppgan_lite.config.load import check_config
from ppgan_lite.data import download, mnist
from ppgan_lite.engine.loop import train
from ppgan_lite.evaluation import features
from ppgan_lite.files import locked
from ppgan_lite.report.section import CONTROL
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.results import GROUPS, METRICS, Result
from ppgan_lite.runs.run import Run

pytestmark = pytest.mark.sweep

OF_CLASSIFIERS = ["accuracy", "train_accuracy"]
OF_OTHERS = (*OF_CLASSIFIERS, *GROUPS["attributes"], *GROUPS["likelihood"], *CONTROL)
OF_GENERATORS = [metric for metric in METRICS if metric not in OF_OTHERS]


def trained(folder, tree):
    tree = copy.deepcopy(tree)
    tree["data"]["num_images"] = 720  # 120 test images
    assert train(check_config(tree), folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


@pytest.fixture(scope="module")
def gan_run(tmp_path_factory):
    """Checkpoints of steps 10 and 12, and the best of 5, 10 and 12; no evaluations (any more). Not to be changed."""
    tree = SMALL | {"train": SMALL["train"] | {"evaluate_every": 5, "keep": 2}}
    run = trained(tmp_path_factory.mktemp("gan") / "run", tree)
    for folder in [run / "evaluations", *(run / "log").glob("evaluation*")]:
        shutil.rmtree(folder)
    return run


@pytest.fixture(scope="module")
def classifier_run(tmp_path_factory):
    """Not to be changed: copy it."""
    tree = {
        "method": {"name": "classifier"},
        "classifier": {"name": "softmax"},
        "optim": {"c": {"name": "adam", "lr": 0.01}},
        "data": SMALL["data"],
        "train": SMALL["train"],
    }
    return trained(tmp_path_factory.mktemp("classifier") / "run", tree)


@pytest.fixture
def run(gan_run, tmp_path):
    return shutil.copytree(gan_run, tmp_path / "run")


@pytest.fixture(scope="module")
def evaluate():
    """The tool's main, to be called with its arguments."""
    return lambda *arguments: main(["evaluate", *map(str, arguments), "--device", "cpu"], tool=True)


def evaluated(run):
    return sorted(path.name for path in (run / "evaluations").iterdir())


def drawn(run, folder, metric):
    """The steps of a curve in VisualDL, which shows one file of a folder only."""
    (file,) = (run / "log" / folder).iterdir()
    return [(point.id, point.value) for point in LogReader(file_path=str(file)).get_data("scalar", metric)]


def test_it_prints_the_figures_and_keeps_them(run, tmp_path):
    code, out, err = run_tool("evaluate", "--run", run, "--json", tmp_path / "x.json")
    assert (code, err) == (0, "")
    result = Run.open_existing(run).results.read()[0]
    headline, shares, heads, *rows, written, protocol = out.splitlines()
    assert headline.startswith("step 12 (cpu, ")
    assert f"{headline.split(' s): ')[1]}\n{shares}" == result.headline()
    assert heads.split("  ")[0] == "metric"
    assert "real images" in heads
    rows = [row for row in rows if row.startswith("  ")]  # no titles of groups
    assert [row.split()[0] for row in rows] == OF_GENERATORS
    for row in rows:
        name, *shown = row.split()
        figure = result.figures[name]
        assert float(shown[0]) == pytest.approx(figure.value, rel=1e-3)
        assert float(shown[1 if figure.error is None else 3]) == pytest.approx(figure.real, rel=1e-3)  # after "± error"
    assert protocol == f"protocol (only figures with the same protocol can be compared): {result.describe_protocol()}"
    assert "features rendered_digits" in protocol
    assert "num_fake 120" in protocol
    assert written == f"written to {run / 'evaluations' / 'step_00000012.json'}"
    assert evaluated(run) == ["step_00000012.json"]
    assert Result.read(tmp_path / "x.json") == result
    assert drawn(run, "evaluation", "recall") == [(12, pytest.approx(result.figures["recall"].value))]


def test_all_best_and_a_number(run, evaluate, capsys):
    (best,) = checkpoint.list_steps(run / "best")
    steps = sorted({10, 12, best})
    assert evaluate("--run", run, "--step", "all") == 0
    out, err = capsys.readouterr()
    assert [int(line.split()[1]) for line in out.splitlines() if line.startswith("step ")] == steps
    assert err == ""
    assert evaluated(run) == [f"step_{step:08d}.json" for step in steps]
    results = {result.step: result for result in Run.open_existing(run).results.read()}
    assert len({result.figures["frechet_distance"].value for result in results.values()}) == len(steps)

    for word, step in (("best", best), (10, 10)):
        path = run / "evaluations" / f"step_{step:08d}.json"
        path.unlink()
        assert evaluate("--run", run, "--step", word, "--json", run / "x.json") == 0
        assert capsys.readouterr().out.startswith(f"step {step} (cpu")
        assert Result.read(path).figures == Result.read(run / "x.json").figures == results[step].figures
    assert [step for step, _ in drawn(run, "evaluation", "frechet_distance")] == steps
    for step, value in drawn(run, "evaluation_of_real_images", "frechet_distance"):
        assert value == pytest.approx(results[step].figures["frechet_distance"].real)


def test_fewer_images_and_another_seed_are_another_protocol(run, evaluate, capsys):
    assert evaluate("--run", run, "--num", 100, "--seed", 7) == 0
    (result,) = Run.open_existing(run).results.read()
    assert [result.protocol[key] for key in ("num_real", "num_fake", "seed")] == [100, 100, 7]


def test_a_result_of_another_protocol_is_not_replaced(run, evaluate, tmp_path, capsys):
    assert evaluate("--run", run) == 0
    before = (run / "evaluations" / "step_00000012.json").read_bytes()
    capsys.readouterr()
    assert evaluate("--run", run, "--num", 100, "--json", tmp_path / "x.json") == 0
    out, err = capsys.readouterr()
    assert "step_00000012.json is not replaced: num_fake was 120 and 100; delete it first" in err
    assert "written to" not in out
    assert (run / "evaluations" / "step_00000012.json").read_bytes() == before
    assert Result.read(tmp_path / "x.json").protocol["num_fake"] == 100


def test_results_of_truncated_noise_are_kept_apart(run, evaluate, capsys):
    assert evaluate("--run", run) == 0
    before = (run / "evaluations" / "step_00000012.json").read_bytes()
    for limit in ("0.5", "1"):
        assert evaluate("--run", run, "--truncation", limit) == 0
    assert capsys.readouterr().err == ""
    assert evaluated(run) == ["step_00000012.json", "truncation_0.5", "truncation_1.0"]
    assert (run / "evaluations" / "step_00000012.json").read_bytes() == before
    plain, *others = (
        Result.read(run / "evaluations" / folder / "step_00000012.json")
        for folder in ("", "truncation_0.5", "truncation_1.0")
    )
    for limit, other in zip(("0.5", "1.0"), others, strict=True):
        assert other.protocol == plain.protocol | {"truncation": limit, "batch_norm": "statistics of truncated noise"}
        assert other.figures["frechet_distance"].value != plain.figures["frechet_distance"].value
        assert other.figures["frechet_distance"].real == plain.figures["frechet_distance"].real
    assert Run.open_existing(run).results.read() == [plain]
    assert [step for step, _ in drawn(run, "evaluation", "recall")] == [12]
    Run.open_existing(run).results.go_back(10)
    assert not list((run / "evaluations").rglob("*.json"))


def test_only_results_of_one_protocol_are_drawn(run, evaluate):
    assert evaluate("--run", run, "--step", 10, "--num", 100) == 0
    assert evaluate("--run", run) == 0
    assert [step for step, _ in drawn(run, "evaluation", "recall")] == [12]


def test_a_run_on_stand_in_data_is_measured_on_it(tmp_path, monkeypatch, capsys):
    """MNIST cannot be had when the run is trained; when it is measured, it is there again."""
    config = {**SMALL, "data": {"name": "mnist", "batch_size": 8, "offline": "rendered_digits"}}
    config["train"] = SMALL["train"] | {"steps": 1}
    with monkeypatch.context() as patch:
        patch.delenv("PPGAN_DATA", raising=False)
        patch.setattr(download, "CACHE", tmp_path / "none")
        patch.setitem(mnist.PUBLISHED, "mnist", dataclasses.replace(mnist.PUBLISHED["mnist"], mirrors=()))
        assert train(check_config(config), tmp_path / "run", False, False, "cpu", False) == 0
    command.evaluate(tmp_path / "run", None, 100, "auto", 0, None, "cpu")
    assert "data rendered_digits" in capsys.readouterr().out


def test_test_images_that_are_not_of_the_runs_data_are_refused(monkeypatch, tmp_path, capsys, real_data, evaluate):
    """Only the training images are there: the test images must not be rendered digits."""
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    for path in (real_data / "mnist").glob("train-*"):
        (tmp_path / "data" / "mnist" / path.name).symlink_to(path)
    monkeypatch.setenv("PPGAN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(download, "CACHE", tmp_path / "none")
    monkeypatch.setitem(mnist.PUBLISHED, "mnist", dataclasses.replace(mnist.PUBLISHED["mnist"], mirrors=()))
    config = {**SMALL, "data": {"name": "mnist", "batch_size": 8, "offline": "rendered_digits"}}
    config["train"] = SMALL["train"] | {"steps": 1}
    assert train(check_config(config), tmp_path / "run", False, False, "cpu", False) == 0
    assert evaluate("--run", tmp_path / "run") == 2
    assert "the training images are mnist (" in (err := capsys.readouterr().err)
    assert "but the test images are rendered_digits, standing in for mnist" in err


def test_a_damaged_newest_checkpoint_is_passed_over(run, evaluate, capsys):
    flip_a_byte(run / "checkpoints" / "step_00000012" / "network_g.safetensors")
    assert evaluate("--run", run) == 0
    out, err = capsys.readouterr()
    assert out.startswith("step 10 (cpu")
    assert "warning" in err
    assert evaluate("--run", run, "--step", 12) == 2
    assert "network_g.safetensors: damaged" in one_line_error(capsys.readouterr().err)


def test_the_log_of_a_run_that_is_being_trained_is_left_alone(run, evaluate, capsys):
    """The training has its files open."""
    assert evaluate("--run", run, "--step", 10) == 0
    before = drawn(run, "evaluation", "frechet_distance")
    capsys.readouterr()
    with locked(run):
        assert evaluate("--run", run) == 0
    assert "warning: the results are not drawn in the log: " in capsys.readouterr().err
    assert drawn(run, "evaluation", "frechet_distance") == before
    assert evaluated(run) == ["step_00000010.json", "step_00000012.json"]
    assert evaluate("--run", run, "--step", 10) == 0
    assert [step for step, _ in drawn(run, "evaluation", "frechet_distance")] == [10, 12]


def test_a_classifier(classifier_run, tmp_path):
    run = shutil.copytree(classifier_run, tmp_path / "run")
    code, out, err = run_tool("evaluate", "--run", run, "--num", "50")
    no_effect = "--num, --features and --seed have no effect: a classifier is measured on all test images"
    assert (code, err) == (0, f"warning: {no_effect}\n")
    headline, _, _, *rows, _, protocol = out.splitlines()
    (result,) = Run.open_existing(run).results.read()
    assert headline.startswith("step 12 (cpu, ")
    assert headline.endswith(f" s): {result.headline()}")
    assert [row.split()[0] for row in rows] == OF_CLASSIFIERS
    assert float(rows[0].split()[1]) == pytest.approx(result.figures["accuracy"].value, rel=1e-3)
    assert sum(map(sum, result.confusion)) == 120
    assert "num_real 120" in protocol
    assert evaluated(run) == ["step_00000012.json", "step_00000012.png"]
    with Image.open(run / "evaluations" / "step_00000012.png") as picture:
        assert picture.mode == "RGB"
        assert picture.text["Step"] == "12"
    (file,) = (run / "log" / "evaluation").iterdir()
    reader = LogReader(file_path=str(file))
    assert [point.id for point in reader.get_data("scalar", "accuracy")] == [12]
    assert [point.id for point in reader.get_data("image", "confusion")] == [12]


def test_a_classifier_makes_no_samples(classifier_run, tmp_path):
    code, out, err = run_tool("sample", "--run", classifier_run, "--out", tmp_path / "x.png")
    assert (code, out) == (2, "")
    assert one_line_error(err) == f"{classifier_run}: the method of this run (classifier) generates no images"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num", 121], "121 images: rendered_digits has only 120 test images"),
        (["--num", 99], "99 images are too few to evaluate; at least 100 are needed (there are 120 test images)"),
        (["--features", "mnist"], "--features mnist: for another data set; the run was trained on rendered_digits"),
        (["--features", "x"], "--features x: no such evaluator; give auto, cifar10, cifar10_jpeg, fashion_mnist, "),
        (["--step", 7], "no checkpoint of step 7; there are: 10, 12"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_code_2(gan_run, evaluate, arguments, message, capsys):
    assert evaluate("--run", gan_run, *arguments) == 2
    out, err = capsys.readouterr()
    assert message in one_line_error(err)
    assert out == ""
    assert not (gan_run / "evaluations").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num", 0], "argument --num: must be at least 1, got 0"),
        (["--step", "last"], "argument --step: invalid whole number, best or all value: 'last'"),
        (["--seed", "-1"], "argument --seed: must be at least 0, got -1"),
        (["--truncation", "-1"], "argument --truncation: must be a number of at least 0, got -1"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(gan_run, evaluate, arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        evaluate("--run", gan_run, *arguments)
    assert end.value.code == 2
    assert message in one_line_error(capsys.readouterr().err)


def test_a_bound_of_the_likelihood_is_of_as_many_draws_as_asked(tmp_path, capsys):
    network = {"name": "fully_connected", "widths": [4]}
    tree = {
        "method": {"name": "vae", "z_dim": 2},
        "generator": network,
        "encoder": network,
        "optim": {name: {"name": "adam", "lr": 0.001} for name in ("g", "e")},
        "data": SMALL["data"] | {"binarize": "random"},
        "train": SMALL["train"],
    }
    run = trained(tmp_path / "run", tree)
    assert main(["evaluate", "--run", str(run), "--draws", "3"]) == 0
    printed = capsys.readouterr().out
    assert " nats for test images (training images: " in printed
    assert "likelihood bound: importance weights, 3 draws" in printed


def test_a_gan_has_no_likelihood_to_draw_for(run, evaluate, capsys):
    assert evaluate("--run", run, "--draws", 3) == 2
    message = "--draws: this run's method (gan) has no likelihood of this data; leave it out"
    assert one_line_error(capsys.readouterr().err) == message


def test_a_classifier_has_no_noise_to_truncate(classifier_run, evaluate, capsys):
    assert evaluate("--run", classifier_run, "--truncation", 0.5) == 2
    message = one_line_error(capsys.readouterr().err)
    assert message == "--truncation: this run's method (classifier) has no generator with normal noise; leave it out"


def other_data(run):
    text = (run / "config.yml").read_text()
    data = text[text.index("data:") :]
    (run / "config.yml").write_text(text.replace(data, data.replace("seed: 0", "seed: 1", 1)))


@pytest.mark.parametrize(
    ("hurt", "message"),
    [
        (shutil.rmtree, "not the folder of a run (no run.json in it)"),
        (lambda run: shutil.rmtree(run / "checkpoints"), "checkpoints: no checkpoint yet; train until"),
        (other_data, "was trained on rendered_digits (720 images from OpenCV"),
        (lambda run: (run / "evaluations").write_text(""), "step_00000012.json: cannot be written: "),
    ],
)
def test_a_run_that_cannot_be_measured_is_one_line_and_code_2(hurt, message, run, evaluate, capsys):
    hurt(run)
    assert evaluate("--run", run) == 2
    assert message in one_line_error(capsys.readouterr().err)
    assert not (run / "evaluations").is_dir()


def test_a_damaged_older_checkpoint_is_named_and_passed_over(run, evaluate, capsys):
    flip_a_byte(run / "checkpoints" / "step_00000010" / "network_g.safetensors")
    assert evaluate("--run", run, "--step", "all") == 0
    printed = capsys.readouterr()
    assert "step_00000010/network_g.safetensors: damaged" in printed.err
    assert "step 10 (" not in printed.out
    assert "step 12 (" in printed.out


def test_without_evaluations_in_training_there_is_no_best(small_run, evaluate, capsys):
    assert evaluate("--run", small_run, "--step", "best") == 2
    assert "no best checkpoint; only GANs trained with train.evaluate_every have one" in one_line_error(
        capsys.readouterr().err
    )


def test_a_damaged_evaluator_is_one_line_and_code_2(gan_run, evaluate, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(features, "FOLDER", shutil.copytree(features.FOLDER, tmp_path / "evaluators"))
    flip_a_byte(tmp_path / "evaluators" / "rendered_digits.safetensors")
    assert evaluate("--run", gan_run) == 2
    assert "rendered_digits.safetensors: damaged (checksum mismatch)" in one_line_error(capsys.readouterr().err)


def test_too_few_test_images_are_one_line_and_code_2(small_run, evaluate, capsys):
    assert evaluate("--run", small_run) == 2
    assert "images are too few to evaluate" in one_line_error(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file/x.json", "file/x.json: cannot be written: "),
        ("folder", "folder: is a folder; give a file"),
        ("/proc/x.json", "/proc/x.json: cannot be written: "),
    ],
)
def test_a_result_that_cannot_be_written_elsewhere_is_found_first(out, message, run, evaluate, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    assert evaluate("--run", run, "--json", tmp_path / out) == 2
    printed = capsys.readouterr()
    assert message in one_line_error(printed.err)
    assert printed.out == ""
    assert not (run / "evaluations").exists()


def test_the_folder_of_a_result_is_made(run, evaluate, tmp_path):
    assert evaluate("--run", run, "--json", tmp_path / "new" / "v1.0" / "x") == 0
    assert json.loads((tmp_path / "new" / "v1.0" / "x").read_text())["step"] == 12


def test_data_that_is_not_in_files_cannot_have_been_moved(run, evaluate, capsys):
    assert evaluate("--run", run, "--data-root", "x") == 2
    assert "--data-root x: the data of this run, rendered_digits, is not read from files" in capsys.readouterr().err
