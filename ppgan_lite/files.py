"""Files that are complete or absent, never half-written; locks on folders; disk errors as one line."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
from pathlib import Path

from filelock import FileLock, Timeout

from ppgan_lite.errors import RunError, warn

LOCK = ".lock"  # the file in a folder that is `locked`


def read_file(path: str | Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises:
        OSError: it cannot be read, has more bytes, or is a pipe or a device, which might block or never end.
    """
    with open(path, "rb", opener=_open_at_once) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        content = stream.read(limit + 1)  # the size may be out of date, and is 0 in /proc
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"has more than {limit:,} bytes", str(path))
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a pipe, too, without waiting for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def expand_home(path: str | Path) -> Path:
    """A path with ~ replaced by the home folder.

    Raises:
        RunError: the home folder is not known: no HOME, and the user is not in the system's list.
    """
    expanded = os.path.expanduser(path)
    if expanded.startswith("~") and not os.path.lexists(expanded):
        raise RunError(f"{path}: the home folder is not known; set the variable HOME, or give a full path")
    return Path(expanded)


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
