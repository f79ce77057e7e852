"""Files that are complete or absent, never half-written; locks on folders; disk errors as one line."""

import contextlib
import ctypes
import errno
import functools
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import stat
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from ppgan_lite.errors import RunError, warn

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCK = ".lock"  # the file in a folder that is `locked`
BEFORE = ".before"  # in the temporary name of a folder that is being replaced
LEFTOVER = re.compile(r"\.(?P<name>.+?)\.[0-9a-f]+(\.before|\.old)?\.tmp", re.DOTALL)  # .old: earlier versions
# What file systems without it (FUSE, SMB, ...) answer to fsync, and folders that may be written but not read.
NOT_SYNCABLE = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EACCES}


def read_file(path: str | Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises:
        OSError: it cannot be read, has more bytes, or is a pipe or a device, which might block or never end.
    """
    with open(path, "rb", opener=_open_at_once) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        # read(limit + 1) would reserve so much memory; a size of 0 may be wrong, as in /proc.
        content = b"" if status.st_size > limit else stream.read() if status.st_size else stream.read(limit + 1)
    if max(status.st_size, len(content)) > limit:
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

    If `path` is a link, the file that it points to is replaced. `sync=False` does not wait for the disk: 10 times as
    fast for many small files, but a power cut may truncate them.

    Raises:
        RunError: it cannot be written, or is a folder, a pipe or a device; an older file of that name is unchanged.
    """
    with disk_errors(path):
        target = _file_to_replace(path)
        temporary = _temporary(target.with_name(target.name[:40]))  # the whole name may have the greatest length
        stream = _Stream(io.FileIO(temporary, "x"))  # x: never another's file, nor what a link points to
        try:
            with stream:
                yield stream
                stream.flush()
                if sync:
                    with _sync_errors():
                        os.fsync(stream.raw.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


class _Stream(io.BufferedWriter):
    """A stream without a descriptor: Pillow would write to that directly, and not notice a write cut short."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


def _file_to_replace(path: Path) -> Path:
    """The file that a path stands for: where it is a link, the one that it points to. Raises OSError."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is a folder" if path.is_dir() else "is not a regular file", str(path))
    return Path(os.path.realpath(path))


def _temporary(path: Path, kind: str = "") -> Path:
    """A name next to `path` that cannot be foretold; LEFTOVER recognises it."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{kind}.tmp")


@contextlib.contextmanager
def writing_folder(path: Path):
    """Yield an empty folder that is renamed to `path` when all its files are on the disk.

    An older folder of that name is replaced: at any moment the name has the old or the new one. Only on a file system
    that cannot exchange two names there is none for a moment; if the process is killed just then, the next
    `writing_folder` of this name or `remove_leftovers` puts the old one back.

    Raises:
        RunError: it cannot be written; an older folder of that name is unchanged.
    """
    with disk_errors(path):
        make_folder(path.parent)
        for leftover, name in _leftovers(path.parent):
            if name == path.name and not _is_in_use(leftover):
                _put_back_or_discard(leftover, path)
        temporary = _temporary(path)
        temporary.mkdir()
        with _in_use(temporary):
            try:
                yield temporary
                for file in temporary.iterdir():
                    _sync(file)
                _sync(temporary)
                _replace_folder(temporary, path)
                _sync(path.parent)
            finally:
                _discard(temporary)


def _replace_folder(new: Path, path: Path):
    """Rename a folder to `path`; an older folder of that name is then called `new`."""
    if not os.path.lexists(path):
        os.replace(new, path)
    elif not _exchange(new, path):
        before = _temporary(path, BEFORE)
        os.replace(path, before)
        try:
            os.replace(new, path)
        except BaseException:
            os.replace(before, path)
            raise
        os.replace(before, new)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names at once. False: the system or the file system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    at_current_folder, rename_exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    names = [os.fsencode(one), os.fsencode(other)]
    return rename is not None and rename(at_current_folder, names[0], at_current_folder, names[1], rename_exchange) == 0


def make_folder(path: Path):
    """Create a folder, and those above it, if it does not exist.

    Raises:
        OSError: it cannot be created; a file, or a link to nothing, has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        check_link(Path(error.filename))
        raise NotADirectoryError(errno.ENOTDIR, f"{error.filename} is not a folder") from error


def check_link(path: Path):
    """Raise OSError if a path is a link to nothing, such as to a disk that is not mounted."""
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(errno.ENOENT, f"{path} is a link to {os.readlink(path)}, which does not exist")


def remove_folder(path: Path):
    """Remove a folder, a file or a link, if it exists; what a link points to stays.

    It is renamed first, so that half a folder never has its name.
    """
    if os.path.lexists(path):
        doomed = _temporary(path)
        os.replace(path, doomed)
        _discard(doomed)


def clear_folder(path: Path):
    """Remove everything in a folder, if it exists, and the folder, unless it is a link or a mount point."""
    if path.is_dir():
        for each in path.iterdir():
            remove_folder(each)
        with contextlib.suppress(OSError):  # a link or a mount point
            path.rmdir()


def remove_leftovers(folder: Path):
    """Remove what `writing`, `writing_folder` and `remove_folder` leave in `folder` when their process is killed.

    The caller has the folder locked: what another process is writing there would be removed, too.
    """
    for leftover, name in _leftovers(folder):
        _put_back_or_discard(leftover, folder / name)


def _leftovers(folder: Path) -> list[tuple[Path, str]]:
    """The temporary files and folders in a folder, each with the name that it stands for."""
    matches = [(path, LEFTOVER.fullmatch(path.name)) for path in folder.glob(".*.tmp")]
    return [(path, match["name"]) for path, match in matches if match]


def _put_back_or_discard(leftover: Path, path: Path):
    """Discard what a killed process left, unless it is the folder that it had renamed in order to replace it."""
    if leftover.name.endswith(f"{BEFORE}.tmp") and not os.path.lexists(path):
        os.replace(leftover, path)
    else:
        _discard(leftover)


def _discard(path: Path):
    """Remove something with a temporary name, if it exists. It is in nobody's way: if that fails, warn and go on."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()
    except OSError as error:
        _warn_once(f"{path.parent}: cannot remove temporary files ({error.strerror or error}); delete .*.tmp in it")


@contextlib.contextmanager
def _in_use(folder: Path):
    """Mark a temporary folder as in use until the block or the process ends, where the file system has locks."""
    descriptor = _lock_folder(folder)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _is_in_use(folder: Path) -> bool:
    """Whether another process may be writing a temporary folder: also where that cannot be found out."""
    descriptor = _lock_folder(folder)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def _lock_folder(folder: Path) -> int | None:
    """Lock a folder until the returned descriptor is closed. None: it is locked, or cannot be."""
    if fcntl is None:
        return None
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError, NotImplementedError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stack.pop_all()
        return descriptor
    return None


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
        make_folder(folder)
    path = folder / LOCK
    # mode: other users must be able to open the file to see the lock. No soft lock: it outlives a killed process.
    lock = FileLock(path, mode=0o666, fallback_to_soft=False)
    with contextlib.ExitStack() as stack:
        try:
            _acquire(lock, folder, waiting)
            stack.callback(_release, lock, path, path.stat())
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            _warn_once(f"{folder}: cannot be locked ({reason}); make sure that no other process writes to it")
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
    with _sync_errors():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _sync_errors():
    """Go on with a warning where the file system cannot wait for the disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_SYNCABLE:
            raise
        _warn_once(f"a power cut may undo what is written now: the disk cannot be waited for ({error.strerror})")


@functools.cache
def _warn_once(message: str):
    warn(message)
