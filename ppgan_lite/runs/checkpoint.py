"""Checkpoints: a folder of safetensors files, one per network and optimizer, and a manifest with their sha256.

A checkpoint is written to a temporary folder and renamed, so a killed process leaves none half-written. Nothing is
unpickled.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from ppgan_lite.errors import CheckpointError, DamagedCheckpointError, RunError
from ppgan_lite.files import disk_errors, remove_folder, seal, sha256, unseal, writing, writing_folder

FORMAT = 1
MANIFEST = "manifest.json"


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
            CheckpointError: a tensor is missing, surplus or of another shape. Then nothing is changed.
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
        problems += [
            f"{key} has shape {list(arrays[key].shape)} instead of {list(tensor.shape)}"
            for key, tensor in tensors.items()
            if key in arrays and list(arrays[key].shape) != list(tensor.shape)
        ]
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise CheckpointError(f"{self.path / name}: of another architecture: {sorted(problems)[0]}{more}")


def save(folder: Path, step: int, method, config: dict, keep: int) -> Path:
    """Write `folder/step_NNNNNNNN` and remove all but the `keep` newest.

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
        manifest = {"format": FORMAT, "step": step, "config": config, "files": files}
        with writing(temporary / MANIFEST) as stream:
            stream.write(seal(manifest))
    for old in list_steps(folder)[:-keep]:
        with disk_errors(folder):
            remove_folder(folder / f"step_{old:08d}")
    return path


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and verify every byte of it.

    Raises:
        DamagedCheckpointError: a file is missing or has been changed.
        CheckpointError: a file cannot be read, or has a newer format.
    """
    manifest = unseal(_read(path / MANIFEST))
    if manifest is None:
        raise DamagedCheckpointError(f"{path / MANIFEST}: damaged (checksum mismatch)")
    if manifest["format"] != FORMAT:
        raise CheckpointError(f"{path / MANIFEST}: format {manifest['format']}, but this version reads {FORMAT}")
    arrays = {}
    for file, digest in manifest["files"].items():
        content = _read(path / file)
        if sha256(content) != digest:
            raise DamagedCheckpointError(f"{path / file}: damaged (checksum mismatch)")
        try:
            arrays[Path(file).stem] = safetensors.numpy.load(content)
        except SafetensorError as error:
            raise CheckpointError(f"{path / file}: not a safetensors file") from error
    return Checkpoint(path, manifest["step"], manifest["config"], arrays)


def load_newest(folder: Path, on_damage) -> Checkpoint:
    """Load the newest undamaged checkpoint in `folder`; `on_damage(error)` is called for each newer, damaged one.

    Raises:
        CheckpointError: there is none, or a newer one cannot be read for another reason.
    """
    steps = list_steps(folder)
    for step in reversed(steps):
        try:
            return load(folder / f"step_{step:08d}")
        except DamagedCheckpointError as error:
            on_damage(error)
    if steps:
        raise CheckpointError(f"{folder}: no undamaged checkpoint (of {len(steps)}); train again, with --overwrite")
    raise CheckpointError(f"{folder}: no checkpoint; train first, without --resume")


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
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedCheckpointError(f"{path}: missing") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
