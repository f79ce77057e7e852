"""The page as a whole, from run folders written by hand, and from real ones."""

import json
import re
import shutil

import pytest
import yaml
from conftest import ROOT
from report_place import CONFIGS, GENERATOR, Place, draw, result, rows

from ppgan_lite.config.load import check_config
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import RunError
from ppgan_lite.report import report
from ppgan_lite.report.markdown import spaced
from ppgan_lite.runs.results import METRICS
from ppgan_lite.runs.run import Run


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture(scope="module")
def small_classifier(tmp_path_factory):
    """A finished run of a classifier, evaluated after each of its epochs of 5 steps. Not to be changed."""
    tree = yaml.safe_load((CONFIGS / "classifier_softmax_mnist.yml").read_text())
    tree["data"] = {"name": "rendered_digits", "batch_size": 8, "num_images": 44, "seed": 0}
    tree["train"] |= {"epochs": None, "steps": 12, "evaluate_every": 5, "preview_every": 5, "log_every": 1}
    folder = tmp_path_factory.mktemp("small_classifier") / "run"
    assert train(check_config(tree), folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


def test_curves_are_drawn_where_a_run_was_evaluated_several_times(place):
    place.add("a", "dcgan_mnist", [result(468, protocol={"num_fake": 2000}), result(936)])
    assert "frechet.png" not in place.report()  # an evaluation by another protocol does not count
    place.add("c", "dcgan_transposed_mnist", [result(468), result(936)])
    fashion = [result(5, "fashion_mnist"), result(9, "fashion_mnist")]
    place.add("d", "dcgan_fashion_mnist", fashion, data="fashion_mnist")
    assert "![Frechet distance over the steps, on mnist, fashion_mnist](images/results/frechet.png)" in place.report()
    first = (place.pictures / "frechet.png").read_bytes()
    result(936, frechet_distance=99.0).write(place.runs / "c" / "evaluations" / "step_00000936.json")
    place.report()
    assert (place.pictures / "frechet.png").read_bytes() != first


def test_the_same_runs_give_the_same_bytes_and_nothing_of_this_machine(place, tmp_path, monkeypatch):
    shutil.copy(ROOT / "docs" / "claims.yml", place.claims)
    for seed in (1, 0):
        place.add(f"s{seed}", "dcgan_mnist", [result(468), result()], [f"train.seed={seed}"], preview=9)
    place.add("article", "dcgan_mnist_article", [result(frechet_distance=400.0)])
    first = place.report()
    pictures = {path.name: path.read_bytes() for path in place.pictures.iterdir()}
    other = Place(tmp_path / "other")
    shutil.copytree(place.runs, other.runs)
    shutil.copy(place.claims, other.claims)
    monkeypatch.chdir(other.folder)
    report([other.runs.relative_to(other.folder)], other.out, other.claims, CONFIGS)
    assert other.out.read_text() == first
    assert {path.name: path.read_bytes() for path in other.pictures.iterdir()} == pictures
    assert str(tmp_path) not in first
    assert "/secret" not in first


def test_the_machines_are_listed_with_their_processors_where_known(place):
    place.add("a", "dcgan_mnist", [result()])
    folder = place.add("b", "dcgan_mnist_article", [result()])
    record = json.loads((folder / "run.json").read_text())
    record["sessions"][0]["processor"] = "Quick 9"
    (folder / "run.json").write_text(json.dumps(record))
    text = place.report()
    assert "- cpu; OMP_NUM_THREADS=2; python 3.11.7, paddlepaddle 3.3.1 (runs: 1)" in text
    assert "- cpu, Quick 9; OMP_NUM_THREADS=2; python 3.11.7, paddlepaddle 3.3.1 (runs: 1)" in text
    assert "Budget: 9,360 steps, on cpu, Quick 9, threads: 2; cpu, threads: 2.\n" in text


def test_metrics_and_protocol_are_explained(place):
    place.add("a", "dcgan_mnist", [result()])
    text = place.report()
    for name in GENERATOR:
        assert f"- {spaced(name)}: {METRICS[name]}" in text
    assert "- accuracy:" not in text
    assert "Trained on 60,000 images. Protocol: features evaluator_mnist; data mnist; data sha256 abababababab;" in text


def test_all_links_lead_somewhere(place, tmp_path):
    shutil.copy(ROOT / "docs" / "claims.yml", place.claims)
    shutil.copytree(CONFIGS, place.folder / "configs")
    alarm = {"step": 300, "diagnosis": "collapse", "since": 100, "words": "all alike"}
    place.add("a", "dcgan_mnist", [result(468), result()], metrics=[alarm], preview=100)
    place.add("b", "dcgan_mnist", [result()], ["generator.upsample=transposed"], preview=7)
    place.add("e", "gan_keras_mnist", [result()], metrics=[{"step": 9000, "loss/g": 1.0}])
    cnn = place.add("d", "classifier_cnn_mnist", [result(1200, accuracy=0.9)])
    draw(cnn / "evaluations" / "step_00001200.png", 3)
    report([place.runs], place.out, place.claims, place.folder / "configs")
    text, chinese = place.out.read_text(), place.out.with_name("RESULTS_cn.md").read_text()
    links = {link for page in (text, chinese) for link in re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", page)}
    links = {address or picture for address, picture in links if not address.startswith("https://")}
    files = {link.partition("#")[0] for link in links} - {""}
    assert "../configs/dcgan_mnist.yml" in files
    assert all((place.out.parent / file).is_file() for file in files)
    assert {f"images/results/{path.name}" for path in place.pictures.iterdir()} <= files
    anchors = {link.partition("#")[2] for link in links} - {""}
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert len(set(headings)) == len(headings)
    known = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {"sources", "failures", "generators-on-mnist"} <= anchors <= known


def test_the_page_may_go_to_a_new_folder_but_not_into_a_file(place):
    place.add("a", "dcgan_mnist", [result()], preview=1)
    place.out = place.folder / "new" / "RESULTS.md"
    assert place.report()
    place.out = place.claims / "RESULTS.md"
    with pytest.raises(RunError, match="claims.yml/images/results: cannot be written"):
        place.report()


def test_real_runs_are_reported(place, small_run, small_classifier):
    """A generator that was trained, but measured by no network, and a classifier that was measured while it trained."""
    run = shutil.copytree(small_run, place.runs / "generator")
    (run / "evaluations").mkdir(exist_ok=True)
    result(12, "rendered_digits").write(run / "evaluations" / "step_00000012.json")
    shutil.copytree(small_classifier, place.runs / "classifier")
    text = place.report()
    names = {cells[1] for title in ("generator", "classifier") for cells in rows(text, f"`output/{title}`")}
    (generator,) = [name for name in names if name.startswith("`dcgan_")]
    assert "<sub>generator.ngf = 2</sub>" in generator
    assert "train.seed" not in text
    assert len(list(place.pictures.iterdir())) >= 1
    (classifier,) = [name for name in names if name.startswith("`classifier_softmax_")]
    measured = {each.step: each.figures for each in Run.open_existing(small_classifier).results.read()}
    assert sorted(measured) == [5, 10, 12]
    by_epoch = [cells[1:4] for cells in rows(text, classifier) if len(cells) == 5]
    shown = [[f"{step / 5:.3g}", str(step), f"{measured[step]['accuracy'].value:#.4g}"] for step in (5, 10, 12)]
    assert by_epoch == shown
    assert "paddlepaddle 3" in text
