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
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, locked, remove_folder, remove_leftovers, seal, unseal, writing

FORMAT = 1  # version of the cache files and of the decoding: raise it when either changes
CHUNK_BYTES = 64 << 20
CHUNK_PICTURES = 8192  # largest chunk: what an interruption can lose
INDEX = "index.json"


class CacheError(RunError):
    """A cache that cannot be written."""


class Decoded(NamedTuple):
    """The pictures of some consecutive files."""

    pixels: np.ndarray  # uint8 [n, C, H, W]; 0 for bad files
    bad: dict[int, str]  # number of a file that cannot be decoded -> reason


def fill(pixels: np.ndarray, parts) -> dict[int, str]:
    """Copy the next of `parts` (an iterator of `Decoded`) into `pixels` until it is full; returns their bad files."""
    bad, done = {}, 0
    while done < len(pixels):
        part = next(parts)
        pixels[done : done + len(part.pixels)] = part.pixels
        bad |= part.bad
        done += len(part.pixels)
    return bad


def cache_folder(fingerprint: str, shape: tuple[int, int, int]) -> Path:
    """The folder for the pictures of files with this fingerprint, decoded to this shape.

    It is in $PPGAN_CACHE, by default in ~/.cache/ppgan_lite.
    """
    root = os.environ.get("PPGAN_CACHE") or "~/.cache/ppgan_lite"
    key = hashlib.sha256(f"{fingerprint} {shape} {FORMAT}".encode()).hexdigest()
    return Path(root).expanduser() / key[:32]


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
        self._index = {}  # number of a complete chunk (str) -> {"sha256": of its pixels, "bad": {file (str): reason}}
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

    def build(self, decode) -> bool:
        """Add the missing and damaged chunks, after waiting for any other process that builds the same cache.

        Args:
            decode: decode(list of ranges of files) is a generator of `Decoded`, in the order of the files; none
                crosses the end of a range.

        Returns:
            whether any chunk was missing or damaged.

        Raises:
            CacheError: the folder cannot be written; it is removed.
        """
        with contextlib.ExitStack() as stack:
            with self._removing_if_full():
                stack.enter_context(locked(self.folder, waiting="another process is caching these pictures"))
                missing = self._find_missing()
            if missing:
                self._add(missing, decode)
        return bool(missing)

    def forget(self, files):
        """Remove the chunks of some files, so that `build` builds them again. Raises CacheError."""
        for number in {file // self._per_chunk for file in files}:
            with self._removing_if_full(), disk_errors(self._path(number)):
                self._path(number).unlink(missing_ok=True)

    def _find_missing(self) -> list[int]:
        """Open the complete chunks; returns the numbers of the others. Raises RunError: no disk space for these."""
        with disk_errors(self.folder):
            remove_leftovers(self.folder)
            free = shutil.disk_usage(self.folder).free
        saved, self._index, self._chunks = self._read_index(), {}, {}
        for number in range(len(self._files)):
            if (entry := saved.get(str(number))) and (pixels := self._open(number, entry["sha256"])) is not None:
                self._index[str(number)], self._chunks[number] = entry, pixels
        missing = [number for number in range(len(self._files)) if number not in self._chunks]
        needed = sum(len(self._files[number]) for number in missing) * math.prod(self._shape)
        if needed > free:
            raise RunError(f"{self.folder}: not enough disk space: {needed >> 20} MB needed, {free >> 20} MB free")
        return missing

    def _read_index(self) -> dict:
        """The index's entries; empty if the file is missing or damaged."""
        try:
            return unseal((self.folder / INDEX).read_bytes())["chunks"]
        except (OSError, TypeError, KeyError):  # TypeError: damaged, so unseal gives None; KeyError: of another kind
            return {}

    def _open(self, number: int, digest: str) -> np.ndarray | None:
        """A chunk's pixels; None if it is missing or damaged."""
        try:
            pixels = np.load(self._path(number), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        fits = pixels.dtype == np.uint8 and pixels.shape == (len(self._files[number]), *self._shape)
        return pixels if fits and hashlib.sha256(pixels).hexdigest() == digest else None

    def _add(self, missing: list[int], decode):
        with contextlib.closing(decode([self._files[number] for number in missing])) as parts:
            for number in missing:
                pixels = np.empty((len(self._files[number]), *self._shape), np.uint8)
                bad = fill(pixels, parts)
                with self._removing_if_full():
                    self._write(number, pixels, bad)

    def _write(self, number: int, pixels: np.ndarray, bad: dict[int, str]):
        with writing(self._path(number)) as stream:
            np.save(stream, pixels, allow_pickle=False)
        bad = {str(file): reason for file, reason in bad.items()}
        self._index[str(number)] = {"sha256": hashlib.sha256(pixels).hexdigest(), "bad": bad}
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
            with contextlib.suppress(OSError):
                remove_folder(self.folder)
            raise CacheError(str(error)) from error
