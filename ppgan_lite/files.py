"""Files that are either wholly there or not at all, and errors of the disk as one line."""

import contextlib
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from ppgan_lite.errors import RunError, warn

LOCK = ".lock"  # in a folder that is `locked`


@contextlib.contextmanager
def disk_errors(path: Path):
    """Turn an OSError inside (no space, no permission, ...) into a RunError that names `path`."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def writing(path: Path, sync: bool = True):
    """Open a binary stream to a file that takes the name `path` only when all of it is on the disk.

    `sync=False` does not wait for the disk, which makes many small files 10 times as fast; a power cut may then leave a
    file that is too short.

    Raises:
        RunError: it cannot be written; what stood under the name before still does.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_errors(path):
        try:
            with open(temporary, "wb") as stream:
                yield stream
                stream.flush()
                if sync:
                    os.fsync(stream.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def writing_folder(path: Path):
    """Hand out an empty folder that takes the name `path` only when all its files are on the disk.

    A folder that has the name already is replaced.

    Raises:
        RunError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_errors(path):
        try:
            temporary.mkdir(parents=True)
            yield temporary
            for file in temporary.iterdir():
                _sync(file)
            _sync(temporary)
            remove_folder(path)
            os.replace(temporary, path)
            _sync(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(path: Path):
    """Remove a folder, if it is there; its name goes at once, so no half of it can be taken for the whole."""
    if path.exists():
        doomed = path.with_name(f".{path.name}.{os.getpid()}.old.tmp")
        os.replace(path, doomed)
        shutil.rmtree(doomed)


def remove_leftovers(folder: Path):
    """Remove what `writing`, `writing_folder` and `remove_folder` left in `folder` when their process was killed."""
    for path in folder.glob(".*.tmp"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def locked(folder: Path, waiting: str | None = None):
    """Make `folder`, if need be, and keep out other processes and threads that ask for the same.

    A killed process lets go. The lock is a file, LOCK in the folder, that is removed with it; one that a killed process
    left means nothing. On a file system without locks nobody is kept out, and a warning says so.

    Args:
        waiting: why to wait until the other one lets go, for a warning. None: not to wait, that is an error.

    Raises:
        RunError: another one has it, or the folder cannot be made.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    # The mode: a file that other users cannot open would not keep them out. No soft lock: a killed process keeps it.
    lock = FileLock(path, mode=0o666, fallback_to_soft=False)
    with contextlib.ExitStack() as stack:
        try:
            _acquire(lock, folder, waiting)
            stack.callback(_release, lock, path, path.stat())
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            warn(f"{folder}: cannot be locked ({reason}); make sure that no other process writes there")
        yield


def _acquire(lock: FileLock, folder: Path, waiting: str | None):
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        if waiting is None:
            message = f"{folder}: another process is training there; wait for it, or give another --run-dir"
            raise RunError(message) from error
        warn(f"{folder}: {waiting}; waiting for it")
        lock.acquire()


def _release(lock: FileLock, path: Path, held: os.stat_result):
    """Remove the lock's file, unless the folder was replaced and has another one's, and let go.

    In this order: whoever waits finds that the file is gone, and makes a new one. (Windows removes no open file; there
    filelock does it.)
    """
    with contextlib.suppress(OSError):
        if os.path.samestat(path.stat(), held):
            path.unlink()
    lock.release()


def files_by_step(folder: Path) -> list[tuple[Path, int]]:
    """The files of a folder that are named after a step, such as step_00000012.png, and the steps, in order."""
    matches = [(path, re.fullmatch(r"step_(\d+)\.\w+", path.name)) for path in folder.glob("*")]
    return sorted((path, int(match[1])) for path, match in matches if match)


def remove_later(folder: Path, step: int):
    """Remove the files of a folder that are named after a later step."""
    for path, of_step in files_by_step(folder):
        if of_step > step:
            path.unlink()


def sha256(content: bytes) -> str:
    """The checksum by which every file that this suite writes for later is known."""
    return hashlib.sha256(content).hexdigest()


def seal(record: dict) -> bytes:
    """JSON of a record together with its own checksum."""
    return json.dumps({"sha256": _seal_of(record), **record}, indent=1).encode()


def unseal(content: bytes) -> dict | None:
    """The record that `seal` wrote, or None where it is no longer what it was."""
    try:
        record = json.loads(content)
        return record if record.pop("sha256") == _seal_of(record) else None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None


def _seal_of(record: dict) -> str:
    return sha256(json.dumps(record, sort_keys=True).encode())


def _sync(path: Path):
    """Wait until the file, or the names in the folder, are on the disk (Windows has no such call)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
