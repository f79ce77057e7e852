"""Translate pictures, folders of pictures and films, with a trained run or an exported model."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import paddle
from tqdm import tqdm

from ppgan_lite import __version__
from ppgan_lite.commands import infer
from ppgan_lite.commands.export import describe_port
from ppgan_lite.commands.memory import bytes_per_pixel
from ppgan_lite.commands.sample import infer_errors
from ppgan_lite.data import folder_files
from ppgan_lite.data.passed_over import picture_suffixes
from ppgan_lite.data.pictures import SUFFIXES, BadImageError, decode
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.device import set_device
from ppgan_lite.errors import DataError, ExportError, RunError, warn
from ppgan_lite.files import disk_errors, read_file, writing
from ppgan_lite.pictures.films import FASTEST_GIF, Film, write_gif, write_mp4
from ppgan_lite.pictures.grid import save_picture, save_png
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import open_trained

FILM_SUFFIXES = frozenset({".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"})
FILMS = {".mp4": write_mp4, ".gif": write_gif}  # kinds of films that are written
PICTURES = infer.GRIDS  # kinds of pictures that are written
MOST_BYTES = 2**30  # in a picture file
READ = 0.95  # share of the expected frames below which a film counts as damaged


class Translator:
    """A network that translates pictures of any size, unless it takes one size only.

    Args:
        port: the picture that it takes, as in signature.json.
        translate: function from a picture, uint8 [H, W, C], to its translation, float32 [1, C', H, W] in [-1, 1].
        step: the checkpoint's step.
        note: metadata for the translated pictures.
        engine: what runs the network, in words.

    Attributes:
        channels: channels of the pictures that it takes: 1 or 3.
        exact: the function `translate`.
    """

    def __init__(self, port: dict, translate: Callable, step: int, note: dict[str, str], engine: str):
        self.channels, self.exact = port["shape"][1], translate
        self.step, self.note, self.engine = step, note, engine

    def __call__(self, pixels: np.ndarray, beside: bool = False) -> np.ndarray:
        """Translate a picture: uint8 [H, W, C] -> [H, W, C'], or with `beside` [H, 2 W, C'], the picture on the left.

        Raises:
            infer.BadPictureError: see `infer.translated`.
            infer.InferError: the export's engine failed.
        """
        translation = to_uint8(self.exact(pixels))[0]
        if not beside:
            return translation
        channels = max(pixels.shape[2], translation.shape[2])
        return np.concatenate([x.repeat(channels // x.shape[2], 2) for x in (pixels, translation)], axis=1)


def open_run(
    folder: Path, step: int | str | None, direction: str | None, attributes: str | list | None, device: str
) -> Translator:
    """The translator of a run.

    Args:
        folder: the run's folder.
        step: the checkpoint's step, `best`, or None for the newest undamaged one.
        direction: `a_to_b` or `b_to_a`; None: the first.
        attributes: the attributes that pictures are to have; see `infer.wanted_attributes`.
        device: see `set_device`.

    Raises:
        UserError: no such run, checkpoint, direction or attribute; or the run translates no pictures.
    """
    method = Run.open_existing(folder).config().method
    if method.KIND != "translator":
        raise RunError(f"{folder}: the method of this run ({method.name}) translates no pictures")
    device = set_device(device)
    run, method, saved = open_trained(folder, step)
    samplers = method.samplers()
    if direction is not None and direction not in samplers:
        raise RunError(f"--direction {direction}: this run has only {', '.join(samplers)}")
    sampler = samplers[direction] if direction else next(iter(samplers.values()))
    ports = [describe_port(port) for port in sampler.takes]
    with infer_errors():
        wanted = infer.wanted_attributes(attributes, ports)
    others = {} if wanted is None else {"attributes": paddle.to_tensor(wanted[None])}
    sampler.network.eval()
    pixel_bytes = bytes_per_pixel(sampler.network, sampler.takes)

    def translate(pixels):
        def compute(picture):
            return sampler({ports[0]["name"]: paddle.to_tensor(picture), **others}).numpy()

        return infer.translated(pixels, ports[0], compute, pixel_bytes)

    note = run.describe_images(saved.step) | _note(ports, [describe_port(port) for port in sampler.gives], attributes)
    return Translator(ports[0], translate, saved.step, note, device)


def open_export(
    folder: Path, engine: str, direction: str | None, attributes: str | list | None, device: str
) -> Translator:
    """The translator of an exported model.

    Args:
        folder: the exported folder.
        engine: a key of `infer.ENGINES`, or `auto`.
        direction, attributes: see `open_run`.
        device: `auto`, `cpu` or `gpu`.

    Raises:
        ExportError: the folder is no undamaged export, has no such direction or attribute, or the engine cannot run it.
    """
    with infer_errors(ExportError):
        name = infer.find_translator(infer.read_signature(folder)["networks"], direction)
        network = infer.Network(folder, name, engine, device)
        wanted = infer.wanted_attributes(attributes, network.inputs)
    source = network.signature["source"]
    note = {"Software": f"ppgan_lite {__version__}", "Data": source["data"], "Step": str(source["step"])}
    note |= _note(network.inputs, network.outputs, attributes)
    translate_picture = partial(network.translate, attributes=wanted)
    return Translator(network.inputs[0], translate_picture, source["step"], note, network.engine)


def _note(inputs: list[dict], outputs: list[dict], attributes: str | list | None) -> dict[str, str]:
    """Metadata of a translation: its attributes, or its direction."""
    if attributes is None:
        return {"Direction": infer.direction_of(inputs, outputs)}
    return {"Attributes": attributes if isinstance(attributes, str) else ",".join(attributes)}


def translate(
    source: Path, out: str | Path, open_translator: Callable[[], Translator], beside: bool = False, overwrite=False
):
    """Translate a picture, all pictures of a folder and the folders in it, or a film.

    Args:
        source: the picture, folder or film.
        out: for a picture FILE.png or FILE.jpg; for a folder a folder, which gets a PNG of the same name for each
            picture (see `infer.names_of_translations`); for a film FILE.mp4 (VP9) or FILE.gif, without sound.
        open_translator: called when `source` and `out` are checked.
        beside: write each picture with its translation at its right.
        overwrite: replace files that exist.

    Raises:
        UserError: `source` cannot be read, or no picture of it; or `out` cannot be written, or exists. Pictures of a
            folder that were translated before the error stay.
    """
    kind = _check(source, out, overwrite)
    ways = {infer.FOLDER: _translate_folder, **dict.fromkeys(FILMS, _translate_film)}
    ways.get(kind, _translate_picture)(source, Path(out), open_translator(), beside)


def translate_arrays(translator: Translator, pictures) -> np.ndarray | list[np.ndarray]:
    """Translate pictures in memory: uint8 [N, H, W, C], or a list of [H, W, C]; the result has the same form.

    Raises:
        RunError: they are no such pictures, or the network does not take them.
    """
    results = []
    for number, pixels in enumerate(pictures):
        if getattr(pixels, "dtype", None) != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != translator.channels:
            is_array = isinstance(pixels, np.ndarray)
            actual = f"{pixels.dtype} {list(pixels.shape)}" if is_array else type(pixels).__name__
            raise RunError(f"picture {number} is {actual}; the network takes uint8 [H, W, {translator.channels}]")
        try:
            results.append(translator(pixels))
        except infer.InferError as error:
            raise RunError(f"picture {number}: {error}") from error
    return np.stack(results) if isinstance(pictures, np.ndarray) and results else results


def _check(source: Path, out: str | Path, overwrite: bool) -> str:
    """What to write: a kind of PICTURES or FILMS, or infer.FOLDER. Raises RunError."""
    kind, path = infer.output_kind(out, (*PICTURES, *FILMS)), Path(out)
    with disk_errors(path):
        _check_kind(source, out, kind)
        if path.exists() and path.is_dir() != (kind == infer.FOLDER):
            raise RunError(f"--out {out}: is a {'folder' if kind else 'file'}; give another name")
        ends = path.resolve(), source.resolve()
        if any(end in (other, *other.parents) for end, other in (ends, ends[::-1])):
            raise RunError(f"--out {out}: is --input, or one of them is in the other; give another name")
        if not overwrite and path.is_dir() and any(path.iterdir()):
            raise RunError(f"--out {out}: the folder is not empty; add --overwrite to replace files, or give another")
        if not overwrite and path.is_file():
            raise RunError(f"--out {out}: exists; add --overwrite to replace it, or give another name")
        infer.try_writing(path if path.is_dir() else path.parent)
    return kind


def _check_kind(source: Path, out: str | Path, kind: str):
    """Raise RunError unless `source` exists and is what an output of this kind is made from."""
    suffix = source.suffix.lower()
    if not source.exists():
        raise RunError(f"--input {source}: does not exist")
    if not (source.is_dir() or source.is_file()):
        raise RunError(f"--input {source}: is not a regular file")
    if kind not in (*PICTURES, *FILMS, infer.FOLDER):
        known = "FILE.png or FILE.jpg for a picture, FILE.mp4 or FILE.gif for a film, a folder for a folder"
        raise RunError(f"--out {out}: unknown file type {kind}; give {known}")
    if source.is_dir() and kind != infer.FOLDER:
        raise RunError(f"--out {out}: --input is a folder; give a folder, ending in /")
    if source.is_file() and suffix in FILM_SUFFIXES and kind not in FILMS:
        raise RunError(f"--out {out}: --input is a film; give FILE.mp4 or FILE.gif")
    if source.is_file() and suffix not in FILM_SUFFIXES and kind == infer.FOLDER:
        raise RunError(f"--out {out}: --input is not a folder; give FILE.png or FILE.jpg")
    if suffix in SUFFIXES - {".gif"} and kind in FILMS:
        raise RunError(f"--out {out}: --input is a picture; give FILE.png or FILE.jpg")


def _read(path: Path, channels: int) -> np.ndarray:
    """A picture, uint8 [H, W, C]. Raises BadImageError."""
    try:
        return decode(read_file(path, MOST_BYTES), channels)
    except OSError as error:
        raise BadImageError(f"cannot be read: {error.strerror or error}") from error


def _translate_picture(source: Path, out: Path, translator: Translator, beside: bool):
    try:
        pixels = translator(_read(source, translator.channels), beside)
    except (BadImageError, infer.InferError) as error:
        raise RunError(f"--input {source}: {error}") from error
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    save_picture(out, pixels, translator.note)
    print(f"1 picture translated by step {translator.step} to {out} ({translator.engine})")


def _translate_folder(source: Path, out: Path, translator: Translator, beside: bool):
    """Translate the pictures of a folder one by one; files that cannot be read are named and left out."""
    names, num = _list(source), 0
    targets = infer.names_of_translations(names)
    pairs = zip(names, targets, strict=True)
    for name, target in tqdm(pairs, "translate", len(names), unit=" pictures", leave=False, disable=None):
        try:
            pixels = translator(_read(source / name, translator.channels), beside)
        except (BadImageError, infer.BadPictureError) as error:
            with tqdm.external_write_mode(sys.stderr):
                warn(f"{source / name}: {error}; it is left out")
            continue
        except infer.InferError as error:
            raise RunError(str(error)) from error
        with disk_errors(out / target):
            (out / target).parent.mkdir(parents=True, exist_ok=True)
        save_png(out / target, pixels, translator.note)
        num += 1
    if not num:
        raise RunError(f"--input {source}: none of its {len(names)} pictures can be translated")
    left_out = f"; {len(names) - num} left out" if num < len(names) else ""
    print(f"{num} pictures translated by step {translator.step} to {out} ({translator.engine}){left_out}")


def _list(source: Path) -> list[str]:
    """The names of the picture files in a folder and the folders in it, sorted. Raises RunError if there is none."""
    try:
        names, _, passed = folder_files.scan(str(source))
    except DataError as error:
        raise RunError(str(error).replace("data.root: ", "--input ")) from error
    if not names:
        raise RunError(f"--input {source}: no pictures in this folder (files ending in {picture_suffixes()})")
    if not passed.is_harmless:
        warn(f"{source}: {passed.total} other files are not translated: {passed}")
    return sorted(names)


def _translate_film(source: Path, out: Path, translator: Translator, beside: bool):
    """Translate a film frame by frame, at the same speed."""
    film, kind = Film(source), out.suffix.lower()
    if kind == ".gif" and film.fps > FASTEST_GIF:
        raise RunError(f"--out {out}: a GIF shows at most {FASTEST_GIF} frames per second, not {film.fps:g}; give .mp4")
    frames = tqdm(film.frames(), "translate", film.num_frames, unit=" frames", leave=False, disable=None)
    translations = (translator(_with_channels(frame, translator.channels), beside) for frame in frames)
    try:
        with disk_errors(out):
            out.parent.mkdir(parents=True, exist_ok=True)
        with writing(out) as stream:
            FILMS[kind](stream, translations, film.fps)
    except infer.InferError as error:
        raise RunError(f"--input {source}: {error}") from error
    if film.num_frames and film.num_read < READ * film.num_frames:
        warn(f"{source}: only {film.num_read} of about {film.num_frames} frames could be read: it is damaged")
    print(f"{film.num_read} frames translated by step {translator.step} to {out} ({translator.engine})")


def _with_channels(frame: np.ndarray, channels: int) -> np.ndarray:
    """A frame of a film, uint8 [H, W, 3], with the channels that a network takes."""
    return frame if channels == 3 else cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)[:, :, None]
