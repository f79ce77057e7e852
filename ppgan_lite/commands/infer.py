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
import hashlib
import importlib.util
import io
import json
import math
import os
import shutil
import sys
import time
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
GAP = 2  # pixels between the pictures of a grid
SAY_EVERY = 5  # seconds between two progress lines


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
                print(f"{min(i + batch, num)}/{num}", file=sys.stderr, flush=True)
                last_report = time.monotonic()
        return {
            port["name"]: np.concatenate(values)
            for port, values in zip(self.outputs, zip(*parts, strict=True), strict=True)
        }

    def draw(self, num: int, seed: int) -> dict[str, np.ndarray]:
        """`num` random inputs by name, from the distributions that signature.json states."""
        rng = np.random.default_rng(seed)
        for port in self.inputs:
            if port["distribution"] not in ("normal", "uniform"):
                meaning = f"{port['name']} ({port['meaning']})"
                raise InferError(f"input {meaning} cannot be drawn at random; give --inputs FILE.npz")
        return {port["name"]: _draw(port, num, rng) for port in self.inputs}

    def labels(self, text: str | None) -> list[int] | None:
        """Class numbers from numbers or names separated by commas; None stands for all classes.

        Returns None if the network takes no labels and `text` is None.
        """
        port = next((port for port in self.inputs if port["name"] == "labels"), None)
        if port is None:
            if text is None:
                return None
            inputs = ", ".join(port["name"] for port in self.inputs)
            raise InferError(f"--labels: the network takes no labels; its inputs: {inputs}")
        low, high = port["range"]
        numbers = range(low, high + 1)
        if text is None:
            return list(numbers)
        names = port.get("names") or ()  # older exports have none
        known = {str(number): number for number in numbers} | dict(zip(names, numbers, strict=False))
        labels = [label.strip() for label in text.split(",")]
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise InferError(f"--labels: unknown class {unknown[0]!r}; there are: {', '.join(known)}")
        return [known[label] for label in labels]

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
        array = arrays[name]
        if not len(array.shape) or list(array.shape[1:]) != shape or not array.shape[0]:
            raise InferError(f"input {name} has shape {list(array.shape)}; the network takes {expected}, N at least 1")
        low, high = port["range"] or (-np.inf, np.inf)
        expected = f"{port['dtype']} from {low} to {high}" if port["range"] else port["dtype"]
        if array.dtype != port["dtype"]:
            raise InferError(f"input {name} has type {array.dtype}; the network takes {expected}")
        if not (np.isfinite(array).all() and low <= array.min() and array.max() <= high):
            actual = f"{array.min():g} to {array.max():g}"
            raise InferError(f"input {name} has values from {actual}; the network takes {expected}")
        return array

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
    """The content of signature.json, after its checksum was verified.

    Raises:
        InferError: it is missing or damaged, or has another format than this program reads.
    """
    path = folder / "signature.json"
    try:
        signature = json.loads(path.read_bytes())
        version, sha256 = signature["format"], signature.pop("sha256")
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{folder}: not an exported model (no signature.json); give the folder that ppgan export wrote"
        raise InferError(message) from error
    except OSError as error:
        raise InferError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InferError(f"{path}: damaged; export or copy it again") from error
    if version != FORMAT:
        raise InferError(f"{path}: has format {version}, but this infer.py reads {FORMAT}; use the folder's infer.py")
    if sha256 != digest(signature):
        raise InferError(f"{path}: damaged (wrong checksum); export or copy it again")
    return signature


def digest(signature: dict) -> str:
    """The sha256 of a signature that has none yet."""
    return hashlib.sha256(json.dumps(signature, sort_keys=True).encode()).hexdigest()


def check_files(folder: Path, files: list[str], sha256: dict[str, str]):
    """Raise InferError if a file is missing or its checksum is wrong."""
    for file in files:
        if file not in sha256:
            raise InferError(f"{folder}: exported without {file}; export again with --formats paddle,onnx")
        try:
            actual = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        except OSError as error:
            raise InferError(f"{folder / file}: cannot be read: {error.strerror}; export or copy it again") from error
        if actual != sha256[file]:
            raise InferError(f"{folder / file}: damaged (wrong checksum); export or copy it again")


def usable_threads() -> int:
    """Number of processors that this process may use, limited by a container's quota."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = Path("/sys/fs/cgroup/cpu.max")
    allowed, period = quota.read_text().split() if quota.exists() else ("max", "1")
    return threads if allowed == "max" else max(1, min(threads, int(allowed) // int(period)))


def take_fast_blas_path():
    """On AMD, make Paddle's MKL use AVX2 or AVX-512, which it does not by default: up to 3 times as fast.

    MKL reads the variable when paddle is imported. A value set by the user is kept.
    """
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
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


def read_inputs(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except OSError as error:
        raise InferError(f"--inputs {path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # numpy and zipfile raise many kinds on a damaged file
        raise InferError(f"--inputs {path}: not an .npz file of numbers") from error


def check_out(out: Path, network: Network):
    """Raise InferError, before anything is computed, if the results cannot be written to `out`."""
    if out.suffix not in ("", ".png", ".npz"):
        raise InferError(f"--out {out}: unknown file type {out.suffix}; give FILE.png, FILE.npz or a folder")
    if out.suffix != ".npz" and not _pictures(network):
        raise InferError(f"--out {out}: the network's outputs are not pictures; give FILE.npz")
    if _pictures(network) and importlib.util.find_spec("PIL") is None:
        raise InferError("Pillow is not installed: pip install Pillow, or give --out FILE.npz")
    try:
        if out.resolve() == Path.cwd():
            raise InferError(f"--out {out}: is the current folder; give another one")
        if not out.suffix and out.is_dir() and any(out.iterdir()):
            raise InferError(f"--out {out}: the folder is not empty; give another one")
        if out.exists() and out.is_dir() == bool(out.suffix):
            raise InferError(f"--out {out}: is a {'folder' if out.suffix else 'file'}; give another name")
        parent = next(path for path in out.absolute().parents if path.exists())
        if not (parent.is_dir() and os.access(parent, os.W_OK)):
            raise InferError(f"--out {out}: cannot be written: {parent} is not a writable folder")
    except OSError as error:
        raise InferError(f"--out {out}: cannot be written: {error.strerror}") from error


def write(out: Path, network: Network, arrays: dict[str, np.ndarray], columns: int | None, note: dict[str, str]):
    """Write the results under a temporary name and rename them.

    FILE.npz holds the inputs and outputs unchanged; FILE.png a grid of the pictures with `columns` columns (None:
    nearly square); a folder one PNG per picture.
    """
    temporary = out.with_name(f".{out.stem}.{os.getpid()}.tmp{out.suffix}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".npz":
            np.savez_compressed(temporary, **arrays)
        else:
            port = _pictures(network)
            low, high = port["range"]
            scaled = (arrays[port["name"]] - low) / (high - low) * 255
            pixels = np.clip(np.rint(scaled), 0, 255).astype("uint8").transpose(0, 2, 3, 1)  # [N, H, W, C]
            if out.suffix == ".png":
                _save_png(temporary, _grid(pixels, columns), note)
            else:
                temporary.mkdir()
                for i, picture in enumerate(pixels):
                    _save_png(temporary / f"{i:05d}.png", picture, note)
                if out.is_dir():
                    out.rmdir()
        os.replace(temporary, out)
    except OSError as error:
        raise InferError(f"--out {out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink(missing_ok=True)


def _pictures(network: Network) -> dict | None:
    """The output that consists of pictures, or None."""
    return next((port for port in network.outputs if port["layout"] == "NCHW"), None)


def _grid(pixels: np.ndarray, columns: int | None = None) -> np.ndarray:
    """[N, H, W, C] -> [rows (H + gap) + gap, columns (W + gap) + gap, C], black where there is no picture."""
    columns = min(columns or math.ceil(math.sqrt(len(pixels))), len(pixels))
    rows = math.ceil(len(pixels) / columns)
    pixels = np.pad(pixels, ((0, rows * columns - len(pixels)), (GAP, 0), (GAP, 0), (0, 0)))
    height, width, channels = pixels.shape[1:]
    sheet = pixels.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return np.pad(sheet.reshape(rows * height, columns * width, channels), ((0, GAP), (0, GAP), (0, 0)))


def _save_png(path: Path, pixels: np.ndarray, note: dict[str, str]):
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in note.items():
        info.add_text(key, value)
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path, pnginfo=info)


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
    parser.add_argument("--out", type=Path, required=True, help="FILE.png (a grid), a folder (PNGs), or FILE.npz")
    parser.add_argument("--network", metavar="NAME", help="network to run (default: the model's first)")
    parser.add_argument("--num", type=whole_number(1, 10**9), help="number of random inputs (default: 64)")
    parser.add_argument("--seed", type=whole_number(0, 2**63), help="seed of the random inputs (default: 0)")
    parser.add_argument(
        "--labels",
        metavar="A,B,...",
        help="classes, by number or name, used in turn (default: all); a grid has a column for each",
    )
    parser.add_argument("--inputs", type=Path, metavar="FILE.npz", help="inputs by name, instead of random ones")
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
    network = Network(args.model, args.network, args.engine, args.device, args.threads, args.gpu_memory)
    check_out(args.out, network)
    num, seed = args.num or 64, args.seed or 0
    labels = None if args.inputs else network.labels(args.labels)
    arrays = read_inputs(args.inputs) if args.inputs else network.draw(num, seed)
    arrays |= {"labels": np.resize(labels, num)} if labels else {}
    start = time.perf_counter()
    outputs = network(arrays, args.batch)
    seconds = time.perf_counter() - start
    source = network.signature["source"]
    note = {"Software": "ppgan_lite infer.py", "Step": str(source["step"]), "Data": source["data"]}
    inputs = {port["name"]: arrays[port["name"]] for port in network.inputs}
    note |= {} if args.inputs else {"Seed": str(seed)}
    note |= {"Labels": args.labels} if args.labels else {}
    write(args.out, network, inputs | outputs, len(labels) if labels else None, note)
    name, results = next(iter(outputs.items()))
    num = len(results)
    print(
        f"{num} {name} of step {source['step']} written to {args.out} ({network.engine}, {num / seconds:,.0f} a second)"
    )


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
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
