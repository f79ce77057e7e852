"""A trained run as files that others run: every network a static graph of its own, checked against the eager one.

`paddle.jit.to_static` traces each network in evaluation mode with a batch of any size, paddle2onnx converts what it
wrote, and a new process (parity_worker.py) runs all of it as infer.py does. What it computes must be what the
networks of the checkpoint compute here; otherwise nothing is left of the export.
"""

import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import paddle
from paddle import nn

from ppgan_lite import __version__, runtime
from ppgan_lite.commands import infer
from ppgan_lite.device import set_device
from ppgan_lite.errors import ExportError
from ppgan_lite.files import disk_errors, seal, sha256, unseal, writing, writing_folder
from ppgan_lite.methods.interface import Interface, Port
from ppgan_lite.runs.checkpoint import Checkpoint
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import open_trained

FORMAT = 1  # of signature.json; infer.py has it too
SIGNATURE = "signature.json"
INFER = "infer.py"  # the program that runs the networks, without this suite
FORMATS = {"paddle": ("paddle", "paddle-onednn"), "onnx": ("onnxruntime",)}  # and the engines that read each
ONNX_PACKAGES = ("paddle2onnx", "onnxruntime")
OPSET = 13  # of ONNX
SEEDS = (0, 1, 2)
BATCHES = (1, 3, 64)
# Between the outputs of a network here and as exported. Where outputs are larger than 1 (logits), their rounding
# errors are too, and the tolerance is in units of the largest.
TOLERANCE = 1e-5


def export(folder: Path, out: Path, step: int | str | None, formats: list[str], overwrite: bool):
    """Write every network of a run, signature.json and infer.py to the folder `out`, and check them.

    Args:
        folder: of the run.
        out: is made; an export that is there is replaced with `overwrite`.
        step: of the checkpoint; `best`, or None for the newest that is whole.
        formats: of FORMATS, "paddle" among them.

    Raises:
        UserError: no such run or checkpoint, `out` cannot be written, a network cannot be exported, or what was
            exported computes something else. `out` is then as it was.
    """
    if "onnx" in formats:
        _need_onnx()
    _check_out(out, overwrite)
    set_device("cpu")
    run, method, saved = open_trained(folder, step)
    interfaces, networks = method.interfaces(), method.deployed()
    # Resolved, so that a link stays a link: what it leads to is replaced.
    with writing_folder(out.resolve()) as made, tempfile.TemporaryDirectory() as cases:
        for name, interface in interfaces.items():
            print(f"exporting {name}, {interface.meaning}", flush=True)
            network = networks[name]
            network.eval()
            _write_cases(Path(cases), name, network, interface)  # before the trace changes the network
            _trace(network, made / name, interface)
            if "onnx" in formats:
                _convert(made / name)
        shutil.copyfile(infer.__file__, made / INFER)
        signature = _signature(run, saved, interfaces, formats, made)
        _write_signature(made, signature)  # by which the check finds its way; what it found is added
        for name, found in _check(made, Path(cases), list(interfaces), formats).items():
            signature["networks"][name] |= found
        _write_signature(made, signature)
    print(f"step {saved.step} of {folder} exported to {out}")


def _need_onnx():
    for package in ONNX_PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise ExportError(f"--formats onnx needs {package}: pip install -r requirements-onnx.txt")


def _check_out(out: Path, overwrite: bool):
    """Refuse a folder that cannot take the export."""
    with disk_errors(out):
        if not out.exists():
            return
        if not out.is_dir():
            raise ExportError(f"--out {out}: is a file; give a folder")
        if out.resolve() == Path.cwd():
            raise ExportError(f"--out {out}: is the folder that you are in; give another one")
        signature = unseal((out / SIGNATURE).read_bytes()) if (out / SIGNATURE).exists() else None
        others = {path.name for path in out.iterdir()} - {SIGNATURE, *(signature or {}).get("files", ())}
    if others:
        raise ExportError(f"--out {out}: holds other things than an export, {min(others)}; give another folder")
    if signature and not overwrite:
        raise ExportError(f"--out {out}: holds an export; replace it with --overwrite, or give another folder")


def _write_cases(folder: Path, name: str, network: nn.Layer, interface: Interface):
    """Compute here what the exported network will have to: one .npz of inputs and outputs for each seed and batch.

    Raises:
        ExportError: the network gives something else than its interface says.
    """
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for batch in BATCHES:
            inputs = [_draw(port, batch, rng) for port in interface.inputs]
            with paddle.no_grad():
                outputs = network(*map(paddle.to_tensor, inputs))
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            arrays = {f"input {port.name}": array for port, array in zip(interface.inputs, inputs, strict=True)}
            for port, tensor in zip(interface.outputs, outputs, strict=True):
                arrays[f"output {port.name}"] = array = tensor.numpy()
                if not _fits(port, array):
                    found = f"{array.dtype} {list(array.shape)} from {array.min():g} to {array.max():g}"
                    raise ExportError(f"network {name}: its interface does not tell what {port.name} is: {found}")
            with disk_errors(folder):
                np.savez(folder / f"{name} {seed} {batch}.npz", **arrays)


def _draw(port: Port, batch: int, rng) -> np.ndarray:
    """Random values for an input: from its own distribution, or else from all of its range."""
    shape = [batch, *port.shape]
    if port.distribution == "normal":
        return rng.standard_normal(shape).astype(port.dtype)
    if port.dtype == "int64":
        return rng.integers(*port.range, shape, endpoint=True)
    return rng.uniform(*port.range, shape).astype(port.dtype)


def _fits(port: Port, array: np.ndarray) -> bool:
    """Whether a batch of what a network gave has the shape, type and range that its interface tells."""
    low, high = port.range or (-np.inf, np.inf)
    within = low - TOLERANCE <= array.min() and array.max() <= high + TOLERANCE
    return array.shape[1:] == tuple(port.shape) and array.dtype == port.dtype and within


def _trace(network: nn.Layer, path: Path, interface: Interface):
    """Write path.json and path.pdiparams."""
    spec = [paddle.static.InputSpec([None, *port.shape], port.dtype, port.name) for port in interface.inputs]
    try:
        paddle.jit.save(paddle.jit.to_static(network, input_spec=spec, full_graph=True), str(path))
    except OSError:
        raise
    except Exception as error:  # whatever the network's code does not survive being traced
        said = [line.strip() for line in str(error).splitlines() if line.strip()]
        # Paddle tells where the error came from, then what it is, then sometimes how such errors are mended.
        why = next(
            (line for line in reversed(said) if re.match(r"\w*Error: ", line)), said[-1] if said else repr(error)
        )
        raise ExportError(f"network {path.name} cannot be exported: {why}") from error


def _convert(path: Path):
    """Write path.onnx from what `_trace` wrote. In a process of its own: the converter prints what it likes."""
    options = {
        "model_dir": path.parent,
        "model_filename": f"{path.name}.json",
        "params_filename": f"{path.name}.pdiparams",
        "save_file": f"{path}.onnx",
        "opset_version": OPSET,
        "optimize_tool": None,  # its own choice, polygraphy, installs packages of its own accord
    }
    command = [sys.executable, "-m", "paddle2onnx.command", *(f"--{key}={value}" for key, value in options.items())]
    environment = runtime.importing_the_same(runtime.user_environment())
    result = subprocess.run(command, capture_output=True, text=True, env=environment)  # noqa: S603
    if result.returncode or not path.with_suffix(".onnx").exists():
        said = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
        why = next((line for line in said if "[ERROR]" in line), said[-1] if said else "no reason given")
        why = why.rpartition("[ERROR]")[2].strip()
        raise ExportError(f"network {path.name} cannot be converted to ONNX: {why}; export with --formats paddle")


def _signature(run: Run, saved: Checkpoint, interfaces: dict[str, Interface], formats: list[str], folder: Path) -> dict:
    """What signature.json tells of the networks in `folder`, before they are checked."""
    packages = ONNX_PACKAGES if "onnx" in formats else ()
    return {
        "format": FORMAT,
        "source": {
            "run": run.folder.resolve().name,
            "step": saved.step,
            "data": run.source.title,
            "data_sha256": run.source.sha256,
        },
        "config": saved.config,
        "versions": {"ppgan_lite": __version__, **runtime.versions(*packages)},
        "networks": {name: _describe(interface) for name, interface in interfaces.items()},
        "files": {path.name: sha256(path.read_bytes()) for path in sorted(folder.iterdir())},
    }


def _describe(interface: Interface) -> dict:
    """The interface as it stands in signature.json: shapes with the batch, null for any size."""
    record = asdict(interface)
    for port in [*record["inputs"], *record["outputs"]]:
        port["shape"] = [None, *port["shape"]]
    return record


def _write_signature(folder: Path, signature: dict):
    with writing(folder / SIGNATURE) as stream:
        stream.write(seal(signature))


def _check(folder: Path, cases: Path, names: list[str], formats: list[str]) -> dict[str, dict]:
    """Run the exported networks in every engine; returns what signature.json says of each.

    Raises:
        ExportError: an engine computes something else than a network.
    """
    results = {engine: _run_cases(folder, cases, names, engine) for form in formats for engine in FORMATS[form]}
    return {name: _checked(name, {engine: found[name] for engine, found in results.items()}) for name in names}


def _checked(name: str, results: dict[str, dict]) -> dict:
    """What signature.json says of a network, by what each engine made of it. Raises ExportError."""
    engines = {engine: result for engine, result in results.items() if _judge(name, engine, result)}
    paddles = [engine for engine in engines if engine in FORMATS["paddle"]]
    fastest = min(paddles, key=lambda engine: engines[engine]["milliseconds"])
    checked = {"seeds": SEEDS, "batches": BATCHES, "timed_batch": max(BATCHES), "engines": engines}
    return {"default_engine": fastest, "checked": checked}


def _run_cases(folder: Path, cases: Path, names: list[str], engine: str) -> dict[str, dict]:
    """What an engine makes of the networks' cases, in new processes: one, and another after each that crashes.

    Returns:
        name -> what parity_worker.py prints: max_abs_difference, max_abs_output and milliseconds, or error.
    """
    # infer.py runs without the settings of this suite, so its work is also checked, and timed, without them.
    environment = runtime.importing_the_same(runtime.stock_environment())
    results = {}
    while left := [name for name in names if name not in results]:
        command = [sys.executable, "-m", "ppgan_lite.commands.parity_worker", str(folder), str(cases), engine, *left]
        process = subprocess.run(command, capture_output=True, text=True, env=environment)  # noqa: S603
        printed = [line for line in process.stdout.splitlines() if line.startswith("{")]
        results |= dict(zip(left, map(json.loads, printed), strict=False))
        if len(printed) < len(left):  # it ended at this network
            crash = f"crashed: {signal.strsignal(-process.returncode)}" if process.returncode < 0 else ""
            results[left[len(printed)]] = {"error": crash or process.stderr.strip().rpartition("\n")[2]}
    return results


def _judge(name: str, engine: str, result: dict) -> bool:
    """Tell how well and how fast an engine computes a network; returns whether the engine is for it.

    oneDNN does not take every graph, and rounds otherwise (1.6e-5 in an autoencoder of many layers), so it may fail,
    and is then not offered; the other engines may not.

    Raises:
        ExportError: the engine computes something else than the network.
    """
    if "error" in result:
        if engine != "paddle-onednn":
            raise ExportError(f"network {name}: {engine} cannot run the export: {result['error']}")
        print(f"{name}, {engine}: cannot run it ({result['error']})", flush=True)
        return False
    difference, tolerance = result["max_abs_difference"], TOLERANCE * max(1, result["max_abs_output"])
    if not difference <= tolerance:  # also when it is no number
        if engine == "paddle-onednn":
            print(f"{name}, {engine}: differs by {difference:.1e}, more than {tolerance:.1e}: not offered", flush=True)
            return False
        raise ExportError(
            f"network {name}: {engine} computes something else than the run's network: they differ by "
            f"{difference:.1e}, and {tolerance:.1e} is allowed; the export was deleted"
        )
    timed = f"{max(BATCHES)} in {result['milliseconds']:.1f} ms"
    print(f"{name}, {engine}: differs by at most {difference:.1e}, {timed}", flush=True)
    return True
