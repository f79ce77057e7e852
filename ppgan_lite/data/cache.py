"""Decoded pictures on the disk, so that each is decoded once, and not in every epoch of every run.

A cache is a folder of chunks, `00000.npy` and so on: uint8 [n, C, H, W], the pictures of files that follow one another.
`index.json` has the checksums of those that are whole, and is written anew after each: so an interrupted build goes on
with the chunks that are missing, and a damaged one is made again.
"""

import contextlib
import hashlib
import math
import os
import shutil
from pathlib import Path

import numpy as np

from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, locked, remove_folder, remove_leftovers, seal, unseal, writing

FORMAT = 1  # of these files, and of how pictures are decoded: to be raised when either changes
CHUNK_BYTES = 64 << 20
CHUNK_PICTURES = 8192  # at most: what is decoded once more after an interruption
INDEX = "index.json"


class CacheError(RunError):
    """A cache that cannot be written."""


def cache_folder(fingerprint: str, shape: tuple[int, int, int]) -> Path:
    """Where the pictures of files with that fingerprint are kept, decoded to that shape.

    Below $PPGAN_CACHE, or else ~/.cache/ppgan_lite.
    """
    root = os.environ.get("PPGAN_CACHE") or "~/.cache/ppgan_lite"
    key = hashlib.sha256(f"{fingerprint} {shape} {FORMAT}".encode()).hexdigest()
    return Path(root).expanduser() / key[:32]


class PictureCache:
    """The pictures of some files: once `build` has seen to it that all are there, `cache[files]` is uint8 [n, C, H, W].

    Args:
        folder: of the cache.
        num: files.
        shape: C, H, W.

    Attributes:
        num_bytes: of all pictures.
    """

    def __init__(self, folder: Path, num: int, shape: tuple[int, int, int]):
        self.folder, self._shape = Path(folder), tuple(shape)
        size = math.prod(shape)
        self._per_chunk = max(1, min(CHUNK_PICTURES, CHUNK_BYTES // size))
        self._files = [range(start, min(start + self._per_chunk, num)) for start in range(0, num, self._per_chunk)]
        self._index = {}  # number of a whole chunk, as text -> {"sha256": of its pixels, "bad": {file, as text: why}}
        self._chunks = {}  # number of a whole chunk -> uint8 [n, C, H, W], mapped
        self.num_bytes = num * size

    def __getitem__(self, files: np.ndarray) -> np.ndarray:
        numbers, rows = np.divmod(files, self._per_chunk)
        pixels = np.empty((len(files), *self._shape), np.uint8)
        for number in np.unique(numbers):
            wanted = numbers == number
            pixels[wanted] = self._chunks[number][rows[wanted]]
        return pixels

    @property
    def bad(self) -> dict[int, str]:
        """The files that are no pictures, in their order, and why. Their pixels are 0."""
        entries = (self._index[str(number)]["bad"] for number in range(len(self._files)))
        return {int(file): reason for entry in entries for file, reason in entry.items()}

    def build(self, decode) -> bool:
        """Add the chunks that are missing or damaged, after waiting for any other process that builds the same cache.

        Args:
            decode: takes ranges of files and yields parts of each, in order: how many files they are, their pictures
                uint8 [n, C, H, W], and those of the files, if any, that are none: file -> why.

        Returns:
            whether any were missing.

        Raises:
            CacheError: the folder cannot be written; it is removed.
        """
        with contextlib.ExitStack() as stack:
            with self._removing_if_full():
                stack.enter_context(locked(self.folder, waiting="another process caches these pictures"))
                missing = self._find_missing()
            if missing:
                self._add(missing, decode)
        return bool(missing)

    def forget(self, files):
        """Remove the chunks of some files, for `build` to make them anew. Raises CacheError."""
        for number in {file // self._per_chunk for file in files}:
            with self._removing_if_full(), disk_errors(self._path(number)):
                self._path(number).unlink(missing_ok=True)

    def _find_missing(self) -> list[int]:
        """Open the chunks that are whole; returns the numbers of the others, for which there is enough space."""
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
            raise RunError(f"{self.folder}: {needed >> 20} MB are needed there, but {free >> 20} are free")
        return missing

    def _read_index(self) -> dict:
        """What the index tells of chunks; nothing if it is not there, or not as it was written."""
        try:
            return unseal((self.folder / INDEX).read_bytes())["chunks"]
        except (OSError, TypeError, KeyError):  # TypeError: there is no record, KeyError: that of something else
            return {}

    def _open(self, number: int, digest: str) -> np.ndarray | None:
        """A chunk's pixels; None if it is not there, or not as it was written."""
        try:
            pixels = np.load(self._path(number), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        fits = pixels.dtype == np.uint8 and pixels.shape == (len(self._files[number]), *self._shape)
        return pixels if fits and hashlib.sha256(pixels).hexdigest() == digest else None

    def _add(self, missing: list[int], decode):
        with contextlib.closing(decode([self._files[number] for number in missing])) as parts:
            for number in missing:
                pixels, bad, done = np.empty((len(self._files[number]), *self._shape), np.uint8), {}, 0
                while done < len(pixels):
                    num, part, reasons = next(parts)
                    pixels[done : done + num] = part
                    bad |= reasons
                    done += num
                with self._removing_if_full():
                    self._write(number, pixels, bad)

    def _write(self, number: int, pixels: np.ndarray, bad: dict[int, str]):
        with writing(self._path(number)) as stream:
            np.save(stream, pixels, allow_pickle=False)
        told = {str(file): reason for file, reason in bad.items()}
        self._index[str(number)] = {"sha256": hashlib.sha256(pixels).hexdigest(), "bad": told}
        with writing(self.folder / INDEX) as stream:
            stream.write(seal({"chunks": self._index}))
        with disk_errors(self._path(number)):
            self._chunks[number] = np.load(self._path(number), mmap_mode="r", allow_pickle=False)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npy"

    @contextlib.contextmanager
    def _removing_if_full(self):
        """Remove the cache where it cannot be written: the run that has to do without needs the space."""
        try:
            yield
        except RunError as error:
            self._chunks.clear()
            with contextlib.suppress(OSError):
                remove_folder(self.folder)
            raise CacheError(str(error)) from error
