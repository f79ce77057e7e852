"""Every command in the READMEs and in docs/ runs as written, in a small copy of the project; links lead somewhere."""

import dataclasses
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import cv2
import numpy as np
import paddle
import pytest
from conftest import ROOT
from picture_folder import write_pictures
from PIL import Image
from small_configs import load_small

from ppgan_lite import runtime
from ppgan_lite.config.load import load_config, to_yaml
from ppgan_lite.report.records import read_records

sys.path.insert(0, str(ROOT / "benchmarks"))
import systems_table

pytestmark = pytest.mark.sweep

READMES = ("README.md", "README_cn.md")
# Pages with commands, in the order in which a reader comes to them: a later one uses the runs of an earlier one.
TRANSLATED = ["README", "docs/TRAINING", "docs/DATA", "docs/CONFIGS", "docs/EVALUATION", "docs/EXPORT"]
TRANSLATED += ["docs/TRANSLATE", "docs/ADD_A_GAN", "docs/ADD_A_DATASET"]
GUIDES = [*TRANSLATED, "docs/PERFORMANCE"]
MARKDOWN = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
# Commands that make an environment. CI runs the make lines, and those run the lines of pip with requirements files;
# tests/test_package.py builds the package.
SET_UP = ("make ", "python -m venv", "source ", "pip install ")
PPGAN = "import sys; from ppgan_lite.cli.main import main; sys.exit(main(sys.argv[1:]))"  # what pip installs as ppgan


def blocks(name):
    return re.findall(r"^```\w*\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(name):
    """All lines of the README's bash blocks, and of its notebook block (there with a leading !)."""
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = "".join(re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)).splitlines()
    return lines + [line[1:] for line in text.splitlines() if line.startswith("!") and not line.startswith("![")]


def copy_small(folder):
    """A copy of the project's tools and package, with small configs, and a folder of pictures."""
    for name in ("ppgan_lite", "tools", "configs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "configs").glob("*.yml"):
        config, data = load_small(path), load_config(path).data
        if data.name == "folder" or getattr(data, "images", "") == "folder":
            config = dataclasses.replace(config, data=dataclasses.replace(data, size=32, batch_size=8))
        if data.name in ("pairs", "unpaired"):
            config = dataclasses.replace(config, data=dataclasses.replace(data, size=32, load_size=36, batch_size=2))
        if config.data.name == "rendered_digits":  # enough of them to be evaluated on
            config = dataclasses.replace(config, data=dataclasses.replace(config.data, num_images=660))
        path.write_text(to_yaml(config))
    write_pictures(folder / "my_pictures", 40)
    write_translations(folder)
    (folder / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "claims.yml", folder / "docs")
    return folder


def write_translations(folder):
    """What a reader has: photographs, and for docs/TRANSLATE.md pairs, two domains, a digit and a film."""
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (44, 36, 40, 3), np.uint8)
    for number, photo in enumerate(photos):
        both = np.concatenate([photo, 255 - photo], 1)
        save_picture(folder / "my_photos" / f"{number:02}.png", photo)
        save_picture(folder / "my_pairs" / ("train" if number < 20 else "test") / f"{number:02}.png", both)
        save_picture(folder / "drawings" / f"{number:02}.png", 255 - photo)
        save_picture(folder / "photos" / f"{number:02}.jpg", photo)
        domain = ("trainA", "trainB", "testA", "testB")[number % 4]
        save_picture(folder / "my_domains" / domain / f"{number:02}.png", photo)
    for name in ("my_digit.png", "my_photo.jpg"):
        save_picture(folder / name, photos[0])
    film = cv2.VideoWriter(str(folder / "my_film.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (40, 36))
    for photo in photos[:5]:
        film.write(photo)
    film.release()


def save_picture(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_small(tmp_path_factory.mktemp("readme") / "project")


def test_every_python_command_runs(project):
    """Those of the English pages: another test finds the same in the Chinese ones."""
    ran = set()
    for command in (line for page in GUIDES for line in commands(f"{page}.md")):
        if command.startswith((*SET_UP, "visualdl ", "python -m pytest ")) or command in ran:  # tests run themselves
            continue
        program, *arguments = shlex.split(
            command.replace("train.steps=1000", "train.steps=9")
            .replace("num 500", "num 100")
            .replace("walk 8", "walk 2")
        )
        assert program in ("python", "ppgan"), f"a command that no test runs: {command}"
        if program == "ppgan":
            arguments = ["-c", PPGAN, *arguments]
        trains = arguments[0] == "tools/train.py" or arguments[2:3] == ["train"]
        if trains and not {"--resume", "--dry-run"} & set(arguments):
            arguments.append("--overwrite")  # several pages show the same first command
        result = subprocess.run([sys.executable, *arguments], cwd=project, capture_output=True, text=True)
        assert result.returncode == 0, f"{command}: {result.stderr}"
        ran.add(command)
    assert len(ran) >= 40
    for made in (
        "strips.png",
        "grid.png",
        "digits.png",
        "pictures.png",
        "scores.npz",
        "result.json",
        "exported/g.onnx",
        "results/RESULTS.md",
        "film.gif",
        "walk.mp4",
        "mixed.png",
        "found.png",
        "w.npz",
        "coloured.mp4",
        "as_a",
        "red.png",
        "translated/00.png",
        "translated_elsewhere/00.png",
    ):
        assert (project / made).exists()


def python_blocks(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", READMES)
def test_the_python_api_runs_as_shown(name, project, tmp_path):
    """From another folder, with the small configs in place of the real ones, on fewer images."""
    (example,) = (x for x in python_blocks((ROOT / name).read_text(encoding="utf-8")) if "ppgan_lite" in x)
    code = f"import sys; sys.path.insert(0, {str(project)!r})\n" + example.replace("num=1000", "num=100")
    code = code.replace("steps=300", "steps=3") + "\nassert again.sample(3).shape == (3, 28, 28, 1)"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "output" / "api" / "run.json").exists()


@pytest.mark.parametrize("name", ["docs/EXPORT.md", "docs/EXPORT_cn.md"])
def test_every_example_runs_with_the_exported_folder_alone(name, small_export, tmp_path):
    """No package of ours, no run: what a server has. Each example leaves the pictures in `images`."""
    shutil.copytree(small_export, tmp_path / "exported")
    text = (ROOT / name).read_text(encoding="utf-8")
    examples = python_blocks(text)
    assert ["paddle" in example for example in examples] == [True, False]
    environment = runtime.user_environment()
    environment.pop("PYTHONPATH", None)
    z = np.random.default_rng(0).standard_normal([16, 8], dtype="float32")
    expected = paddle.jit.load(str(small_export / "g"))(paddle.to_tensor(z)).numpy()
    for example in examples:
        assert len(example.splitlines()) <= 25
        if "onnxruntime" in example and not (small_export / "g.onnx").exists():
            pytest.skip("needs paddle2onnx and onnxruntime: pip install -r requirements-onnx.txt")
        code = f"{example}\nnp.save('images.npy', images)"
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        np.testing.assert_allclose(np.load(tmp_path / "images.npy"), expected, atol=1e-5)


def test_visualdl_shows_the_log(small_run):
    (command,) = {line for page in GUIDES for line in commands(f"{page}.md") if line.startswith("visualdl ")}
    assert command == "visualdl --logdir output/dcgan_mnist/log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["-m", "visualdl.server.app", "--logdir", str(small_run / "log"), "--port", str(port)]
    server = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for path, expected in [("runs", "d_real_loss"), ("scalar/tags", "loss"), ("image/tags", "numbers")]:
            wait_for(f"http://127.0.0.1:{port}/app/api/{path}", expected)
    finally:
        server.terminate()
        server.wait()


def wait_for(url, expected):
    """Ask until the answer holds what is expected: the server starts, and reads the log, in its own time."""
    request = urllib.request.Request(url, headers={"Accept-Language": "en"})  # without it VisualDL answers 500
    for _ in range(300):
        try:
            if expected in urllib.request.urlopen(request, timeout=10).read().decode():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} never showed {expected}")


def test_set_up_commands_are_those_that_ci_runs():
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()
    for command in (line for page in (*GUIDES, "CONTRIBUTING") for line in commands(f"{page}.md")):
        if command.startswith("make "):
            assert f"{command.split()[1]}:" in makefile
        if command.startswith("pip install -r "):
            assert (ROOT / command.removeprefix("pip install -r ")).exists()
    assert "make test" in ci
    assert "make lint" in ci


@pytest.mark.parametrize("name", READMES)
def test_every_extra_that_is_named_is_one_of_the_package(name):
    text, project = (ROOT / name).read_text(encoding="utf-8"), (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    installed = re.findall(r"pip install (?:-e )?\"\.\[(\w+)\]\"", text)
    assert 'pip install ".[cpu]"' in commands(name)
    assert 'pip install -e ".[cpu]"' in text
    extras = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    for extra in installed:
        assert f"\n{extra} = [" in extras
    for extra in re.findall(r"^(\w+) = \[", extras, re.MULTILINE):
        assert f"`{extra}`" in text, f"{name} does not name the extra {extra}"


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_have_the_same_commands_tables_and_links(page):
    names = f"{page}.md", f"{page}_cn.md"
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in names)
    assert commands(names[0]) == commands(names[1])
    assert len(blocks(names[0])) == len(blocks(names[1]))
    for pattern in (r"^#+ ", r"^\| ", r"^!\[", r"^\d\. ", r"^- "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE)), (
            pattern
        )
    for pattern in (r"\]\(([^)#]+)", r"src=\"([^\"]+)", r"^\| (`[^`]+`)"):
        ours, theirs = (re.findall(pattern, text, re.MULTILINE) for text in (english, chinese))
        assert sorted(x.replace("_cn.md", ".md") for x in ours) == sorted(x.replace("_cn.md", ".md") for x in theirs)


@pytest.mark.parametrize("name", READMES)
def test_a_readme_has_at_most_200_lines(name):
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize("name", MARKDOWN)
def test_every_link_inside_the_repository_leads_somewhere(name):
    folder, text = (ROOT / name).parent, (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\((?!http)([^)]+)\)|(?:src|href)=\"(?!http)([^\"]+)\"", text):
        path, _, anchor = "".join(target).partition("#")
        path = folder / path if path else ROOT / name
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def anchors(path):
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ["docs/CONFIGS.md", "docs/CONFIGS_cn.md"])
def test_every_config_is_listed(name):
    listed = set(re.findall(r"`(\w+\.yml)`", (ROOT / name).read_text(encoding="utf-8"))) - {
        "config.yml",
        "my_experiment.yml",
    }
    assert listed == {config.name for config in (ROOT / "configs").glob("*.yml")}


@pytest.mark.parametrize("name", READMES)
def test_the_systems_table_is_that_of_the_results(name):
    """No figure in it is typed by hand: see benchmarks/systems_table.py."""
    text, records = (ROOT / name).read_text(encoding="utf-8"), read_records(ROOT / "docs" / "results.json")
    assert systems_table.fill(text, records, systems_table.READMES[name]) == text
    real = next(record for record in records if str(record.name) == "`dcgan_mnist`").real["frechet_distance"]
    assert f"{real:.3g}" in text
