import importlib.util
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppgan_lite.cli import export as command_line
from ppgan_lite.commands import export as module
from ppgan_lite.commands import infer
from ppgan_lite.commands.export import export
from ppgan_lite.errors import ExportError, RunError
from ppgan_lite.files import seal, sha256, unseal
from ppgan_lite.methods.gan import GAN
from ppgan_lite.networks import dcgan28
from ppgan_lite.runs.trained import open_trained


def read(folder):
    return json.loads((folder / "signature.json").read_text(encoding="utf-8"))


def export_paddle(run, out, overwrite=False):
    export(run, out, step=None, formats=["paddle"], overwrite=overwrite)
    return out


@pytest.fixture
def generator(monkeypatch):
    """Replace the class of the small run's generator."""
    return lambda generator: monkeypatch.setattr(dcgan28, "Generator", generator)


def test_the_signature_describes_inputs_and_outputs(small_export):
    networks = read(small_export)["networks"]
    assert list(networks) == ["g", "d"]
    (z,), (images,) = networks["g"]["inputs"], networks["g"]["outputs"]
    assert (z["name"], z["shape"], z["dtype"], z["distribution"]) == ("z", [None, 8], "float32", "normal")
    assert (images["name"], images["shape"], images["range"]) == ("images", [None, 1, 28, 28], [-1, 1])
    assert networks["d"]["inputs"] == [images]
    assert networks["d"]["outputs"][0]["shape"] == [None, 1]
    assert all(port["meaning"] for network in networks.values() for port in network["inputs"] + network["outputs"])


def test_the_signature_has_the_source_and_every_checksum(small_export, small_run):
    signature = read(small_export)
    assert signature["source"]["run"] == small_run.name
    assert (signature["source"]["step"], signature["source"]["data"]) == (12, "rendered_digits")
    assert signature["config"]["generator"]["ngf"] == 2
    assert {"ppgan_lite", "python", "paddlepaddle"} <= signature["versions"].keys()
    others = [path for path in small_export.iterdir() if path.name != "signature.json"]
    assert signature["files"] == {path.name: sha256(path.read_bytes()) for path in others}
    assert unseal((small_export / "signature.json").read_bytes())
    assert str(small_run.parent) not in (small_export / "signature.json").read_text()  # no path of this machine


def test_every_network_was_checked_with_every_engine(small_export):
    for network in read(small_export)["networks"].values():
        checked = network["checked"]
        assert (checked["seeds"], checked["batches"]) == ([0, 1, 2], [1, 3, 64])
        assert {"paddle", "paddle-onednn"} <= checked["engines"].keys()
        for result in checked["engines"].values():
            assert 0 <= result["max_abs_difference"] <= 1e-5
            assert result["milliseconds"] > 0
        paddles = {name: checked["engines"][name]["milliseconds"] for name in ("paddle", "paddle-onednn")}
        assert network["default_engine"] == min(paddles, key=paddles.get)


def test_the_files_hold_the_networks_of_the_checkpoint(small_export, small_run):
    """Read by paddle.jit, unlike in the export's own check."""
    _, method, _ = open_trained(small_run, step=None)
    z = method.draw_z(5)
    images = method.samplers()["g"]({"z": z})
    g, d = (paddle.jit.load(str(small_export / name)) for name in ("g", "d"))
    np.testing.assert_allclose(g(z).numpy(), images.numpy(), atol=1e-6)
    method.networks["d"].eval()
    np.testing.assert_allclose(d(images).numpy(), method.networks["d"](images).numpy(), atol=1e-6)


def test_the_step_chooses_the_checkpoint(small_run, tmp_path, capsys):
    export(small_run, tmp_path / "out", step=4, formats=["paddle"], overwrite=False)
    assert read(tmp_path / "out")["source"]["step"] == 4
    _, method, _ = open_trained(small_run, step=4)
    z = method.draw_z(5)
    np.testing.assert_allclose(
        paddle.jit.load(str(tmp_path / "out" / "g"))(z).numpy(), method.samplers()["g"]({"z": z}).numpy(), atol=1e-6
    )
    assert "g, paddle: differs by at most " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("cgan", {"z": ("float32", None), "labels": ("int64", [0, 9])}),
        ("infogan", {"z": ("float32", None), "category": ("int64", [0, 2]), "codes": ("float32", [-1, 1])}),
    ],
)
def test_conditional_networks_pass_with_every_engine(method, expected, conditional_export):
    """With integer inputs too, which the check draws from their whole range."""
    signature = read(conditional_export(method))
    inputs = signature["networks"]["g"]["inputs"]
    assert {port["name"]: (port["dtype"], port["range"]) for port in inputs} == expected
    names = {port["name"]: port["names"] for port in inputs if port["names"]}
    assert names == ({"labels": list("0123456789")} if method == "cgan" else {})
    engines = {"paddle", "paddle-onednn"} | ({"onnxruntime"} if "g.onnx" in signature["files"] else set())
    for network in signature["networks"].values():
        assert network["checked"]["engines"].keys() == engines


def test_an_input_with_a_value_and_an_output_of_any_range_are_exported(style_export):
    networks = read(style_export)["networks"]
    _, truncation = networks["g"]["inputs"]
    assert (truncation["name"], truncation["value"], truncation["range"]) == ("truncation", 1.0, [0, 1])
    assert truncation["distribution"] is None
    (w,) = networks["mapping"]["outputs"]
    assert (w["shape"], w["range"], w["value"]) == ([None, 8], None, None)
    assert {"paddle"} <= networks["mapping"]["checked"]["engines"].keys()


class Different(dcgan28.Generator):
    """Gives slightly different outputs as a static graph."""

    def forward(self, z):
        if paddle.in_dynamic_mode():
            return super().forward(z)
        return super().forward(z) + 2e-5


class Untraceable(dcgan28.Generator):
    """Uses values that do not exist while a graph is traced."""

    def forward(self, z):
        return super().forward(z) * float(np.linalg.norm(z.numpy()) > 0)


class NotANumber(dcgan28.Generator):
    """Gives NaN as a static graph."""

    def forward(self, z):
        x = super().forward(z)
        return x if paddle.in_dynamic_mode() else paddle.sqrt(0 * x - 1)


class NotInOnnx(dcgan28.Generator):
    """Uses an operation that ONNX does not have."""

    def forward(self, z):
        return paddle.digamma(super().forward(z) + 2)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            Different,
            r"^network g: the export in paddle differs from the run's network by 2\.\de-05, more than .* 1\.0e-05",
        ),
        (NotANumber, "^network g: the export in paddle differs from the run's network by nan"),
        (Untraceable, "^network g cannot be exported: "),
    ],
)
def test_what_differs_or_cannot_be_traced_leaves_nothing(kind, message, small_run, small_export, generator, tmp_path):
    generator(kind)
    kept = shutil.copytree(small_export, tmp_path / "kept")
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    for out, overwrite in ((tmp_path / "out", False), (kept, True)):
        with pytest.raises(ExportError, match=message):
            export_paddle(small_run, out, overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


@pytest.fixture
def crashing(monkeypatch, tmp_path_factory):
    """Crash the process that checks one engine, as oneDNN does on some graphs."""

    def crash(engine):
        program = tmp_path_factory.mktemp("crashing") / "python"
        program.write_text(
            f'#!/bin/sh\ncase "$*" in *" {engine} "*) kill -SEGV $$ ;; esac\nexec {sys.executable} "$@"\n'
        )
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return crash


def test_what_onednn_cannot_run_is_exported_without_it(small_run, crashing, tmp_path, capsys):
    crashing("paddle-onednn")
    for network in read(export_paddle(small_run, tmp_path / "out"))["networks"].values():
        assert network["checked"]["engines"].keys() == {"paddle"}
        assert network["default_engine"] == "paddle"
    assert "g, paddle-onednn: cannot run it (crashed: Segmentation fault)\n" in capsys.readouterr().out


ROUNDED = {"max_abs_difference": 2e-3, "max_abs_output": 1.0}


def test_what_onednn_rounds_too_much_is_exported_without_it(small_run, tmp_path, capsys, monkeypatch):
    plain = module._run_cases

    def rounded(folder, cases, names, engine):
        results = plain(folder, cases, names, engine)
        return {name: result | ROUNDED if engine == "paddle-onednn" else result for name, result in results.items()}

    monkeypatch.setattr(module, "_run_cases", rounded)
    for network in read(export_paddle(small_run, tmp_path / "out"))["networks"].values():
        assert network["checked"]["engines"].keys() == {"paddle"}
    assert "g, paddle-onednn: differs by 2.0e-03, more than 1.0e-05: not offered\n" in capsys.readouterr().out


def test_what_paddle_cannot_run_leaves_nothing(small_run, crashing, tmp_path):
    crashing("paddle")
    with pytest.raises(ExportError, match="^network g: paddle cannot run the export: crashed: Segmentation fault$"):
        export_paddle(small_run, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("onnx")
def test_a_graph_that_cannot_be_converted_leaves_nothing(small_run, generator, tmp_path):
    generator(NotInOnnx)
    with pytest.raises(ExportError, match="^network g cannot be converted to ONNX: .*; export with --formats paddle$"):
        export(small_run, tmp_path / "out", step=None, formats=["paddle", "onnx"], overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "actual"),
    [
        ({"shape": (3, 28, 28)}, r"float32 \[1, 1, 28, 28\] from "),
        ({"dtype": "float64"}, "float32 "),
        ({"range": (0, 1)}, "float32 "),
    ],
)
def test_an_interface_that_does_not_match_the_network_is_refused(wrong, actual, small_run, tmp_path, monkeypatch):
    interfaces = GAN.interfaces

    def wrong_interfaces(self):
        true = interfaces(self)
        return true | {"g": replace(true["g"], outputs=(replace(true["g"].outputs[0], **wrong),))}

    monkeypatch.setattr(GAN, "interfaces", wrong_interfaces)
    with pytest.raises(ExportError, match=f"^network g: output images does not match its interface: {actual}"):
        export_paddle(small_run, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_for_onnx_are_reported_first(small_run, tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "paddle2onnx" else find_spec(name))
    with pytest.raises(ExportError, match="needs paddle2onnx: pip install -r requirements-onnx.txt"):
        export(small_run, tmp_path / "out", step=None, formats=["paddle", "onnx"], overwrite=False)


def test_a_folder_that_is_used_is_kept(small_run, tmp_path, monkeypatch):
    out = export_paddle(small_run, tmp_path / "out")
    with pytest.raises(ExportError, match="already has an export; add --overwrite to replace it"):
        export_paddle(small_run, out)
    (out / "grid.png").write_text("mine")
    with pytest.raises(ExportError, match=r"has files that are not part of an export \(grid.png\)"):
        export_paddle(small_run, out, overwrite=True)
    (out / "grid.png").unlink()
    (out / "signature.json").write_text("{}")
    with pytest.raises(ExportError, match=r"has files that are not part of an export \(d.json\)"):
        export_paddle(small_run, out, overwrite=True)
    with pytest.raises(ExportError, match="is a file"):
        export_paddle(small_run, out / "g.json")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportError, match="is the current folder"):
        export_paddle(small_run, Path())


def test_a_link_is_followed_and_an_empty_folder_may_be_used(small_run, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert read(export_paddle(small_run, tmp_path / "link"))["source"]["step"] == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "g.json").exists()


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["-100% '\u6a21\u578b-\u00e9' \n\"$HOME\" v1.0", "x" * 200])
def test_a_folder_may_have_any_name(name, small_run, tmp_path):
    out = export_paddle(small_run, tmp_path / "new" / name)
    assert infer.main(["--model", str(out), "--num", "4", "--out", str(tmp_path / "x.png")]) == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


@pytest.mark.sweep
@pytest.mark.usefixtures("onnx")
def test_a_folder_of_an_onnx_export_may_have_any_name(small_run, tmp_path):
    out = tmp_path / "100% '\u6a21\u578b' \n\"x\""
    export(small_run, out, step=None, formats=["paddle", "onnx"], overwrite=False)
    arguments = ["--num", "4", "--engine", "onnxruntime", "--out", str(tmp_path / "x.png")]
    assert infer.main(["--model", str(out), *arguments]) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are not UTF-8")
def test_a_folder_that_paddle_cannot_name_is_one_line(small_run, tmp_path):
    with pytest.raises(ExportError, match="Paddle needs a path in UTF-8; give another folder$"):
        export_paddle(small_run, tmp_path / os.fsdecode("\u6a21\u578b".encode("gbk")) / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_a_forged_signature_lists_is_kept(small_run, small_export, tmp_path):
    out = shutil.copytree(small_export, tmp_path / "out")
    (out / "thesis.docx").write_text("mine")
    (out / "g.onnx").unlink(missing_ok=True)
    (out / "g.onnx").mkdir()
    signature = unseal((out / "signature.json").read_bytes())
    for forged in ({"files": {"thesis.docx": "", "g.onnx": ""}}, {"files": 7}, {"files": [["x"]], "networks": None}):
        (out / "signature.json").write_bytes(seal(signature | forged))
        with pytest.raises(ExportError, match="has files that are not part of an export"):
            export_paddle(small_run, out, overwrite=True)
    assert (out / "thesis.docx").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_signature_is_one_line(small_run, tmp_path):
    os.mkfifo(tmp_path / "signature.json")
    with pytest.raises(RunError, match="is not a regular file"):
        export_paddle(small_run, tmp_path, overwrite=True)


def test_the_command_line_knows_the_same_formats():
    assert tuple(module.FORMATS) == command_line.FORMATS
