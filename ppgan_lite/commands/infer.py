"""Run an exported network: generate or translate pictures, or give any network your own inputs.

  python infer.py --num 64 --seed 0 --out grid.png
  python infer.py --num 1000 --out folder --engine onnxruntime
  python infer.py --num 16 --out generated.npz
  python infer.py --network d --inputs generated.npz --out scores.npz
  python infer.py --labels Coat,Bag,9 --out classes.png
  python infer.py --truncation 0.7 --out truncated.png
  python infer.py --pictures photo.jpg --out translated.png
  python infer.py --pictures photos --attributes colour=red,thickness=thin --out translated

Each exported folder has a copy of infer.py and a signature.json that describes the model; nothing else of ppgan_lite is
needed. Copy the folder to any machine with numpy, Pillow, and paddlepaddle or onnxruntime.
"""

import argparse
import collections
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
import warnings
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
# Pillow's formats of pictures to translate; no others: to read EPS, for instance, it runs a program.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
LEAST_PIXELS = 16  # smaller pictures are padded: networks may reflect a border of a few pixels
GAP = 2  # pixels between the pictures of a grid
SAY_EVERY = 5  # seconds between two progress lines
MAX_SIGNATURE = 1 << 26  # bytes
MAX_LISTED = 50  # with more classes, a message names a few
ROUNDING = 1e-5  # share of an input's range by which values may exceed it: a tanh can give -1.0000001


class InferError(Exception):
    """An error that the user can correct, in one line (exit code 2)."""


class NotEnoughMemoryError(InferError):
    """What was asked for takes more memory than is free."""


class BadPictureError(InferError):
    """A picture that cannot be read, or that the network cannot take. The message does not name the file."""


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
        name = name or _find_default(networks)
        if name not in networks:
            raise InferError(f"--network {name}: unknown network; the model has: {', '.join(networks)}")
        if engine == "paddle-onednn" and device == "gpu":
            raise InferError("--engine paddle-onednn: runs on the CPU only; use --engine paddle")
        device = "cpu" if engine == "paddle-onednn" else device
        self.engine = self._default_engine(name) if engine == "auto" else engine
        self.inputs, self.outputs = networks[name]["inputs"], networks[name]["outputs"]
        self._bytes_per_pixel = networks[name].get("bytes_per_pixel") or 0  # only for pictures of any size
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
        """Outputs by name from inputs by name, all [N, ...], computed `batch` items at a time.

        An input that has a value of its own may be missing.
        """
        arrays = self._values(len(next(iter(arrays.values()), ()))) | arrays
        arrays = [self._check(port, arrays) for port in self.inputs]
        num, parts, last_report = len(arrays[0]), [], time.monotonic()
        if any(len(array) != num for array in arrays):
            lengths = ", ".join(str(len(array)) for array in arrays)
            raise InferError(f"inputs have different lengths: {lengths}; give as many of each")
        sizes = {array.shape[2:] for port, array in zip(self.inputs, arrays, strict=True) if port.get("multiple")}
        if len(sizes) > 1:
            raise InferError(f"inputs have different sizes: {_texts(sizes)}; give pictures of one height and width")
        for i in range(0, num, batch):
            with self._engine_errors():
                parts.append(self._run([np.ascontiguousarray(array[i : i + batch]) for array in arrays]))
            if time.monotonic() - last_report > SAY_EVERY:
                _say(f"{min(i + batch, num)}/{num}", sys.stderr)
                last_report = time.monotonic()
        return self._named(parts)

    def draw(self, num: int, seed: int) -> dict[str, np.ndarray]:
        """`num` inputs by name: random, from the distributions that signature.json states, or of a value there."""
        rng = np.random.default_rng(seed)
        drawn = [port for port in self.inputs if port.get("value") is None]
        for port in drawn:
            if port["distribution"] not in ("normal", "uniform"):
                way = "--pictures FILE|FOLDER" if self.is_translator else "--inputs FILE.npz"
                raise InferError(f"input {port['name']} ({port['meaning']}) cannot be drawn at random; give {way}")
        check_memory(num * sum(map(_item_bytes, [*self.inputs, *self.outputs])), f"--num {num}")
        random = {port["name"]: _draw(port, num, rng) for port in drawn}
        arrays = random | self._values(num)
        return {port["name"]: arrays[port["name"]] for port in self.inputs}

    def _values(self, num: int) -> dict[str, np.ndarray]:
        """The inputs that have a value of their own, by name, for `num` items; older exports have none."""
        valued = [port for port in self.inputs if port.get("value") is not None]
        return {port["name"]: np.full([num, *port["shape"][1:]], port["value"], port["dtype"]) for port in valued}

    def truncation(self, truncation: float, num: int) -> dict[str, np.ndarray]:
        """The input `truncation` by name, for `num` items. Raises InferError if the network has no such input."""
        port = next((port for port in self.inputs if port["name"] == "truncation"), None)
        if port is None:
            inputs = ", ".join(port["name"] for port in self.inputs)
            raise InferError(f"--truncation: the network takes no truncation; its inputs: {inputs}")
        low, high = port["range"]
        if not low <= truncation <= high:
            raise InferError(f"--truncation {truncation:g}: must be from {low:g} to {high:g}")
        return {"truncation": np.full([num, *port["shape"][1:]], truncation, port["dtype"])}

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

    @property
    def is_translator(self) -> bool:
        """Whether the network makes a picture from a picture (and attributes)."""
        return direction_of(self.inputs, self.outputs) is not None

    def translate(self, pixels: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """Translate a picture; only if `is_translator`.

        Args:
            pixels: uint8 [H, W, C].
            attributes: what `wanted_attributes` gives.

        Returns:
            float32 [1, C', H, W], in the output's range.

        Raises:
            BadPictureError: see `translated`.
            InferError: the engine failed.
        """
        others = {} if attributes is None else {"attributes": attributes[None]}

        def run(picture):
            return next(iter(self({self.inputs[0]["name"]: picture, **others}).values()))

        return translated(pixels, self.inputs[0], run, self._bytes_per_pixel)

    def _named(self, parts: list[list[np.ndarray]]) -> dict[str, np.ndarray]:
        """Outputs by name from the outputs of each batch. Raises InferError unless they are as the signature says."""
        actual = [list(array.shape[1:]) for array in parts[0]]
        if len(actual) != len(self.outputs) or not all(map(_has_shape, self.outputs, actual)):
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
        name, expected = port["name"], _shape_in_words(port)
        if name not in arrays:
            raise InferError(f"input {name} is missing: {port['meaning']}, shape {expected}")
        array = _as_floats(port, arrays[name])
        if not len(array.shape) or not _has_shape(port, array.shape[1:]) or not array.shape[0]:
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
        pixel_bytes = network.get("bytes_per_pixel")
        _need(pixel_bytes is None or (type(pixel_bytes) is int and 0 < pixel_bytes < 2**31))
        if "checked" in network:  # missing while the export itself is being checked
            engines = network["checked"]["engines"].keys()
            _need(engines <= ENGINES.keys(), network["default_engine"] in ENGINES)


def _check_port(port: dict):
    """`_check_signature` for one input or output."""
    (batch, *shape), limits, names = port["shape"], port["range"], port.get("names")
    is_whole, is_picture = port["dtype"] == "int64", port["layout"] is not None
    multiple = port.get("multiple")  # older exports have none: all their shapes are fixed
    low, high = limits or (0, 0)
    _need(isinstance(port["name"], str), isinstance(port["meaning"], str), port["dtype"] in ("float32", "int64"))
    fixed = [size for size in shape if size is not None]
    _need(batch is None, *(type(size) is int and size > 0 for size in fixed), math.prod(fixed) < 2**28)
    _need(multiple is None or (type(multiple) is int and 0 < multiple < 2**16 and shape[1:] == [None, None]))
    _need(type(low) in (int, float), type(high) in (int, float), low <= high, high - low < 2**20)
    _need(not is_whole or (limits and type(low) is type(high) is int))
    _need(not is_picture or (port["layout"] == "NCHW" and len(shape) == 3 and shape[0] and low < high))
    _need(not is_picture or multiple is not None or fixed == shape)
    _need(port["distribution"] in (None, "uniform" if limits else "normal"))
    _need(port["distribution"] is None or fixed == shape)
    _need(port["name"] != "labels" or (is_whole and low == 0))
    _need(port["name"] != "truncation" or limits)
    value = port.get("value")  # older exports have none
    _need(value is None or (type(value) in (int, float) and limits and low <= value <= high))
    _need(value is None or (port["distribution"] is None and fixed == shape))
    _need(port["name"] != "attributes" or (names and not is_whole and [low, high, *shape] == [0, 1, len(names)]))
    num_names = high + 1 if is_whole else math.prod(fixed)
    _need(names is None or (len(names) == num_names and all(isinstance(name, str) for name in names)))


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

    def unknown(word):
        return InferError(f"--labels: unknown class {word!r}; {_known_classes(word, names)}")

    return _find(labels, known, unknown)


def _find(words: str | list, known: dict, unknown) -> list:
    """What `known` has for words: a list of them, or a text with commas between them, where the longest word counts.

    Raises:
        InferError: what `unknown(word)` gives, if a word is not known.
    """
    most, found = 1 + max(name.count(",") for name in known), []
    pending = _plain(words).split(",") if isinstance(words, str) else [_plain(str(word)) for word in words]
    while pending:
        lengths = range(most, 0, -1) if isinstance(words, str) else (1,)
        name = next((name for name in (",".join(pending[:length]) for length in lengths) if name in known), None)
        if name is None:
            raise unknown(pending[0])
        found.append(known[name])
        pending = pending[name.count(",") + 1 if isinstance(words, str) else 1 :]
    return found


def wanted_attributes(attributes: str | list | None, inputs: list[dict]) -> np.ndarray | None:
    """The attributes that a translator is to give a picture, float32 [A]; None if it takes none.

    Args:
        attributes: GROUP=VALUE for each group of attributes that exclude each other, and NAME=yes or NAME=no for each
            other attribute: a list, or a text with commas between them.
        inputs: descriptions of the network's inputs.

    Raises:
        InferError: there is no such attribute, one is missing or given twice, or the network takes none.
    """
    names = next((port["names"] for port in inputs if port["name"] == "attributes"), None)
    if names is None:
        if attributes is None:
            return None
        raise InferError("--attributes: the network takes no attributes, only a picture")
    choices = {}  # as it is typed -> the group, or an attribute that has none, and the number of the attribute to set
    for number, name in enumerate(names):
        texts = {name: number} if "=" in name else {f"{name}=yes": number, f"{name}=no": None}
        choices.update({text: (name.partition("=")[0], number) for text, number in texts.items()})

    def unknown(word):
        close = difflib.get_close_matches(word, choices, 1)
        guess = f"did you mean {close[0]}? " if close else ""
        return InferError(f"--attributes: unknown attribute {word!r}; {guess}there are: {_as_typed(choices)}")

    found = _find(attributes or [], {_plain(text): choice for text, choice in choices.items()}, unknown)
    given = [group for group, _ in found]
    missing = {text: choice for text, choice in choices.items() if choice[0] not in given}
    if missing:
        raise InferError(f"--attributes: give one of each of: {_as_typed(missing)}")
    twice = next((group for group in given if given.count(group) > 1), None)
    if twice:
        raise InferError(f"--attributes: {twice} is given twice; give one value")
    wanted = np.zeros(len(names), "float32")
    wanted[[number for _, number in found if number is not None]] = 1
    return wanted


def _as_typed(choices: dict) -> str:
    """Attributes for a message: `colour=red|green, Smiling=yes|no`; of very many the first."""
    groups = {}
    for text, (group, _) in choices.items():
        groups.setdefault(group, []).append(text.partition("=")[2])
    texts = [f"{group}={'|'.join(values[:MAX_LISTED])}" for group, values in groups.items()]
    return ", ".join([*texts[:MAX_LISTED], *(["..."] if len(texts) > MAX_LISTED else [])])


def direction_of(inputs: list[dict], outputs: list[dict]) -> str | None:
    """The direction of a network that makes a picture from a picture (and attributes), such as a_to_b; else None."""
    first, *others = inputs
    if not (_is_picture(first) and _is_picture(outputs[0]) and all(port["name"] == "attributes" for port in others)):
        return None
    return f"{first['name']}_to_{outputs[0]['name']}"


def _find_default(networks: dict) -> str:
    """The name of a model's first network that makes pictures, or of its first if none does."""
    makers = (name for name, network in networks.items() if any(map(_is_picture, network["outputs"])))
    return next(makers, next(iter(networks)))


def find_translator(networks: dict, direction: str | None = None) -> str:
    """The name of a model's network that translates pictures: in a direction, or the first.

    Args:
        networks: the description of each network in signature.json.

    Raises:
        InferError: there is none.
    """
    directions = {}
    for name, network in networks.items():
        directions.setdefault(direction_of(network["inputs"], network["outputs"]), name)
    directions.pop(None, None)
    if not directions:
        raise InferError("the model has no network that translates pictures")
    if direction is not None and direction not in directions:
        raise InferError(f"--direction {direction}: the model has only {', '.join(directions)}")
    return directions[direction] if direction else next(iter(directions.values()))


def translated(pixels: np.ndarray, port: dict, run, bytes_per_pixel: int) -> np.ndarray:
    """Translate a picture: it is padded evenly with its reflection, to what the network takes, and cropped back.

    Args:
        pixels: uint8 [H, W, C].
        port: the description of the network's picture.
        run: function from a picture, float32 [1, C, H, W] in the port's range, to its translation, [1, C', H, W].
        bytes_per_pixel: memory that `run` needs.

    Returns:
        [1, C', H, W].

    Raises:
        BadPictureError: it is too large for the memory that is free, or has not the one size that the network takes.
    """
    height, width, _ = pixels.shape
    multiple, size = port.get("multiple"), port["shape"][2:]
    if multiple is None and [height, width] != size:
        expected = f"{size[1]} x {size[0]}"
        raise BadPictureError(f"{width} x {height} pixels, but the network takes only pictures of {expected}")
    pads = [(0, 0) if multiple is None else _padding(length, multiple) for length in (height, width)]
    num_pixels = math.prod(length + sum(pad) for length, pad in zip((height, width), pads, strict=True))
    what = f"a picture of {width} x {height} pixels"
    try:
        check_memory(num_pixels * bytes_per_pixel, what, "give a smaller one")
        padded = np.pad(pixels, [*pads, (0, 0)], "reflect")
        (top, _), (left, _) = pads
        return run(_as_floats(port, padded[None]))[:, :, top : top + height, left : left + width]
    except NotEnoughMemoryError as error:
        raise BadPictureError(str(error)) from error
    except MemoryError as error:
        raise BadPictureError(f"{what} takes more memory than is free; give a smaller one") from error


def _padding(length: int, multiple: int) -> tuple[int, int]:
    """Pixels to add before and after `length` pixels so that they are a multiple, and at least LEAST_PIXELS."""
    more = -(-max(length, LEAST_PIXELS) // multiple) * multiple - length
    return more // 2, more - more // 2


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


def check_memory(num_bytes: int, what: str, advice: str = "give less at once"):
    """Raise NotEnoughMemoryError if `num_bytes` are more than the memory that is free."""
    free = free_memory()
    if num_bytes > free:
        sizes = f"{num_bytes / 1e9:,.0f} GB, and {free / 1e9:,.0f} GB are free"
        raise NotEnoughMemoryError(f"{what} takes {sizes}: not enough memory; {advice}")


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


@contextlib.contextmanager
def _threads_given_back():
    """Leave the process with the number of threads that Paddle read at its import.

    Paddle Inference gives the whole process its own number when it starts, and 1 after each run: a training that
    follows would be slower and have other last bits.
    """
    from paddle.base import core

    try:
        yield
    finally:
        number = re.match(r"[1-9]\d*", os.environ.get("OMP_NUM_THREADS", ""))  # a list for nested threads: "4,2"
        core.set_num_threads(int(number[0]) if number else 1)


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
    with _threads_given_back():
        predictor = inference.create_predictor(config)
    inputs = [predictor.get_input_handle(port["name"]) for port in network.inputs]
    outputs = [predictor.get_output_handle(name) for name in predictor.get_output_names()]

    def run(arrays):
        for handle, array in zip(inputs, arrays, strict=True):
            handle.copy_from_cpu(array)
        with _threads_given_back():
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
    is_pixels = array.dtype == "uint8" and array.ndim == 4 and port["layout"] is not None
    if not is_pixels or not _has_shape(port, [array.shape[3], *array.shape[1:3]]):
        return array
    low, high = port["range"]
    return array.transpose(0, 3, 1, 2).astype("float32") / 255 * (high - low) + low


def _has_shape(port: dict, shape) -> bool:
    """Whether an item of this shape is one of an input or output."""
    expected, multiple = port["shape"][1:], port.get("multiple") or 1
    if len(shape) != len(expected):
        return False
    pairs = zip(shape, expected, strict=True)
    return all(actual == size if size else actual > 0 and actual % multiple == 0 for actual, size in pairs)


def _shape_in_words(port: dict) -> str:
    """`[N, 8]`, or `[N, 3, H, W] with H and W multiples of 4`."""
    free, multiple = iter("HW"), port.get("multiple")
    sizes = [str(size or next(free, "?")) for size in port["shape"][1:]]
    return f"[{', '.join(['N', *sizes])}]{f' with H and W multiples of {multiple}' if multiple else ''}"


def _texts(sizes) -> str:
    return ", ".join(f"{height} x {width}" for height, width in sorted(sizes))


def _item_bytes(port: dict) -> int:
    """Bytes of one item of an input or output, at least: free sizes count as 1."""
    return math.prod(size or 1 for size in port["shape"][1:]) * np.dtype(port["dtype"]).itemsize


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


def write(out: Path, kind: str, make):
    """Write a file or folder: `make(path)` writes it into a temporary folder, then it is renamed to `out`.

    Returns what `make` returns.
    """
    is_there = kind == FOLDER and out.is_dir()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".infer-", dir=out if is_there else out.parent) as folder:
            made = Path(folder) / f"made{kind}"
            result = make(made)
            for path in made.iterdir() if is_there else ():
                os.replace(path, out / path.name)
            if not is_there:
                os.replace(made, out)
            return result
    except OSError as error:
        raise InferError(f"--out {out}: cannot be written: {error.strerror or error}") from error


def _write(path: Path, kind: str, network: Network, arrays: dict, columns: int | None, note: dict[str, str]):
    """Write the results to a path that is not there yet.

    FILE.npz holds the inputs and outputs unchanged; FILE.png or FILE.jpg a grid of the pictures with `columns` columns
    (None: nearly square); a folder one PNG per picture.
    """
    if kind == ".npz":
        np.savez_compressed(path, **arrays)
        return
    port = _pictures(network)
    pixels = _as_pixels(port, arrays[port["name"]])
    if kind in GRIDS:
        _save_picture(path, _grid(pixels, columns), note)
        return
    path.mkdir()
    for i, picture in enumerate(pixels):
        _save_picture(path / f"{i:05d}.png", picture, note)


def _as_pixels(port: dict, array: np.ndarray) -> np.ndarray:
    """Pictures in a port's range, [N, C, H, W], as pixels: uint8 [N, H, W, C]."""
    low, high = port["range"]
    return np.clip(np.rint((array - low) / (high - low) * 255), 0, 255).astype("uint8").transpose(0, 2, 3, 1)


def _pictures(network: Network) -> dict | None:
    """The output that consists of pictures, or None; points are pictures of one pixel with a channel per dimension."""
    return next((port for port in network.outputs if _is_picture(port)), None)


def _is_picture(port: dict) -> bool:
    return port["layout"] is not None and port["shape"][1] in (1, 3)


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
    parser.add_argument("--network", metavar="NAME", help="network to run (default: the first that makes pictures)")
    parser.add_argument("--num", type=whole_number(1, 10**9), help="number of random inputs (default: 64)")
    parser.add_argument("--seed", type=whole_number(0, 2**63), help="seed of the random inputs (default: 0)")
    parser.add_argument(
        "--labels",
        metavar="A,B,...",
        help="classes, by number or name, used in turn (default: all); a grid has a column for each",
    )
    parser.add_argument(
        "--truncation",
        type=float,
        metavar="T",
        help="the network's input of that name, from 0 to 1: the smaller T, the better and the more alike the pictures",
    )
    parser.add_argument(
        "--inputs",
        type=Path,
        metavar="FILE.npz",
        help="inputs by name, instead of random ones; pictures may also be pixels, uint8 [N, H, W, C]",
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="PATH",
        help="a picture, or a folder of pictures, to translate; of any size, unless the network takes one size only",
    )
    parser.add_argument(
        "--attributes",
        metavar="A=B,...",
        help="attributes that the pictures are to have: GROUP=VALUE, or NAME=yes or NAME=no, for all of the network's",
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
    if args.inputs and not (args.num is args.seed is args.labels is args.truncation is None):
        parser.error("--inputs cannot be combined with --num, --seed, --labels or --truncation")
    if args.pictures and not (args.num is args.seed is args.labels is args.truncation is args.inputs is None):
        parser.error("--pictures cannot be combined with --num, --seed, --labels, --truncation or --inputs")
    if args.attributes and not args.pictures:
        parser.error("--attributes needs --pictures")
    return args


def infer(args):
    """Run the network and write its outputs."""
    kind = check_out(args.out)
    if args.pictures:
        _translate(args, kind)
    else:
        _generate(args, kind)


def _generate(args, kind: str):
    """Run the network on random inputs or on those in a file."""
    network = Network(args.model, args.network, args.engine, args.device, args.threads, args.gpu_memory)
    _check_pictures(args.out, kind, network)
    num, seed = args.num or 64, args.seed or 0
    labels = None if args.inputs else network.labels(args.labels)
    names = [port["name"] for port in network.inputs]
    arrays = read_inputs(args.inputs, names) if args.inputs else network.draw(num, seed)
    arrays |= {"labels": np.resize(labels, num)} if labels else {}
    arrays |= {} if args.truncation is None else network.truncation(args.truncation, num)
    start = time.perf_counter()
    outputs = network(arrays, args.batch)
    seconds = time.perf_counter() - start
    source = network.signature["source"]
    note = {"Software": "ppgan_lite infer.py", "Step": str(source["step"]), "Data": source["data"]}
    note |= {} if args.inputs else {"Seed": str(seed)}
    note |= {"Labels": args.labels} if args.labels else {}
    note |= {} if args.truncation is None else {"Truncation": str(args.truncation)}
    columns = len(labels) if labels else None
    write(Path(args.out), kind, lambda path: _write(path, kind, network, arrays | outputs, columns, note))
    name, results = next(iter(outputs.items()))
    num = len(results)
    speed = f"{network.engine}, {num / seconds:,.0f} a second"
    _say(f"{num} {name} of step {source['step']} written to {args.out} ({speed})", sys.stdout)


def _translate(args, kind: str):
    """Run the network on a picture or on the pictures of a folder, one by one."""
    files = _picture_files(args.pictures)
    if kind != FOLDER and args.pictures.is_dir():
        raise InferError(f"--out {args.out}: --pictures is a folder; give a folder, too, ending in /")
    if importlib.util.find_spec("PIL") is None:
        raise InferError("Pillow is not installed: pip install Pillow")
    name = args.network or find_translator(read_signature(args.model)["networks"])
    network = Network(args.model, name, args.engine, args.device, args.threads, args.gpu_memory)
    if not network.is_translator:
        raise InferError(f"--network {name}: does not translate pictures; leave it out, or give --inputs FILE.npz")
    attributes = wanted_attributes(args.attributes, network.inputs)
    source, start = network.signature["source"], time.perf_counter()
    note = {"Software": "ppgan_lite infer.py", "Step": str(source["step"]), "Data": source["data"]}
    note |= {"Attributes": args.attributes} if args.attributes else {}
    num = write(Path(args.out), kind, lambda path: _write_translations(path, kind, files, network, attributes, note))
    speed = f"{network.engine}, {num / (time.perf_counter() - start):,.3g} a second"
    left_out = f"; {len(files) - num} left out" if num < len(files) else ""
    _say(f"{num} pictures translated by step {source['step']} to {args.out} ({speed}){left_out}", sys.stdout)


def _picture_files(path: Path) -> list[Path]:
    """A file, or the picture files in a folder, but not in folders below. Raises InferError if there is none."""
    try:
        path.stat()
        if not path.is_dir():
            return [path]
        files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES and file.name[0] != "."]
    except OSError as error:
        raise InferError(f"--pictures {path}: cannot be read: {error.strerror}") from error
    if not files:
        raise InferError(f"--pictures {path}: no pictures in this folder (files ending in {', '.join(SUFFIXES)})")
    return files


def _write_translations(path: Path, kind: str, files: list[Path], network: Network, attributes, note: dict) -> int:
    """Write the translations of picture files to a path that is not there yet; returns how many there are.

    A file that cannot be read is named and left out. Raises InferError if all of them are.
    """
    if kind != FOLDER:
        _translate_file(path, kind, files[0], network, attributes, note)
        return 1
    path.mkdir()
    names, num, last_report = names_of_translations([file.name for file in files]), 0, time.monotonic()
    for file, name in zip(files, names, strict=True):
        try:
            _translate_file(path / name, ".png", file, network, attributes, note)
            num += 1
        except BadPictureError as error:
            if len(files) == 1:
                raise
            _say(f"warning: {error}; it is left out", sys.stderr)
        if time.monotonic() - last_report > SAY_EVERY:
            _say(f"{num}/{len(files)}", sys.stderr)
            last_report = time.monotonic()
    if not num:
        raise InferError(f"--pictures {files[0].parent}: none of its {len(files)} pictures can be translated")
    return num


def names_of_translations(names: list[str]) -> list[str]:
    """Names of PNGs for the translations of files: with another suffix, or one more where files differ in it only.

    So no translation replaces another, also where case makes no difference: a.jpg, b.jpg and b.png become a.png,
    b.jpg.png and b.png.png.
    """
    longer = [f"{name}.png" for name in names]
    shorter = [f"{os.path.splitext(name)[0]}.png" for name in names]
    uses = collections.Counter(name.casefold() for name in [*shorter, *longer])
    return [short if uses[short.casefold()] == 1 else long for short, long in zip(shorter, longer, strict=True)]


def _translate_file(path: Path, kind: str, file: Path, network: Network, attributes, note: dict[str, str]):
    """Write the translation of a picture file, or with kind .npz the picture and the translation as arrays.

    Raises:
        BadPictureError: the file cannot be read, or the network cannot take the picture.
    """
    taken, given = network.inputs[0], network.outputs[0]
    try:
        pixels = _read_picture(file, taken["shape"][1])
        translation = network.translate(pixels, attributes)
    except BadPictureError as error:
        raise BadPictureError(f"{file}: {error}") from error
    if kind == ".npz":
        np.savez_compressed(path, pixels=pixels[None], translation=translation)
    else:
        _save_picture(path, _as_pixels(given, translation)[0], note)


def _read_picture(path: Path, channels: int) -> np.ndarray:
    """A picture as viewers show it, uint8 [H, W, C]: turned upright, on white where it is transparent.

    Raises:
        BadPictureError: it cannot be read.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]  # WebP is optional
    try:
        with warnings.catch_warnings(), open_file(path) as stream, Image.open(stream, formats=formats) as image:
            warnings.simplefilter("ignore")  # about odd metadata
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I;16"):
                image = Image.fromarray(np.rint(np.asarray(image) / 257).astype("uint8"))
            elif image.mode in ("I", "F"):
                raise ValueError("32-bit pixels of unknown range")
            elif image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
            return np.array(image.convert("L" if channels == 1 else "RGB")).reshape(*image.size[::-1], channels)
    except UnidentifiedImageError as error:
        raise BadPictureError(f"not a {', '.join(FORMATS)} file") from error
    except MemoryError as error:
        raise BadPictureError("too large for the memory that is free") from error
    except Exception as error:  # the decoders raise anything: OSError, SyntaxError, struct.error, ...
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or repr(error)
        raise BadPictureError(f"cannot be read: {reason}") from error


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
