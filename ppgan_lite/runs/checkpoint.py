"""Checkpoints: a folder of safetensors files, one per network and optimizer, and a manifest with their sha256.

A checkpoint is written to a temporary folder and renamed, so a killed process leaves none half-written. Nothing is
unpickled.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy

from ppgan_lite.errors import CheckpointError, ConfigError, DamagedCheckpointError, RunError
from ppgan_lite.files import disk_errors, read_file, remove_folder, seal, sha256, unseal, writing, writing_folder
from ppgan_lite.schema.tree import cut, read_record
from ppgan_lite.schema.types import Whole

FORMAT = 1
MANIFEST = "manifest.json"
MOST_BYTES = {".json": 2**20, ".safetensors": 2**33}  # limit for a file, by its suffix
# The files of a checkpoint. No other name in a manifest is opened.
TENSORS = re.compile(r"((network|optimizer)_\w{1,100}|state)\.safetensors", re.ASCII)


@dataclass(frozen=True)
class _Manifest:
    """What is read of a manifest."""

    step: Whole
    config: dict
    files: dict[str, str]  # name -> sha256


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, read and verified."""

    path: Path
    step: int
    config: dict
    arrays: dict[str, dict[str, np.ndarray]]  # file stem -> tensor name -> values

    def restore(self, method):
        """Copy every tensor into the method.

        Raises:
            CheckpointError: a tensor is missing, surplus or of another shape or type. Then nothing is changed.
        """
        groups = _groups(method)
        if surplus := self.arrays.keys() - groups.keys():
            raise CheckpointError(f"{self.path}: of another architecture: {sorted(surplus)[0]} is not in the method")
        for name, tensors in groups.items():
            self._check_fit(name, tensors)
        for name, tensors in groups.items():
            for key, tensor in tensors.items():
                tensor.set_value(self.arrays[name][key])

    def _check_fit(self, name: str, tensors: dict):
        arrays = self.arrays.get(name, {})
        problems = [f"{key} is missing" for key in tensors.keys() - arrays.keys()]
        problems += [f"{key} is not in the network" for key in arrays.keys() - tensors.keys()]
        for key in tensors.keys() & arrays.keys():
            array, tensor = arrays[key], tensors[key]
            dtype = str(tensor.dtype).removeprefix("paddle.")
            if list(array.shape) != list(tensor.shape):
                problems.append(f"{key} has shape {list(array.shape)} instead of {list(tensor.shape)}")
            elif array.dtype != dtype:
                problems.append(f"{key} has type {array.dtype} instead of {dtype}")
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise CheckpointError(f"{self.path / name}: of another architecture: {cut(sorted(problems)[0])}{more}")


def save(folder: Path, step: int, method, config: dict, keep: int, more: dict[str, bytes] | None = None) -> Path:
    """Write `folder/step_NNNNNNNN` and remove all but the `keep` newest.

    Args:
        more: further files to write into the checkpoint: name -> content.

    Raises:
        RunError: a value is not finite, or the disk is not writable. Then older checkpoints are unchanged.
    """
    path = folder / f"step_{step:08d}"
    with writing_folder(path) as temporary:
        files = {}  # name -> sha256
        for name, tensors in _groups(method).items():
            arrays = {key: tensor.numpy() for key, tensor in tensors.items()}
            for key, array in arrays.items():
                if not np.isfinite(array).all():
                    raise RunError(f"{name}: {key} is not finite after step {step}; {last_good(folder)}")
            content = safetensors.numpy.save(arrays)
            with writing(temporary / f"{name}.safetensors") as stream:
                stream.write(content)
            files[f"{name}.safetensors"] = sha256(content)
        for name, content in (more or {}).items():
            with writing(temporary / name) as stream:
                stream.write(content)
        manifest = {"format": FORMAT, "step": step, "config": config, "files": files}
        with writing(temporary / MANIFEST) as stream:
            stream.write(seal(manifest))
    remove_old(folder, keep)
    return path


def remove_old(folder: Path, keep: int):
    """Remove all but the `keep` newest checkpoints. Raises RunError."""
    for old in list_steps(folder)[:-keep]:
        with disk_errors(folder):
            remove_folder(folder / f"step_{old:08d}")


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and verify every byte of it.

    Raises:
        DamagedCheckpointError: a file is missing or has been changed.
        CheckpointError: a file cannot be read, or has a newer format.
    """
    manifest = _read_manifest(path / MANIFEST)
    arrays = {}
    for file, digest in manifest.files.items():
        content = _read(path / file)
        if sha256(content) != digest:
            raise DamagedCheckpointError(f"{path / file}: damaged (checksum mismatch)")
        try:
            arrays[Path(file).stem] = safetensors.numpy.load(content)
        except Exception as error:  # SafetensorError; KeyError and others for a type that numpy does not have
            raise CheckpointError(f"{path / file}: not a safetensors file; move {path} away") from error
    return Checkpoint(path, manifest.step, manifest.config, arrays)


def _read_manifest(path: Path) -> _Manifest:
    record = unseal(_read(path))
    if record is None:
        raise DamagedCheckpointError(f"{path}: damaged (checksum mismatch)")
    if (version := record.get("format")) != FORMAT:
        raise CheckpointError(f"{path}: format {version!r:.20}, but this version reads {FORMAT}")
    try:
        manifest = read_record(record, _Manifest)
        if others := [name for name in manifest.files if not TENSORS.fullmatch(name)]:
            raise ConfigError(f"{others[0]!r:.100} is not the name of a checkpoint's file")
    except ConfigError as error:
        raise DamagedCheckpointError(f"{path}: damaged ({error})") from error
    return manifest


def load_newest(folder: Path, on_damage) -> Checkpoint:
    """Load the newest undamaged checkpoint in `folder`; `on_damage(error)` is called for each newer, damaged one.

    Raises:
        CheckpointError: there is none, or a newer one cannot be read for another reason.
    """
    check_any(folder)
    steps = list_steps(folder)
    for step in reversed(steps):
        try:
            return load(folder / f"step_{step:08d}")
        except DamagedCheckpointError as error:
            on_damage(error)
    raise CheckpointError(f"{folder}: no undamaged checkpoint (of {len(steps)}); train again, with --overwrite")


def check_any(folder: Path):
    """Raise CheckpointError if there is no checkpoint in `folder`, damaged or not."""
    if not list_steps(folder):
        advice = "train until the first is saved, with --resume if the training was stopped"
        raise CheckpointError(f"{folder}: no checkpoint yet; {advice}")


def load_step(folder: Path, step: int) -> Checkpoint:
    """Load the checkpoint of one step.

    Raises:
        CheckpointError: it is damaged or missing.
    """
    if step not in list_steps(folder):
        steps = ", ".join(map(str, list_steps(folder))) or "none"
        raise CheckpointError(f"{folder}: no checkpoint of step {step}; there are: {steps}")
    return load(folder / f"step_{step:08d}")


def list_steps(folder: Path) -> list[int]:
    """The steps of all checkpoints, damaged or not, oldest first."""
    matches = (re.fullmatch(r"step_(\d{8,})", path.name) for path in folder.glob("step_*"))
    return sorted(int(match[1]) for match in matches if match)


def set_aside_after(folder: Path, step: int):
    """Rename the damaged checkpoints later than `step`, so that they do not count among the newest.

    Raises:
        RunError: they cannot be renamed.
    """
    for later in list_steps(folder):
        if later > step:
            path = folder / f"step_{later:08d}"
            aside = path.with_name(f"damaged_{path.name}")
            with disk_errors(path):
                remove_folder(aside)
                path.replace(aside)


def last_good(folder: Path) -> str:
    """The checkpoint to go back to, in words for an error message."""
    steps = list_steps(folder)
    return f"the last good checkpoint is step {steps[-1]} in {folder}" if steps else "no checkpoint was saved yet"


def _groups(method) -> dict[str, dict]:
    """All tensors that training changes: group (the stem of a file) -> name -> tensor."""
    groups = {f"network_{name}": network.state_dict() for name, network in method.networks.items()}
    groups |= {f"network_{name}_ema": average.state_dict() for name, average in method.averages.items()}
    groups |= {f"optimizer_{name}": optimizer.state_dict() for name, optimizer in method.optimizers.items()}
    return groups | ({"state": method.state} if method.state else {})


def _read(path: Path) -> bytes:
    try:
        return read_file(path, MOST_BYTES[path.suffix])
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedCheckpointError(f"{path}: missing") from error
    except OSError as error:
        message = f"cannot be read: {error.strerror}; move {path.parent} away to use an older checkpoint"
        raise CheckpointError(f"{path}: {message}") from error
