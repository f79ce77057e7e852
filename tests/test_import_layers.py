"""Each package of ppgan_lite imports only packages listed above it, and none imports tools, tests or benchmarks."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest
from conftest import ROOT

PACKAGE = ROOT / "ppgan_lite"
# From the bottom up; packages and single modules in one line may not import each other.
LAYERS = (
    "errors runtime",
    "console device files",
    "schema",
    "losses metrics",
    "networks",
    "data",
    "pictures",
    "methods",
    "config",
    "runs",
    "evaluation",
    "report",
    "engine",
    "commands",
    "cli",
)
LAYER = {name: depth for depth, line in enumerate(LAYERS) for name in line.split()}
FRONT = PACKAGE / "__init__.py"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != FRONT)


MODULES = {".".join(("ppgan_lite", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in FILES}


def imports(path):
    """(line, module or package of ppgan_lite) of each import in a file, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES or node.module == "ppgan_lite" else node.module for name in within]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            assert name.split(".")[0] not in ("tools", "tests", "benchmarks"), f"{path}:{node.lineno}"
            if name.startswith("ppgan_lite.") and name != "ppgan_lite.__version__":
                yield node.lineno, name


def test_every_package_and_module_has_a_layer():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    loose = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert packages | loose == LAYER.keys()
    assert len(loose) <= 5


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_lead_down(module):
    own = module.split(".")[1]
    for line, name in imports(MODULES[module]):
        other = name.split(".")[1]
        assert other == own or LAYER[other] < LAYER[own], f"{MODULES[module]}:{line}: {own} imports {other}, above it"


def test_no_modules_form_a_circle():
    TopologicalSorter({module: {name for _, name in imports(path)} for module, path in MODULES.items()}).prepare()


def test_a_circle_would_be_found():
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
