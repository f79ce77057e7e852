"""The picture files below a folder."""

import array
import heapq
import os
import stat

from ppgan_lite.data.passed_over import HIDDEN, LINKED, SPECIAL, START_BYTES, PassedOver, is_hidden, suffix
from ppgan_lite.data.pictures import SUFFIXES
from ppgan_lite.errors import DataError


def scan(origin: str, option: str = "root"):
    """The names of the picture files in a folder, in any order, facts about them, and what is passed over.

    Links to files are followed. Links to folders, too, but each folder is read once: by its own path, or else by the
    first of the links to it. A dangling link is listed if its suffix is a picture's; reading it reports the error.

    Args:
        origin: the folder.
        option: the key of `data` that names it, for the messages.

    Raises:
        DataError: a folder cannot be listed.
    """
    names, sizes, times, passed = [], array.array("q"), array.array("q"), PassedOver()
    for folder, entry in _walk(origin, passed, option):
        status, name = _status(entry), folder + entry.name
        if status and not stat.S_ISREG(status.st_mode):
            passed.add(SPECIAL, name)
        elif suffix(name) not in SUFFIXES:
            passed.add_other(name)
        else:
            names.append(name)
            sizes.append(status.st_size if status else 0)
            times.append(status.st_mtime_ns if status else 0)
    passed.add_alike(lambda name: _start(os.path.join(origin, name)))
    return names, {"size": sizes, "modified": times}, passed


def _walk(origin: str, passed: PassedOver, option: str):
    """Yield (folder, os.DirEntry) of everything below `origin` that is neither hidden nor a folder.

    Folders have a slash at the end, and are below `origin`; links to folders come last, in alphabetical order.
    """
    pending, links, seen, root = [""], [], set(), os.path.join(os.path.realpath(origin), "")
    while pending or links:
        folder = pending.pop() if pending else heapq.heappop(links)
        real = os.path.realpath(os.path.join(origin, folder))
        if real in seen or (folder and root.startswith(os.path.join(real, ""))):
            passed.add(LINKED, folder.rstrip("/"))
            continue
        seen.add(real)
        for entry in _entries(os.path.join(origin, folder), option):
            if is_hidden(entry.name):
                passed.add(HIDDEN, folder + entry.name)
            elif not _is_folder(entry):
                yield folder, entry
            elif entry.is_symlink():
                heapq.heappush(links, f"{folder}{entry.name}/")
            else:
                pending.append(f"{folder}{entry.name}/")


def _entries(path: str, option: str):
    """Yield the os.DirEntry of everything in a folder."""
    try:
        with os.scandir(path) as entries:
            yield from entries
    except OSError as error:
        raise DataError(f"data.{option}: {path}: cannot be listed: {error.strerror}") from error


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _status(entry: os.DirEntry) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None


def _start(path: str) -> bytes:
    """The first bytes of a file; empty if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(START_BYTES)
    except OSError:
        return b""
