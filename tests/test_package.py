"""The package: what it requires, what its wheel contains, and what its import does."""

import ast
import re
import subprocess
import sys
import types
import zipfile

import pytest
from conftest import ROOT

import ppgan_lite

NOT_ON_IMPORT = {"paddle", "visualdl", "matplotlib", "numpy", "cv2", "yaml"}


@pytest.fixture(scope="module")
def project():
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11 to read pyproject.toml")
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(name):
    """The requirements in a file, without its comments, options and references to other files."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def test_the_requirements_files_and_the_package_agree(project):
    assert project["dependencies"] == requirements("requirements-base.txt")
    extras = dict(project["optional-dependencies"])
    assert extras.pop("cpu") == requirements("requirements.txt")
    for name in ("requirements.txt", "requirements-gpu.txt"):
        assert "-r requirements-base.txt\n" in (ROOT / name).read_text()
    for extra, needed in extras.items():
        assert needed == requirements(f"requirements-{extra}.txt")
    files = {path.stem.removeprefix("requirements-") for path in ROOT.glob("requirements-*.txt")}
    assert files == {*extras, "base", "dev"}
    for extra in set(extras) - {"gpu"}:
        assert f"-r requirements-{extra}.txt\n" in (ROOT / "requirements-dev.txt").read_text()


def test_the_version_is_in_one_place(project):
    assert "version" not in project
    assert project["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", ppgan_lite.__version__)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that pip builds from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True)
    if "No matching distribution found for hatchling" in result.stderr:
        pytest.skip("needs a package index that has the build backend, hatchling")
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_has_the_package_its_configs_and_evaluators_and_nothing_else(wheel):
    package = [path.relative_to(ROOT) for path in (ROOT / "ppgan_lite").rglob("*") if path.is_file()]
    expected = {path.as_posix() for path in package if "__pycache__" not in path.parts}
    expected |= {f"ppgan_lite/configs/{path.name}" for path in (ROOT / "configs").glob("*.yml")}
    expected |= {"ppgan_lite/report/claims.yml"}
    info = f"ppgan_lite-{ppgan_lite.__version__}.dist-info"
    assert {name for name in wheel.namelist() if not name.startswith(info)} == expected
    for name in ("commands/infer.py", "configs/dcgan_mnist.yml", "evaluation/evaluators/mnist.safetensors"):
        assert f"ppgan_lite/{name}" in expected
    evaluator = "ppgan_lite/evaluation/evaluators/mnist.safetensors"
    assert wheel.read(evaluator) == (ROOT / evaluator).read_bytes()
    assert b"ppgan = ppgan_lite.cli.main:main" in wheel.read(f"{info}/entry_points.txt")
    assert "Requires-Python: >=3.10\n" in wheel.read(f"{info}/METADATA").decode()


def python(code):
    """Run code in a new Python process that can import this package."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_its_import_loads_no_other_package():
    code = "import ppgan_lite\ndir(ppgan_lite)\nprint(ppgan_lite.__version__, *sys.modules)"
    version, *modules = python(code).stdout.split()
    assert version == ppgan_lite.__version__
    assert "ppgan_lite.runtime" in modules
    assert not NOT_ON_IMPORT & set(modules)


def test_its_functions_are_in_the_commands(monkeypatch):
    """They are looked up when they are first used; here ppgan_lite/commands/api.py is replaced by another module."""
    api = types.SimpleNamespace(train=1, load=2, evaluate=3)
    monkeypatch.setitem(sys.modules, "ppgan_lite.commands.api", api)
    monkeypatch.setattr("ppgan_lite.commands.api", api, raising=False)
    assert (ppgan_lite.train, ppgan_lite.load, ppgan_lite.evaluate) == (1, 2, 3)
    assert {"train", "load", "evaluate", "__version__"} <= set(dir(ppgan_lite))
    with pytest.raises(AttributeError, match="module 'ppgan_lite' has no attribute 'trian'"):
        _ = ppgan_lite.trian


def test_a_python_that_is_too_old_is_an_import_error():
    result = python("sys.version_info = (3, 9, 18, 'final', 0); sys.version = '3.9.18 (x)'; import ppgan_lite")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"ImportError: ppgan_lite needs Python 3.10 or newer, but {sys.executable} is Python 3.9.18; "
        "install a newer one, and with it: pip install -r requirements.txt"
    )


def test_no_file_is_read_or_written_in_the_encoding_of_the_locale():
    """Every call that opens a text names its encoding."""
    found = []
    for path in [*(ROOT / "ppgan_lite").rglob("*.py"), *(ROOT / "tools").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _is_text(node) and "encoding" not in {key.arg for key in node.keywords}:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def _is_text(call):
    """Whether a call opens a text: `open`, `fdopen` without b in the mode, `read_text`, `write_text`, `text=True`."""
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
    if name == "fdopen" or (name == "open" and isinstance(call.func, ast.Name)):
        modes = [*call.args[1:2], *(key.value for key in call.keywords if key.arg == "mode")]
        return not any("b" in ast.unparse(mode) for mode in modes)
    return name in ("read_text", "write_text") or any(key.arg == "text" for key in call.keywords)
