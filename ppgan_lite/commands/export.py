"""Export a trained run for use without this suite: each network as a static graph, checked against the original.

`paddle.jit.to_static` traces each network in evaluation mode for any batch size, and for any height and width where its
interface leaves them free; paddle2onnx converts the graph, and a new process (parity_worker.py) runs the files as
infer.py does. If their outputs differ from the checkpoint's networks, the export is deleted.
"""

import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import paddle
from paddle import nn

from ppgan_lite import __version__, runtime
from ppgan_lite.commands import infer
from ppgan_lite.commands.infer import try_writing
from ppgan_lite.commands.memory import bytes_per_pixel
from ppgan_lite.data.spec import Spec
from ppgan_lite.device import set_device
from ppgan_lite.errors import ExportError
from ppgan_lite.files import disk_errors, read_file, seal, sha256, unseal, writing, writing_folder
from ppgan_lite.methods.interface import Interface, Port
from ppgan_lite.networks.layers import Clip
from ppgan_lite.runs.checkpoint import Checkpoint
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import open_trained

FORMAT = 1  # version of signature.json, the same as in infer.py
SIGNATURE = "signature.json"
INFER = "infer.py"  # the program that runs the networks without this suite
FORMATS = {"paddle": ("paddle", "paddle-onednn"), "onnx": ("onnxruntime",)}  # format -> engines that read it
ONNX_PACKAGES = ("paddle2onnx", "onnxruntime")
OPSET = 13  # version of ONNX's operator set
SEEDS = (0, 1, 2)
BATCHES = (1, 3, 64)
FREE_BATCHES = (2, 1)  # for a network with free sizes: of pictures that are not square, and of the data's size
# Largest difference allowed between the outputs of a network here and exported. Where outputs, or pictures before they
# are clipped, exceed 1, so do their rounding errors, and the tolerance is relative to the largest value.
TOLERANCE = 1e-5
MAX_SIGNATURE = 1 << 26  # bytes
# Other processes print UTF-8 (`importing_the_same`), whatever the console's encoding; but an engine may print anything.
_STREAMS = {"stdin": subprocess.DEVNULL, "capture_output": True, "encoding": "utf-8", "errors": "replace"}


def export(folder: Path, out: Path, step: int | str | None, formats: list[str], overwrite: bool):
    """Write every network of a run, signature.json and infer.py to the folder `out`, and check them.

    Args:
        folder: the run's folder.
        out: the folder to create.
        step: the checkpoint's step, `best`, or None for the newest undamaged one.
        formats: keys of FORMATS, "paddle" among them.
        overwrite: replace an export that is already in `out`.

    Raises:
        UserError: no such run or checkpoint, `out` cannot be written, a network cannot be exported, or an exported
            network's outputs differ from the original's. `out` is left unchanged.
    """
    if "onnx" in formats:
        _need_onnx()
    _check_out(out, overwrite)
    set_device("cpu")
    run, method, saved = open_trained(folder, step)
    interfaces, networks, pixel_bytes = method.interfaces(), method.deployed(), {}
    cases_by_name = {name: cases_of(interface, run.spec) for name, interface in interfaces.items()}
    # Resolved, so that a link stays a link and its target is replaced.
    with writing_folder(out.resolve()) as made, tempfile.TemporaryDirectory() as cases:
        for name, interface in interfaces.items():
            print(f"exporting {name}, {interface.meaning}", flush=True)
            network = networks[name]
            network.eval()
            if _translates_any_size(interface):
                pixel_bytes[name] = bytes_per_pixel(network, interface.inputs)
            # before the trace changes the network
            _write_cases(Path(cases), name, network, interface, cases_by_name[name])
            _trace(network, made / name, interface)
            if "onnx" in formats:
                _convert(made / name)
        shutil.copyfile(infer.__file__, made / INFER)
        signature = _signature(run, saved, interfaces, formats, made)
        _write_signature(made, signature)  # the check reads it; the results are added below
        for name, number in pixel_bytes.items():
            signature["networks"][name]["bytes_per_pixel"] = number
        for name, checked in _check(made, Path(cases), cases_by_name, formats).items():
            signature["networks"][name] |= checked
        _write_signature(made, signature)
    print(f"step {saved.step} of {folder} exported to {out}")


def _need_onnx():
    for package in ONNX_PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise ExportError(f"--formats onnx needs {package}: pip install -r requirements-onnx.txt")


def _check_out(out: Path, overwrite: bool):
    """Raise ExportError if the export cannot be written to `out`."""
    if not _is_utf8(out):
        raise ExportError(f"--out {out}: Paddle needs a path in UTF-8; give another folder")
    with disk_errors(out):
        if not out.exists():
            try_writing(out.parent)
            return
        if not out.is_dir():
            raise ExportError(f"--out {out}: is a file; give a folder")
        if out.resolve() == Path.cwd():
            raise ExportError(f"--out {out}: is the current folder; give another one")
        signature = unseal(read_file(out / SIGNATURE, MAX_SIGNATURE)) if (out / SIGNATURE).exists() else None
        others = {path.name for path in out.iterdir()} - _files_of(signature, out)
        try_writing(out)
    if others:
        raise ExportError(f"--out {out}: has files that are not part of an export ({min(others)}); give another folder")
    if signature and not overwrite:
        raise ExportError(f"--out {out}: already has an export; add --overwrite to replace it, or give another folder")


def _is_utf8(path: Path) -> bool:
    """Whether the bytes of a path are UTF-8; Python escapes all others as surrogates."""
    try:
        return bool(str(path.absolute()).encode())
    except UnicodeEncodeError:
        return False


def _files_of(signature: dict | None, folder: Path) -> set[str]:
    """The names of an export's files, which may be replaced; of no other file, whatever a signature lists."""
    try:
        listed, networks = set(signature["files"]), signature["networks"]
        possible = {INFER, *(f"{name}{ending}" for name in networks for ending in (".json", ".pdiparams", ".onnx"))}
    except (LookupError, TypeError):
        return {SIGNATURE}
    return {SIGNATURE, *(name for name in listed & possible if (folder / name).is_file())}


@dataclass(frozen=True)
class Case:
    """Random inputs on which an exported network is checked.

    Attributes:
        seed: seed of the inputs.
        batch: number of items.
        size: height and width of pictures of free size; None: all sizes are fixed.
    """

    seed: int
    batch: int
    size: tuple[int, int] | None = None


def cases_of(interface: Interface, spec: Spec) -> list[Case]:
    """The cases of a network; the last is also timed.

    With free sizes there are few and small ones, as pictures may be large: the size of the data's pictures, and one
    that is wider by the smallest step that the network allows.
    """
    multiple = next((port.multiple for port in interface.inputs if port.multiple), None)
    if multiple is None:
        return [Case(seed, batch) for batch in BATCHES for seed in SEEDS]
    _, height, width = next(field.shape for field in spec.values() if field.kind == "image")
    sizes = (height, width + multiple), (height, width)
    return [Case(SEEDS[0], batch, size) for batch, size in zip(FREE_BATCHES, sizes, strict=True)]


def _translates_any_size(interface: Interface) -> bool:
    """Whether a network makes a picture of any size from a picture."""
    record = _describe(interface)
    return bool(infer.direction_of(record["inputs"], record["outputs"]) and interface.inputs[0].multiple)


def _write_cases(folder: Path, name: str, network: nn.Layer, interface: Interface, cases: list[Case]):
    """Compute the outputs that the exported network must give: an .npz of inputs and outputs for each case.

    Each also has the largest absolute value of an output, or of pictures before they are clipped.

    Raises:
        ExportError: the network's outputs do not match its interface.
    """
    clipped = []  # what the clips of the network got in this case
    clips = [layer for layer in network.sublayers() if isinstance(layer, Clip)]
    hooks = [clip.register_forward_pre_hook(lambda _, inputs: clipped.append(inputs[0])) for clip in clips]
    for number, case in enumerate(cases):
        clipped.clear()
        rng = np.random.default_rng([case.seed, case.batch])
        inputs = [_draw(port, case, rng) for port in interface.inputs]
        with paddle.no_grad():
            outputs = network(*map(paddle.to_tensor, inputs))
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        arrays = {f"input {port.name}": array for port, array in zip(interface.inputs, inputs, strict=True)}
        for port, tensor in zip(interface.outputs, outputs, strict=True):
            arrays[f"output {port.name}"] = array = tensor.numpy()
            if not _fits(port, array):
                actual = f"{array.dtype} {list(array.shape)} from {array.min():g} to {array.max():g}"
                raise ExportError(f"network {name}: output {port.name} does not match its interface: {actual}")
        largest = max(float(tensor.abs().max()) for tensor in (*outputs, *clipped))
        with disk_errors(folder):
            np.savez(folder / f"{name} {number:02d}.npz", **arrays, largest=largest)
    for hook in hooks:
        hook.remove()


def _draw(port: Port, case: Case, rng) -> np.ndarray:
    """Random values for an input: normal if its distribution is, or else uniform over its range."""
    shape = [case.batch, *(port.shape if port.multiple is None else (port.shape[0], *case.size))]
    if port.distribution == "normal":
        return rng.standard_normal(shape).astype(port.dtype)
    if port.dtype == "int64":
        return rng.integers(*port.range, shape, endpoint=True)
    return rng.uniform(*port.range, shape).astype(port.dtype)


def _fits(port: Port, array: np.ndarray) -> bool:
    """Whether a batch of outputs has the shape, type and range that the interface states."""
    low, high = port.range or (-np.inf, np.inf)
    within = low - TOLERANCE <= array.min() and array.max() <= high + TOLERANCE
    has_shape = len(array.shape) == 1 + len(port.shape) and all(
        size in (None, actual) for size, actual in zip(port.shape, array.shape[1:], strict=True)
    )
    return has_shape and array.dtype == port.dtype and within


def _trace(network: nn.Layer, path: Path, interface: Interface):
    """Write the network's static graph as path.json and path.pdiparams. Raises ExportError."""
    spec = [paddle.static.InputSpec([None, *port.shape], port.dtype, port.name) for port in interface.inputs]
    try:
        with runtime.writable_home():  # tracing writes files there
            paddle.jit.save(paddle.jit.to_static(network, input_spec=spec, full_graph=True), str(path))
    except OSError:
        raise
    except Exception as error:  # tracing can raise any error of the network's code
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
        # Paddle prints where the error occurred, then the error, then sometimes a hint.
        reason = next((line for line in reversed(lines) if re.match(r"\w*Error: ", line)), lines[-1])
        raise ExportError(f"network {path.name} cannot be exported: {reason}") from error


def _convert(path: Path):
    """Write path.onnx from the files of `_trace`, in a separate process, because the converter prints a lot."""
    options = {
        "model_dir": path.parent,
        "model_filename": f"{path.name}.json",
        "params_filename": f"{path.name}.pdiparams",
        "save_file": f"{path}.onnx",
        "opset_version": OPSET,
        "optimize_tool": None,  # the default, polygraphy, installs packages without asking
    }
    command = [sys.executable, "-m", "paddle2onnx.command", *(f"--{key}={value}" for key, value in options.items())]
    environment = runtime.importing_the_same(runtime.user_environment())
    result = subprocess.run(command, **_STREAMS, env=environment)  # noqa: S603
    if result.returncode or not path.with_suffix(".onnx").exists():
        lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()] or ["no reason given"]
        reason = next((line for line in lines if "[ERROR]" in line), lines[-1]).rpartition("[ERROR]")[2].strip()
        raise ExportError(f"network {path.name} cannot be converted to ONNX: {reason}; export with --formats paddle")


def _signature(run: Run, saved: Checkpoint, interfaces: dict[str, Interface], formats: list[str], folder: Path) -> dict:
    """The content of signature.json for the networks in `folder`, before they are checked."""
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
    """The interface as a record of signature.json."""
    return asdict(interface) | {
        "inputs": list(map(describe_port, interface.inputs)),
        "outputs": list(map(describe_port, interface.outputs)),
    }


def describe_port(port: Port) -> dict:
    """An input or output as signature.json has it: its shape has a first dimension, null, for the batch."""
    return asdict(port) | {"shape": [None, *port.shape]}


def _write_signature(folder: Path, signature: dict):
    with writing(folder / SIGNATURE) as stream:
        stream.write(seal(signature))


def _check(folder: Path, files: Path, cases: dict[str, list[Case]], formats: list[str]) -> dict[str, dict]:
    """Run the exported networks in every engine; returns each network's entries of signature.json.

    Args:
        folder: the exported networks.
        files: the folder that `_write_cases` wrote to.
        cases: the cases of each network, by name.
        formats: keys of FORMATS.

    Raises:
        ExportError: an engine cannot run a network, or its outputs differ from the original's.
    """
    engines = [engine for format_name in formats for engine in FORMATS[format_name]]
    results = {engine: _run_cases(folder, files, list(cases), engine) for engine in engines}
    return {
        name: _checked(name, of_name, {engine: results[engine][name] for engine in engines})
        for name, of_name in cases.items()
    }


def _checked(name: str, cases: list[Case], results: dict[str, dict]) -> dict:
    """A network's entries of signature.json, from the result of each engine. Raises ExportError."""
    timed = cases[-1].batch
    engines = {engine: result for engine, result in results.items() if _judge(name, engine, result, timed)}
    paddles = [engine for engine in engines if engine in FORMATS["paddle"]]
    fastest = min(paddles, key=lambda engine: engines[engine]["milliseconds"])
    checked = {
        "seeds": sorted({case.seed for case in cases}),
        "batches": sorted({case.batch for case in cases}),
        "sizes": sorted({case.size for case in cases if case.size}),
        "timed_batch": timed,
        "engines": engines,
    }
    return {"default_engine": fastest, "checked": checked}


def _run_cases(folder: Path, cases: Path, names: list[str], engine: str) -> dict[str, dict]:
    """Run the networks' cases in an engine, in a new process, and in another one after each crash.

    Returns:
        name -> what parity_worker.py prints: max_abs_difference, max_abs_output and milliseconds, or error.
    """
    # infer.py runs without the settings of this suite, so it is also checked and timed without them.
    environment = runtime.importing_the_same(runtime.stock_environment())
    results = {}
    while remaining := [name for name in names if name not in results]:
        command = [sys.executable, "-m", "ppgan_lite.commands.parity_worker", str(folder), str(cases), engine]
        process = subprocess.run([*command, *remaining], **_STREAMS, env=environment)  # noqa: S603
        printed = [line for line in process.stdout.splitlines() if line.startswith("{")]
        results |= dict(zip(remaining, map(json.loads, printed), strict=False))
        if len(printed) < len(remaining):  # it ended at this network
            crash = f"crashed: {signal.strsignal(-process.returncode)}" if process.returncode < 0 else ""
            last = process.stderr.strip().rpartition("\n")[2] or f"ended with exit code {process.returncode}"
            results[remaining[len(printed)]] = {"error": crash or last}
    return results


def _judge(name: str, engine: str, result: dict, timed_batch: int) -> bool:
    """Print an engine's error and speed for a network; returns whether the engine can be offered.

    oneDNN does not support every graph and rounds differently (1.6e-5 in an autoencoder of many layers), so it may
    fail and is then not offered. The other engines must not fail.

    Raises:
        ExportError: the engine cannot run the network, or its outputs differ from the original's.
    """
    if "error" in result:
        if engine != "paddle-onednn":
            raise ExportError(f"network {name}: {engine} cannot run the export: {result['error']}")
        print(f"{name}, {engine}: cannot run it ({result['error']})", flush=True)
        return False
    difference, tolerance = result["max_abs_difference"], TOLERANCE * max(1, result["max_abs_output"])
    if not difference <= tolerance:  # also if it is NaN
        if engine == "paddle-onednn":
            print(f"{name}, {engine}: differs by {difference:.1e}, more than {tolerance:.1e}: not offered", flush=True)
            return False
        raise ExportError(
            f"network {name}: the export in {engine} differs from the run's network by {difference:.1e}, more than "
            f"the allowed {tolerance:.1e}; it was deleted"
        )
    speed = f"{timed_batch} in {result['milliseconds']:.1f} ms"
    print(f"{name}, {engine}: differs by at most {difference:.1e}, {speed}", flush=True)
    return True
