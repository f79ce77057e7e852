"""Decoded pictures on disk, so that each is decoded once and not in every epoch of every run.

A cache is a folder of chunks, `00000.npy` and so on: uint8 [n, C, H, W], the pictures of consecutive files.
`index.json` has the checksums of the complete chunks and is rewritten after each: an interrupted build continues with
the missing chunks, and a damaged chunk is built again.
"""

import contextlib
import hashlib
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ppgan_lite.errors import RunError
from ppgan_lite.files import (
    disk_errors,
    expand_home,
    locked,
    read_file,
    remove_folder,
    remove_leftovers,
    seal,
    unseal,
    writing,
)

FORMAT = 1  # version of the cache files and of the decoding: raise it when either changes
CHUNK_BYTES = 64 << 20
CHUNK_PICTURES = 8192  # largest chunk: what an interruption can lose
INDEX = "index.json"
MOST_BYTES = 1 << 30  # limit for the index, which names all bad files


class CacheError(RunError):
    """A cache that cannot be written."""


class Decoded(NamedTuple):
    """The pictures of some consecutive files."""

    pixels: np.ndarray  # uint8 [n, C, H, W]; 0 for bad files
    bad: dict[int, str]  # number of a file that cannot be decoded -> reason
    dim: Sequence[int] = ()  # numbers of the files that are nearly black: see `pictures.is_dim`


def fill(pixels: np.ndarray, parts) -> Decoded:
    """Copy the next of `parts` (an iterator of `Decoded`) into `pixels` until it is full; returns them as one."""
    bad, dim, done = {}, [], 0
    while done < len(pixels):
        part = next(parts)
        pixels[done : done + len(part.pixels)] = part.pixels
        bad |= part.bad
        dim += part.dim
        done += len(part.pixels)
    return Decoded(pixels, bad, dim)


def cache_folder(fingerprint: str, shape: tuple[int, int, int]) -> Path:
    """The folder for the pictures of files with this fingerprint, decoded to this shape.

    It is in $PPGAN_CACHE, by default in ~/.cache/ppgan_lite.

    Raises:
        CacheError: the home folder is needed and not known.
    """
    key = hashlib.sha256(f"{fingerprint} {shape} {FORMAT}".encode()).hexdigest()
    try:
        return expand_home(os.environ.get("PPGAN_CACHE") or "~/.cache/ppgan_lite") / key[:32]
    except RunError as error:
        raise CacheError(str(error)) from error


class PictureCache:
    """The pictures of `num` files. After `build`, `cache[files]` is uint8 [n, C, H, W].

    Args:
        folder: the cache's folder.
        num: number of files.
        shape: C, H, W.

    Attributes:
        num_bytes: size of all pictures.
    """

    def __init__(self, folder: Path, num: int, shape: tuple[int, int, int]):
        self.folder, self._shape = Path(folder), tuple(shape)
        size = math.prod(shape)
        self._per_chunk = max(1, min(CHUNK_PICTURES, CHUNK_BYTES // size))
        self._files = [range(start, min(start + self._per_chunk, num)) for start in range(0, num, self._per_chunk)]
        # number of a complete chunk (str) -> {"sha256": of its pixels, "bad": {file (str): reason}, "dim": [files]}
        self._index = {}
        self._chunks = {}  # number of a complete chunk (int) -> uint8 [n, C, H, W], memory-mapped
        self.num_bytes = num * size

    def __getitem__(self, files: np.ndarray) -> np.ndarray:
        numbers, rows = np.divmod(files, self._per_chunk)
        pixels = np.empty((len(files), *self._shape), np.uint8)
        for number in np.unique(numbers):
            in_chunk = numbers == number
            pixels[in_chunk] = self._chunks[number][rows[in_chunk]]
        return pixels

    @property
    def bad(self) -> dict[int, str]:
        """The files that cannot be decoded, in order, and why. Their pixels are 0."""
        entries = (self._index[str(number)]["bad"] for number in range(len(self._files)))
        return {int(file): reason for entry in entries for file, reason in entry.items()}

    @property
    def dim(self) -> list[int]:
        """The files that are nearly black (see `pictures.is_dim`), in order."""
        return [file for number in range(len(self._files)) for file in self._index[str(number)].get("dim", [])]

    def build(self, decode) -> bool:
        """Add the missing and damaged chunks, after waiting for any other process that builds the same cache.

        A cache that is complete needs no permission to write.

        Args:
            decode: decode(list of ranges of files) is a generator of `Decoded`, in the order of the files; none
                crosses the end of a range.

        Returns:
            whether any chunk was missing or damaged.

        Raises:
            CacheError: the folder cannot be written; it is removed, unless there is no permission at all.
        """
        if os.path.isdir(self.folder) and not os.access(self.folder, os.W_OK | os.X_OK):
            if self._find_missing():
                raise CacheError(f"{self.folder}: not complete, and there is no permission to write")
            return False
        with contextlib.ExitStack() as stack:
            with self._removing_if_full():
                stack.enter_context(locked(self.folder, waiting="another process is caching these pictures"))
                missing = self._find_missing()
                self._make_room(missing)
            if missing:
                self._add(missing, decode)
        return bool(missing)

    def forget(self, files):
        """Remove the chunks of some files, so that `build` builds them again. Raises CacheError."""
        for number in {file // self._per_chunk for file in files}:
            with self._removing_if_full(), disk_errors(self._path(number)):
                self._path(number).unlink(missing_ok=True)

    def _find_missing(self) -> list[int]:
        """Open the complete chunks; returns the numbers of the others."""
        saved, self._index, self._chunks = self._read_index(), {}, {}
        for number in range(len(self._files)):
            entry = saved.get(str(number))
            if self._is_entry(entry, number) and (pixels := self._open(number, entry["sha256"])) is not None:
                self._index[str(number)], self._chunks[number] = entry, pixels
        return [number for number in range(len(self._files)) if number not in self._chunks]

    def _make_room(self, missing: list[int]):
        """Remove what killed processes left. Raises RunError: not enough disk space for the missing chunks."""
        with disk_errors(self.folder):
            remove_leftovers(self.folder)
            free = shutil.disk_usage(self.folder).free
        needed = sum(len(self._files[number]) for number in missing) * math.prod(self._shape)
        if needed > free:
            raise RunError(f"{self.folder}: not enough disk space: {needed >> 20} MB needed, {free >> 20} MB free")

    def _read_index(self) -> dict:
        """The index's entries; empty if the file is missing or damaged."""
        try:
            record = unseal(read_file(self.folder / INDEX, MOST_BYTES)) or {}  # None: damaged
        except OSError:
            return {}
        entries = record.get("chunks")
        return entries if isinstance(entries, dict) else {}

    def _is_entry(self, entry, number: int) -> bool:
        """Whether an index has what `_write` puts there for a chunk; older ones have no `dim`."""
        if not (isinstance(entry, dict) and isinstance(entry.get("bad"), dict) and "sha256" in entry):
            return False
        bad, dim, files = entry["bad"], entry.get("dim", []), self._files[number]
        names = set(map(str, files))
        return (
            all(file in names and isinstance(reason, str) for file, reason in bad.items())
            and isinstance(dim, list)
            and all(type(file) is int and file in files for file in dim)
        )

    def _open(self, number: int, digest: str) -> np.ndarray | None:
        """A chunk's pixels; None if it is missing or damaged."""
        if not os.path.isfile(self._path(number)):
            return None
        try:
            pixels = np.lib.format.open_memmap(self._path(number), mode="r")
        except Exception:  # a damaged header raises anything: ValueError, SyntaxError, OverflowError, ...
            return None
        fits = pixels.dtype == np.uint8 and pixels.shape == (len(self._files[number]), *self._shape)
        return pixels if fits and hashlib.sha256(pixels).hexdigest() == digest else None

    def _add(self, missing: list[int], decode):
        with contextlib.closing(decode([self._files[number] for number in missing])) as parts:
            for number in missing:
                pixels = np.empty((len(self._files[number]), *self._shape), np.uint8)
                part = fill(pixels, parts)
                with self._removing_if_full():
                    self._write(number, part)

    def _write(self, number: int, part: Decoded):
        with writing(self._path(number)) as stream:
            np.save(stream, part.pixels, allow_pickle=False)
        bad = {str(file): reason for file, reason in part.bad.items()}
        self._index[str(number)] = {"sha256": hashlib.sha256(part.pixels).hexdigest(), "bad": bad, "dim": [*part.dim]}
        with writing(self.folder / INDEX) as stream:
            stream.write(seal({"chunks": self._index}))
        with disk_errors(self._path(number)):
            self._chunks[number] = np.load(self._path(number), mmap_mode="r", allow_pickle=False)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npy"

    @contextlib.contextmanager
    def _removing_if_full(self):
        """Remove the cache if it cannot be written: the run that continues without it needs the space."""
        try:
            yield
        except RunError as error:
            self._chunks.clear()
            if os.path.isdir(self.folder):
                with contextlib.suppress(OSError, RunError):
                    remove_folder(self.folder)
            raise CacheError(str(error)) from error
