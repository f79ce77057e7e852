"""Run an exported network: generate pictures, or give any network your own inputs.

  python infer.py --num 64 --seed 0 --out grid.png
  python infer.py --num 1000 --out folder --engine onnxruntime
  python infer.py --num 16 --out generated.npz
  python infer.py --network d --inputs generated.npz --out scores.npz
  python infer.py --labels Coat,Bag,9 --out classes.png

Each exported folder has a copy of infer.py and a signature.json that describes the model; nothing else of ppgan_lite is
needed. Copy the folder to any machine with numpy, Pillow, and paddlepaddle or onnxruntime.
"""

import argparse
import contextlib
import difflib
import errno
import hashlib
import importlib.util
import io
import json
import math
import os
import re
import stat
import sys
import tempfile
import time
import unicodedata
import zipfile
from pathlib import Path

if __name__ == "__main__" and sys.version_info < (3, 10):  # Python 3.6 can parse this file
    print(f"error: infer.py needs Python 3.10 or newer, but this is Python {sys.version.split()[0]}", file=sys.stderr)
    sys.exit(2)

try:
    import numpy as np
except ModuleNotFoundError:
    if __name__ != "__main__":
        raise
    print("error: numpy is not installed: pip install numpy", file=sys.stderr)
    sys.exit(2)

CALLED = globals().get("CALLED", "python infer.py")  # tools/infer.py sets its own name
HERE = Path(__file__).resolve().parent
EXPORTED = (HERE / "signature.json").exists()  # whether this file is the copy in an exported folder
FORMAT = 1  # version of signature.json
# engine -> endings of the files it reads
ENGINES = {"paddle": (".json", ".pdiparams"), "paddle-onednn": (".json", ".pdiparams"), "onnxruntime": (".onnx",)}
FOLDER = ""  # kind of output, next to the suffixes of files
GRIDS = (".png", ".jpg", ".jpeg")  # files of a grid
KINDS = (*GRIDS, ".npz", FOLDER)
JPEG_PIXELS = 65_500  # largest width and height of a JPEG
GAP = 2  # pixels between the pictures of a grid
SAY_EVERY = 5  # seconds between two progress lines
MAX_SIGNATURE = 1 << 26  # bytes
MAX_LISTED = 50  # with more classes, a message names a few
ROUNDING = 1e-5  # share of an input's range by which values may exceed it: a tanh can give -1.0000001


class InferError(Exception):
    """An error that the user can correct, in one line (exit code 2)."""


class Network:
    """An exported network, ready to run.

    Attributes:
        signature: the content of signature.json.
        engine: a key of ENGINES.
        inputs, outputs: descriptions of the tensors from signature.json, in order.

    Raises:
        InferError: the folder is not an exported model, a file in it is damaged, or the engine cannot run the network.
    """

    def __init__(
        self, folder: Path, name: str | None = None, engine="auto", device="auto", threads=None, gpu_memory=256
    ):
        self.signature = read_signature(folder)
        networks = self.signature["networks"]
        name = name or next(iter(networks))
        if name not in networks:
            raise InferError(f"--network {name}: unknown network; the model has: {', '.join(networks)}")
        if engine == "paddle-onednn" and device == "gpu":
            raise InferError("--engine paddle-onednn: runs on the CPU only; use --engine paddle")
        device = "cpu" if engine == "paddle-onednn" else device
        self.engine = self._default_engine(name) if engine == "auto" else engine
        self.inputs, self.outputs = networks[name]["inputs"], networks[name]["outputs"]
        files = [f"{name}{ending}" for ending in ENGINES[self.engine]]
        check_files(folder, files, self.signature["files"])
        checked = networks[name].get("checked")  # missing while the export itself is being checked
        if checked and self.engine not in checked["engines"]:
            usable = ", ".join(checked["engines"])
            raise InferError(f"--engine {self.engine}: failed the check of network {name} at export; use {usable}")
        threads = threads or usable_threads()
        with self._engine_errors():
            if self.engine == "onnxruntime":
                self._run = _start_onnxruntime(folder / files[0], self.inputs, device, threads)
            else:
                self._run = _start_paddle(folder, files, self, device, threads, gpu_memory)

    def __call__(self, arrays: dict[str, np.ndarray], batch: int = 64) -> dict[str, np.ndarray]:
        """Outputs by name from inputs by name, all [N, ...], computed `batch` items at a time."""
        arrays = [self._check(port, arrays) for port in self.inputs]
        num, parts, last_report = len(arrays[0]), [], time.monotonic()
        if any(len(array) != num for array in arrays):
            lengths = ", ".join(str(len(array)) for array in arrays)
            raise InferError(f"inputs have different lengths: {lengths}; give as many of each")
        for i in range(0, num, batch):
            with self._engine_errors():
                parts.append(self._run([np.ascontiguousarray(array[i : i + batch]) for array in arrays]))
            if time.monotonic() - last_report > SAY_EVERY:
                _say(f"{min(i + batch, num)}/{num}", sys.stderr)
                last_report = time.monotonic()
        return self._named(parts)

    def draw(self, num: int, seed: int) -> dict[str, np.ndarray]:
        """`num` random inputs by name, from the distributions that signature.json states."""
        rng = np.random.default_rng(seed)
        for port in self.inputs:
            if port["distribution"] not in ("normal", "uniform"):
                meaning = f"{port['name']} ({port['meaning']})"
                raise InferError(f"input {meaning} cannot be drawn at random; give --inputs FILE.npz")
        check_memory(num * sum(map(_item_bytes, [*self.inputs, *self.outputs])), f"--num {num}")
        return {port["name"]: _draw(port, num, rng) for port in self.inputs}

    def labels(self, labels: str | list | None) -> list[int] | None:
        """Class numbers from what a user asks for, see `find_classes`; None stands for all classes.

        Returns None if the network takes no labels and `labels` is None.
        """
        port = next((port for port in self.inputs if port["name"] == "labels"), None)
        if port is None:
            if labels is None:
                return None
            inputs = ", ".join(port["name"] for port in self.inputs)
            raise InferError(f"--labels: the network takes no labels; its inputs: {inputs}")
        numbers = range(port["range"][1] + 1)
        names = port.get("names") or [*map(str, numbers)]  # older exports have none
        return list(numbers) if labels is None else find_classes(labels, names)

    def _named(self, parts: list[list[np.ndarray]]) -> dict[str, np.ndarray]:
        """Outputs by name from the outputs of each batch. Raises InferError unless they are as the signature says."""
        actual = [list(array.shape[1:]) for array in parts[0]]
        if actual != [port["shape"][1:] for port in self.outputs]:
            raise InferError(
                f"the network gives outputs of shapes {actual}, but signature.json has others; export again"
            )
        arrays = (np.concatenate(values) for values in zip(*parts, strict=True))
        return {port["name"]: array for port, array in zip(self.outputs, arrays, strict=True)}

    def _default_engine(self, name: str) -> str:
        """The faster of Paddle's two engines; onnxruntime on a machine without Paddle."""
        without_paddle = importlib.util.find_spec("paddle") is None and f"{name}.onnx" in self.signature["files"]
        return "onnxruntime" if without_paddle else self.signature["networks"][name]["default_engine"]

    def _check(self, port: dict, arrays: dict[str, np.ndarray]) -> np.ndarray:
        """The input of that name. Raises InferError unless it has the network's shape, type and range."""
        name, shape = port["name"], port["shape"][1:]
        expected = f"[{', '.join(map(str, ['N', *shape]))}]"
        if name not in arrays:
            raise InferError(f"input {name} is missing: {port['meaning']}, shape {expected}")
        array = _as_floats(port, arrays[name])
        if not len(array.shape) or list(array.shape[1:]) != shape or not array.shape[0]:
            raise InferError(f"input {name} has shape {list(array.shape)}; the network takes {expected}, N at least 1")
        low, high = port["range"] or (-np.inf, np.inf)
        expected = f"{port['dtype']} from {low} to {high}" if port["range"] else port["dtype"]
        if array.dtype != port["dtype"]:
            raise InferError(f"input {name} has type {array.dtype}; the network takes {expected}")
        smallest, largest = array.min().item(), array.max().item()
        allowance = ROUNDING * (high - low) if port["range"] and array.dtype.kind == "f" else 0
        if not (np.isfinite(array).all() and low - allowance <= smallest and largest <= high + allowance):
            actual = f"{smallest:.9g} to {largest:.9g}"
            raise InferError(f"input {name} has values from {actual}; the network takes {expected}")
        return array if low <= smallest and largest <= high else array.clip(low, high)

    @contextlib.contextmanager
    def _engine_errors(self):
        """Turn any exception of an engine into an error of one line."""
        try:
            yield
        except (InferError, MemoryError):
            raise
        except Exception as error:
            reason = next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
            raise InferError(f"{self.engine} cannot run this network: {reason}") from error


def read_signature(folder: Path) -> dict:
    """The content of signature.json, after its checksum and everything that is used of it were verified.

    Raises:
        InferError: it is missing or damaged, or has another format than this program reads.
    """
    path = folder / "signature.json"
    try:
        with open_file(path) as stream:
            signature = json.loads(stream.read(MAX_SIGNATURE))
        version, sha256 = signature["format"], signature.pop("sha256")
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{folder}: not an exported model (no signature.json); give the folder that ppgan export wrote"
        raise InferError(message) from error
    except OSError as error:
        raise InferError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InferError(f"{path}: damaged; export or copy it again") from error
    if version != FORMAT:
        raise InferError(f"{path}: has format {version!r}, but this infer.py reads {FORMAT}; use the folder's infer.py")
    if sha256 != digest(signature):
        raise InferError(f"{path}: damaged (wrong checksum); export or copy it again")
    try:
        _check_signature(signature)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise InferError(f"{path}: damaged (not as ppgan export writes it); export or copy it again") from error
    return signature


def _check_signature(signature: dict):
    """Check what this program uses of a signature.

    Raises:
        ValueError, LookupError, TypeError, AttributeError, OverflowError: it is not as `ppgan export` writes it.
    """
    source, files, networks = signature["source"], signature["files"], signature["networks"]
    _need(type(source["step"]) is int, isinstance(source["data"], str), isinstance(source["run"], str), networks)
    _need(*(isinstance(name, str) and isinstance(sha256, str) for name, sha256 in files.items()))
    for name, network in networks.items():
        # A plain word: its files, NAME.json and so on, are in the folder.
        _need(re.fullmatch(r"\w+", name), network["inputs"], network["outputs"])
        for port in [*network["inputs"], *network["outputs"]]:
            _check_port(port)
        if "checked" in network:  # missing while the export itself is being checked
            engines = network["checked"]["engines"].keys()
            _need(engines <= ENGINES.keys(), network["default_engine"] in ENGINES)


def _check_port(port: dict):
    """`_check_signature` for one input or output."""
    (batch, *shape), limits, names = port["shape"], port["range"], port.get("names")
    is_whole, is_picture = port["dtype"] == "int64", port["layout"] is not None
    low, high = limits or (0, 0)
    _need(isinstance(port["name"], str), isinstance(port["meaning"], str), port["dtype"] in ("float32", "int64"))
    _need(batch is None, *(type(size) is int and size > 0 for size in shape), math.prod(shape) < 2**28)
    _need(type(low) in (int, float), type(high) in (int, float), low <= high, high - low < 2**20)
    _need(not is_whole or (limits and type(low) is type(high) is int))
    _need(not is_picture or (port["layout"] == "NCHW" and len(shape) == 3 and low < high))
    _need(port["distribution"] in (None, "uniform" if limits else "normal"))
    _need(port["name"] != "labels" or (is_whole and low == 0))
    _need(names is None or (len(names) == high + 1 and all(isinstance(name, str) for name in names)))


def _need(*conditions):
    if not all(conditions):
        raise ValueError("not as ppgan export writes it")


def digest(signature: dict) -> str:
    """The sha256 of a signature that has none yet."""
    return hashlib.sha256(json.dumps(signature, sort_keys=True).encode()).hexdigest()


def check_files(folder: Path, files: list[str], sha256: dict[str, str]):
    """Raise InferError if a file is missing or its checksum is wrong."""
    for file in files:
        if file not in sha256:
            raise InferError(f"{folder}: exported without {file}; export again with --formats paddle,onnx")
        actual = hashlib.sha256()
        try:
            with open_file(folder / file) as stream:
                for part in iter(lambda: stream.read(1 << 20), b""):
                    actual.update(part)
        except OSError as error:
            raise InferError(f"{folder / file}: cannot be read: {error.strerror}; export or copy it again") from error
        if actual.hexdigest() != sha256[file]:
            raise InferError(f"{folder / file}: damaged (wrong checksum); export or copy it again")


def open_file(path: Path):
    """Open a regular file for reading. Raises OSError, also for a pipe or a device, which might block or never end."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def find_classes(labels: str | list, names: list[str]) -> list[int]:
    """The numbers of the classes that a user asks for.

    Args:
        labels: numbers and names: a list, or a text with commas between them. A name may have commas, too: in a text,
            the longest name counts.
        names: the name of each class.

    Raises:
        InferError: there is no such class.
    """
    known = {str(number): number for number in range(len(names))}
    known |= {_plain(name): number for number, name in enumerate(names)}
    most, found = 1 + max(name.count(",") for name in known), []
    pending = _plain(labels).split(",") if isinstance(labels, str) else [_plain(str(label)) for label in labels]
    while pending:
        lengths = range(most, 0, -1) if isinstance(labels, str) else (1,)
        name = next((name for name in (",".join(pending[:length]) for length in lengths) if name in known), None)
        if name is None:
            raise InferError(f"--labels: unknown class {pending[0]!r}; {_known_classes(pending[0], names)}")
        found.append(known[name])
        pending = pending[name.count(",") + 1 if isinstance(labels, str) else 1 :]
    return found


def _plain(name: str) -> str:
    """A name without spaces around it and its commas, Chinese ones too, and in one form of Unicode.

    macOS takes accents apart.
    """
    return ",".join(part.strip() for part in unicodedata.normalize("NFC", name).replace("\uff0c", ",").split(","))


def _known_classes(text: str, names: list[str]) -> str:
    """The classes for a message. If there are many: the ones that are similar to `text`, and the first."""
    quoted = {name: repr(name) if "," in name or name != name.strip() else name for name in names}
    numbers = [str(number) for number in range(len(names))]
    if len(names) <= MAX_LISTED:
        return f"there are: {', '.join(numbers + [quoted[name] for name in names if name not in numbers])}"
    similar = [name for name in names if text and text.casefold() in name.casefold()]
    similar = (similar or difflib.get_close_matches(text, names))[:3]
    guess = f"did you mean {' or '.join(quoted[name] for name in similar)}? " if similar else ""
    first = ", ".join(quoted[name] for name in names[:5])
    return f"{guess}there are {len(names)}, by number from 0 to {len(names) - 1} or by name: {first}, ..."


def check_memory(num_bytes: int, what: str):
    """Raise InferError if `num_bytes` are more than the memory that is free."""
    free = free_memory()
    if num_bytes > free:
        sizes = f"{num_bytes / 1e9:,.0f} GB, and {free / 1e9:,.0f} GB are free"
        raise InferError(f"{what} takes {sizes}: not enough memory; give less at once")


def free_memory() -> float:
    """Bytes that are free, limited by a container's quota; infinity if that is not known."""
    free = re.search(r"^MemAvailable: +(\d+) kB$", _read("/proc/meminfo"), re.MULTILINE)
    limit = re.fullmatch(r"(\d+)\n", _read("/sys/fs/cgroup/memory.max"))
    return min(int(free[1]) * 1024 if free else math.inf, int(limit[1]) if limit else math.inf)


def usable_threads() -> int:
    """Number of processors that this process may use, limited by a container's quota."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = re.fullmatch(r"(\d+) ([1-9]\d*)\n", _read("/sys/fs/cgroup/cpu.max"))
    return max(1, min(threads, int(quota[1]) // int(quota[2]))) if quota else threads


def _read(path: str) -> str:
    """The text of a file of the system; empty if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def take_fast_blas_path():
    """On AMD, make Paddle's MKL use AVX2 or AVX-512, which it does not by default: up to 3 times as fast.

    MKL reads the variable when paddle is imported. A value set by the user is kept.
    """
    flags = set(_read("/proc/cpuinfo").split())
    if "AuthenticAMD" in flags and "avx2" in flags:
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "7" if "avx512f" in flags else "5")


def _start_paddle(folder: Path, files: list[str], network: Network, device: str, threads: int, gpu_memory: int):
    """A function from input arrays to output arrays, computed by Paddle Inference."""
    take_fast_blas_path()
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # its warnings about compilers and threads do not matter here
            import paddle
            from paddle import inference
    except ImportError as error:
        raise InferError(
            f"paddle cannot be imported ({error}): pip install paddlepaddle, or use --engine onnxruntime"
        ) from error
    gpus = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    if device == "gpu" and not gpus:
        raise InferError("--device gpu: no GPU that this paddle can use; use --device cpu")
    config = inference.Config(*(str(folder / file) for file in files))
    config.disable_glog_info()
    if gpus and device != "cpu":
        config.enable_use_gpu(gpu_memory, 0)
        network.engine = "paddle"  # oneDNN runs on the CPU only
    config.set_cpu_math_library_num_threads(threads)
    config.enable_mkldnn() if network.engine == "paddle-onednn" else config.disable_mkldnn()  # on by default
    predictor = inference.create_predictor(config)
    inputs = [predictor.get_input_handle(port["name"]) for port in network.inputs]
    outputs = [predictor.get_output_handle(name) for name in predictor.get_output_names()]

    def run(arrays):
        for handle, array in zip(inputs, arrays, strict=True):
            handle.copy_from_cpu(array)
        predictor.run()
        return [handle.copy_to_cpu() for handle in outputs]

    return run


def _start_onnxruntime(file: Path, inputs: list[dict], device: str, threads: int):
    """A function from input arrays to output arrays, computed by onnxruntime."""
    try:
        import onnxruntime
    except ImportError as error:
        raise InferError(
            f"onnxruntime cannot be imported ({error}): pip install onnxruntime, or use --engine paddle"
        ) from error
    gpu = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device == "gpu" and not gpu:
        raise InferError("--device gpu: onnxruntime has no GPU support; install onnxruntime-gpu or use --device cpu")
    providers = ["CPUExecutionProvider"]
    if gpu and device != "cpu":
        providers.insert(0, "CUDAExecutionProvider")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only; it warns about unused constants of the converter
    session = onnxruntime.InferenceSession(str(file), options, providers=providers)
    names = [port["name"] for port in inputs]
    return lambda arrays: session.run(None, dict(zip(names, arrays, strict=True)))


def _draw(port: dict, num: int, rng: np.random.Generator) -> np.ndarray:
    """`num` random values of an input, from its distribution."""
    shape = [num, *port["shape"][1:]]
    if port["distribution"] == "normal":
        return rng.standard_normal(shape, dtype=port["dtype"])
    low, high = port["range"]
    if port["dtype"] == "int64":
        return rng.integers(low, high, shape, endpoint=True)
    return rng.uniform(low, high, shape).astype(port["dtype"])


def read_inputs(path: Path, names: list[str]) -> dict[str, np.ndarray]:
    """The arrays of those names in an .npz file; all others are ignored."""
    try:
        with open_file(path) as stream, np.load(_archive(stream), allow_pickle=False) as file:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in file.zip.infolist()}
            check_memory(sum(sizes.get(name, 0) for name in names), f"--inputs {path}")
            return {name: file[name] for name in names if name in file.files}
    except OSError as error:
        raise InferError(f"--inputs {path}: cannot be read: {error.strerror or error}") from error
    except InferError:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds on a damaged file
        raise InferError(f"--inputs {path}: not an .npz file of numbers") from error


def _archive(stream):
    """The stream, if it is a zip file. Raises ValueError."""
    if not zipfile.is_zipfile(stream):
        raise ValueError("not a zip file")
    stream.seek(0)
    return stream


def _as_floats(port: dict, array: np.ndarray) -> np.ndarray:
    """Pictures as pixels, uint8 [N, H, W, C], in the form that a network takes; any other array unchanged."""
    channels, *size = port["shape"][1:] if port["layout"] else (0,)
    if array.dtype != "uint8" or list(array.shape[1:]) != [*size, channels]:
        return array
    low, high = port["range"]
    return array.transpose(0, 3, 1, 2).astype("float32") / 255 * (high - low) + low


def _item_bytes(port: dict) -> int:
    """Bytes of one item of an input or output."""
    return math.prod(port["shape"][1:]) * np.dtype(port["dtype"]).itemsize


def output_kind(out: str | Path, kinds) -> str:
    """What to write to a path: the suffix of a file in lower case, or FOLDER.

    Folders are: what ends in a slash, what exists as one (unless its suffix is one of `kinds`), and all names without
    the suffix of a file type, such as v1.0.
    """
    suffix = Path(out).suffix.lower()
    if os.fspath(out).endswith(("/", os.sep)) or not re.fullmatch(r"\.[a-z][a-z0-9]{0,4}", suffix):
        return FOLDER
    return FOLDER if suffix not in kinds and os.path.isdir(out) else suffix


def check_out(out: str | Path) -> str:
    """What to write to a path, see `output_kind`: one of KINDS.

    Raises:
        InferError: it is another kind of file, or cannot be written.
    """
    kind, path = output_kind(out, KINDS), Path(out)
    if kind not in KINDS:
        known = "FILE.png, FILE.npz or a folder, ending in / (or FILE.jpg, with losses)"
        raise InferError(f"--out {out}: unknown file type {kind}; give {known}")
    try:
        if path.resolve() == Path.cwd():
            raise InferError(f"--out {out}: is the current folder; give another one")
        if kind == FOLDER and path.is_dir() and any(path.iterdir()):
            raise InferError(f"--out {out}: the folder is not empty; give another one")
        if path.exists() and path.is_dir() != (kind == FOLDER):
            raise InferError(f"--out {out}: is a {'folder' if kind else 'file'}; give another name")
        try_writing(path if path.is_dir() else path.parent)
    except OSError as error:
        raise InferError(f"--out {out}: cannot be written: {error.strerror}") from error
    return kind


def try_writing(folder: Path):
    """Raise OSError if no file can be written into a folder, or into the one in which it has to be made."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    with tempfile.TemporaryFile(dir=existing):
        pass


def write(out: Path, kind: str, network: Network, arrays: dict[str, np.ndarray], columns: int | None, note: dict):
    """Write the results into a temporary folder and rename them.

    FILE.npz holds the inputs and outputs unchanged; FILE.png or FILE.jpg a grid of the pictures with `columns` columns
    (None: nearly square); a folder one PNG per picture.
    """
    is_there = kind == FOLDER and out.is_dir()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".infer-", dir=out if is_there else out.parent) as folder:
            made = Path(folder) / f"made{kind}"
            _write(made, kind, network, arrays, columns, note)
            for path in made.iterdir() if is_there else ():
                os.replace(path, out / path.name)
            if not is_there:
                os.replace(made, out)
    except OSError as error:
        raise InferError(f"--out {out}: cannot be written: {error.strerror or error}") from error


def _write(path: Path, kind: str, network: Network, arrays: dict, columns: int | None, note: dict[str, str]):
    """`write`, to a path that is not there yet."""
    if kind == ".npz":
        np.savez_compressed(path, **arrays)
        return
    port = _pictures(network)
    low, high = port["range"]
    scaled = (arrays[port["name"]] - low) / (high - low) * 255
    pixels = np.clip(np.rint(scaled), 0, 255).astype("uint8").transpose(0, 2, 3, 1)  # [N, H, W, C]
    if kind in GRIDS:
        _save_picture(path, _grid(pixels, columns), note)
        return
    path.mkdir()
    for i, picture in enumerate(pixels):
        _save_picture(path / f"{i:05d}.png", picture, note)


def _pictures(network: Network) -> dict | None:
    """The output that consists of pictures, or None; points are pictures of one pixel with a channel per dimension."""
    return next((port for port in network.outputs if port["layout"] and port["shape"][1] in (1, 3)), None)


def _grid(pixels: np.ndarray, columns: int | None = None) -> np.ndarray:
    """[N, H, W, C] -> [rows (H + gap) + gap, columns (W + gap) + gap, C], black where there is no picture."""
    columns = min(columns or math.ceil(math.sqrt(len(pixels))), len(pixels))
    rows = math.ceil(len(pixels) / columns)
    pixels = np.pad(pixels, ((0, rows * columns - len(pixels)), (GAP, 0), (GAP, 0), (0, 0)))
    height, width, channels = pixels.shape[1:]
    sheet = pixels.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return np.pad(sheet.reshape(rows * height, columns * width, channels), ((0, GAP), (0, GAP), (0, 0)))


def _save_picture(path: Path, pixels: np.ndarray, note: dict[str, str]):
    """Write uint8 [H, W, C] as PNG or JPEG with notes. Raises InferError if the picture is too large for a JPEG."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    note = {key: value.encode("utf-8", "backslashreplace").decode() for key, value in note.items()}
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    if path.suffix == ".png":
        info = PngInfo()
        for key, value in note.items():
            info.add_text(key, value)
        picture.save(path, pnginfo=info)
    elif max(picture.size) > JPEG_PIXELS:
        raise InferError(
            f"a JPEG has at most {JPEG_PIXELS} pixels a side, the grid has {max(picture.size)}; give FILE.png"
        )
    else:
        comment = "\n".join(f"{key}: {value}" for key, value in note.items())
        picture.save(path, quality=95, comment=comment.encode()[:60_000])


class Parser(argparse.ArgumentParser):
    """A parser that reports bad usage in one line."""

    def error(self, message):
        """Exit with code 2."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def whole_number(low: int, high: int):
    """An argparse type: a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"must be from {low} to {high}, got {text}")
        return int(text)

    parse.__name__ = "whole number"
    return parse


def parse_arguments(argv, called: str):
    """The command line; see `main`."""
    examples = called if EXPORTED else f"{called} --model exported"
    description = __doc__.replace("python infer.py", examples)
    parser = Parser(prog=called, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model",
        type=Path,
        required=not EXPORTED,
        default=HERE,
        help="exported folder" + (" (default: %(default)s)" if EXPORTED else ""),
    )
    parser.add_argument("--out", required=True, help="FILE.png or FILE.jpg (a grid), a folder (PNGs), or FILE.npz")
    parser.add_argument("--network", metavar="NAME", help="network to run (default: the model's first)")
    parser.add_argument("--num", type=whole_number(1, 10**9), help="number of random inputs (default: 64)")
    parser.add_argument("--seed", type=whole_number(0, 2**63), help="seed of the random inputs (default: 0)")
    parser.add_argument(
        "--labels",
        metavar="A,B,...",
        help="classes, by number or name, used in turn (default: all); a grid has a column for each",
    )
    parser.add_argument(
        "--inputs",
        type=Path,
        metavar="FILE.npz",
        help="inputs by name, instead of random ones; pictures may also be pixels, uint8 [N, H, W, C]",
    )
    parser.add_argument("--batch", type=whole_number(1, 10**9), default=64, help="inputs per batch (default: 64)")
    parser.add_argument(
        "--engine",
        choices=["auto", *ENGINES],
        default="auto",
        help="default: auto, Paddle Inference with or without oneDNN, whichever was faster at export; onnxruntime on a "
        "machine without Paddle",
    )
    parser.add_argument(
        "--device", choices=["auto", "cpu", "gpu"], default="auto", help="default: a GPU if there is one"
    )
    parser.add_argument("--threads", type=whole_number(1, 1024), help="CPU threads (default: all cores)")
    parser.add_argument(
        "--gpu-memory",
        type=whole_number(1, 2**20),
        default=256,
        metavar="MB",
        help="GPU memory that Paddle reserves at the start (default: 256)",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args(argv)
    if args.inputs and not (args.num is args.seed is args.labels is None):
        parser.error("--inputs cannot be combined with --num, --seed or --labels")
    return args


def infer(args):
    """Run the network and write its outputs."""
    kind = check_out(args.out)
    network = Network(args.model, args.network, args.engine, args.device, args.threads, args.gpu_memory)
    _check_pictures(args.out, kind, network)
    num, seed = args.num or 64, args.seed or 0
    labels = None if args.inputs else network.labels(args.labels)
    names = [port["name"] for port in network.inputs]
    arrays = read_inputs(args.inputs, names) if args.inputs else network.draw(num, seed)
    arrays |= {"labels": np.resize(labels, num)} if labels else {}
    start = time.perf_counter()
    outputs = network(arrays, args.batch)
    seconds = time.perf_counter() - start
    source = network.signature["source"]
    note = {"Software": "ppgan_lite infer.py", "Step": str(source["step"]), "Data": source["data"]}
    note |= {} if args.inputs else {"Seed": str(seed)}
    note |= {"Labels": args.labels} if args.labels else {}
    write(Path(args.out), kind, network, arrays | outputs, len(labels) if labels else None, note)
    name, results = next(iter(outputs.items()))
    num = len(results)
    speed = f"{network.engine}, {num / seconds:,.0f} a second"
    _say(f"{num} {name} of step {source['step']} written to {args.out} ({speed})", sys.stdout)


def _check_pictures(out: str, kind: str, network: Network):
    """Raise InferError if pictures are asked for that the network does not make, or cannot be written here."""
    if kind != ".npz" and not _pictures(network):
        raise InferError(f"--out {out}: the network's outputs are not pictures; give FILE.npz")
    if kind != ".npz" and importlib.util.find_spec("PIL") is None:
        raise InferError("Pillow is not installed: pip install Pillow, or give --out FILE.npz")


def one_line(text: str) -> str:
    """A text for the console: on one line, and with what could move the cursor or forge a line escaped."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in words)


def _say(text: str, stream):
    """Print a line. That a console is closed or full does not matter: results are in files."""
    with contextlib.suppress(OSError):
        print(one_line(text), file=stream, flush=True)


def main(argv=None, called: str = CALLED) -> int:
    """Run the command line; returns the exit code.

    Args:
        argv: the arguments; None for sys.argv.
        called: how the user calls this program, for the examples in its help.
    """
    args = parse_arguments(argv, called)
    try:
        infer(args)
    except (InferError, MemoryError) as error:
        if args.debug:
            raise
        message = "not enough memory; give a smaller --num or --batch" if isinstance(error, MemoryError) else str(error)
        _say(f"error: {message}", sys.stderr)
        return 2
    except KeyboardInterrupt:
        _say("interrupted; nothing was written", sys.stderr)
        return 130
    return 0


def prepare_console():
    """Let the console's encoding lack characters, which are escaped; and no file take the number of a closed stream."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")


def close_console():
    """Write what is left to print; if the console is closed or full, drop it, or Python's exit would report that."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    prepare_console()
    try:
        sys.exit(main())
    finally:
        close_console()
