"""The notebook runs from top to bottom, as in AI Studio, in a copy of the project with small configs."""

import inspect
import re
import shutil

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient
from test_pages import copy_small

from ppgan_lite.methods.gan import GAN

pytestmark = pytest.mark.sweep

NOTEBOOK = ROOT / "notebooks" / "dcgan_mnist.ipynb"


def texts(notebook):
    """All text output of the cells."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)


def pictures(notebook):
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.fixture
def project(tmp_path):
    folder = copy_small(tmp_path / "project")
    for path in ROOT.glob("requirements*.txt"):
        shutil.copy(path, folder)
    (folder / "notebooks").mkdir()
    return folder


def test_it_runs_from_top_to_bottom(project):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (settings,) = (cell for cell in notebook.cells if cell.source.startswith("STEPS = 300\n"))
    settings.source = settings.source.replace("300", "4", 1)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.source = cell.source.replace("num=1000", "num=100")  # the small configs have few test images
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(project / "notebooks")}}).execute()
    output = texts(notebook).replace("\r\n", "\n")  # shell commands end lines with \r\n
    assert "saved step 4 of 4 in output/notebook\n" in output
    assert "saved step 50 of 50 in output/notebook_api\n" in output
    assert "100%|" in output  # the progress bar of the training in Python
    assert "step 4 of output/notebook exported to output/notebook_exported" in output
    assert "Frechet distance " in output
    assert "64 images of step 4 written to output/notebook_infer.png" in output
    assert "error" not in output.lower().replace("cudaerror", "")
    assert pictures(notebook) >= 7  # real, before, two previews, curves, infer.py, the embedded predictor
    assert (project / "output" / "notebook_infer.png").exists()


def test_its_stored_outputs_are_up_to_date():
    output = texts(nbformat.read(NOTEBOOK, as_version=4))
    for part in (GAN.train_step, GAN._train_d, GAN._train_g):
        assert inspect.getsource(part) in output
    assert (ROOT / "configs" / "dcgan_mnist.yml").read_text(encoding="utf-8") in output
    assert all(f"\n  {name} " in output for name in ("frechet_distance", "coverage"))


def test_its_stored_outputs_are_of_a_real_run():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    output = texts(notebook)
    assert "saved step 300 of 300 in output/notebook" in output
    assert pictures(notebook) >= 8
    assert NOTEBOOK.stat().st_size < 2**20
    assert not re.search(r"/(home|root|work|tmp|usr|mnt|opt)/", output)  # no paths of the machine
    assert not re.search(r"\r|\d%\||https?:", output)  # no progress bars, no registries
