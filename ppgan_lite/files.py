"""Files that are complete or absent, never half-written; locks on folders; disk errors as one line."""

import contextlib
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from ppgan_lite.errors import RunError, warn

LOCK = ".lock"  # the file in a folder that is `locked`


@contextlib.contextmanager
def disk_errors(path: Path):
    """Turn an OSError in the block (no space, no permission, ...) into a RunError that names `path`."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def writing(path: Path, sync: bool = True):
    """Open a binary stream to a file that is renamed to `path` when all of it is on the disk.

    `sync=False` does not wait for the disk: 10 times as fast for many small files, but a power cut may truncate them.

    Raises:
        RunError: it cannot be written; an older file of that name is unchanged.
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
    """Yield an empty folder that is renamed to `path` when all its files are on the disk.

    An older folder of that name is replaced.

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
    """Remove a folder if it exists. It is renamed first, so that half a folder never has its name."""
    if path.exists():
        doomed = path.with_name(f".{path.name}.{os.getpid()}.old.tmp")
        os.replace(path, doomed)
        shutil.rmtree(doomed)


def remove_leftovers(folder: Path):
    """Remove what `writing`, `writing_folder` and `remove_folder` leave in `folder` when their process is killed."""
    for path in folder.glob(".*.tmp"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def locked(folder: Path, waiting: str | None = None):
    """Create `folder` if needed, and lock it against other processes and threads that call this.

    The lock ends with its process. Its file, LOCK in the folder, is then removed; a file left by a killed process locks
    nothing. On a file system without locks there is a warning, and no lock.

    Args:
        waiting: what the other process does, for a warning before waiting for it. None: do not wait, raise.

    Raises:
        RunError: another process has the lock, or the folder cannot be created.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    # mode: other users must be able to open the file to see the lock. No soft lock: it outlives a killed process.
    lock = FileLock(path, mode=0o666, fallback_to_soft=False)
    with contextlib.ExitStack() as stack:
        try:
            _acquire(lock, folder, waiting)
            stack.callback(_release, lock, path, path.stat())
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            warn(f"{folder}: cannot be locked ({reason}); make sure that no other process writes to it")
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
    """Remove the lock's file and release the lock, but leave the file of another lock in a folder that was replaced.

    In this order: a waiting process then finds that the file is gone, and creates a new one. (Windows cannot remove an
    open file; there filelock removes it.)
    """
    with contextlib.suppress(OSError):
        if os.path.samestat(path.stat(), held):
            path.unlink()
    lock.release()


def files_by_step(folder: Path) -> list[tuple[Path, int]]:
    """The (path, step) of the files in a folder with names such as step_00000012.png, in the order of the steps."""
    matches = [(path, re.fullmatch(r"step_(\d+)\.\w+", path.name)) for path in folder.glob("*")]
    return sorted((path, int(match[1])) for path, match in matches if match)


def remove_later(folder: Path, step: int):
    """Remove the files in a folder that are named after a later step."""
    for path, file_step in files_by_step(folder):
        if file_step > step:
            path.unlink()


def sha256(content: bytes) -> str:
    """The checksum that identifies contents, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def seal(record: dict) -> bytes:
    """A record as JSON, with its own checksum."""
    return json.dumps({"sha256": _checksum(record), **record}, indent=1).encode()


def unseal(content: bytes) -> dict | None:
    """The record that `seal` wrote, or None if it was changed or damaged."""
    try:
        record = json.loads(content)
        return record if record.pop("sha256") == _checksum(record) else None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None


def _checksum(record: dict) -> str:
    return sha256(json.dumps(record, sort_keys=True).encode())


def _sync(path: Path):
    """Wait until a file, or the list of names in a folder, is on the disk. Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
