"""Data sets of pictures in files: decoded once, into memory or onto the disk, or anew each time by other processes.

A source of files, such as data/listing.py's, has a length, `read(index) -> bytes` (which may raise BadImageError) and
`name(index)`, `labels`, `class_names`, `origin`, `digest` and `fingerprint`.
"""

import contextlib
import functools
import itertools
import math
import time

import numpy as np
from tqdm import tqdm

from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.data.cache import FORMAT, CacheError, PictureCache, cache_folder
from ppgan_lite.data.pictures import BadImageError, read_picture
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.data.spec import images
from ppgan_lite.data.workers import ahead
from ppgan_lite.errors import DataError, warn
from ppgan_lite.files import sha256

PART = 64  # pictures that a process decodes at once, at most, for the cache
PART_BYTES = 4 << 20  # and of these, at most
MOST_NAMED = 10  # bad files; the rest is counted
SKIP = "-o data.on_bad_image=skip"


def build(source, options, name: str) -> "PictureSet":
    """The data set of a source's pictures, as `options` (see Pictures in options.py) says.

    Raises:
        DataError: a file is no picture, and `on_bad_image` is `error` (with cache `none`: when it is come upon).
    """
    if options.cache == "memory":
        return DecodedPictures(source, options, name, *_decode_into_memory(source, options))
    if options.cache == "disk":
        try:
            return DecodedPictures(source, options, name, *_decode_onto_disk(source, options))
        except CacheError as error:
            warn(f"{error}; going on without a cache, so pictures are decoded in every epoch")
    return PicturesOnDemand(source, options, name)


class PictureSet(Dataset):
    """Item i is `image`, float32 [C, size, size] in [-1, 1], and `label`, int64.

    Attributes:
        source: its sha256 is of the files' names and sizes, not of pixels.
    """

    def __init__(self, source, options, name: str, kept: np.ndarray):
        super().__init__()
        self.spec = images(_shape(options), source.class_names)
        self.labels, self.flip = source.labels[kept], options.flip
        left_out = np.setdiff1d(np.arange(len(source)), kept).tolist()
        digest = sha256(f"{source.digest} {_shape(options)} {FORMAT} {left_out}".encode())
        self.source = Source(name, source.origin, digest, len(kept))


class DecodedPictures(PictureSet):
    """Pictures that are decoded already.

    Args:
        source, options, name: as of `build`.
        pixels: pixels[files] is uint8 [n, C, H, W].
        bad: the files that are no pictures, and why: they are left out.

    Raises:
        DataError: there are such files, and `options.on_bad_image` is `error`; or there are no others.
    """

    def __init__(self, source, options, name: str, pixels, bad: dict[int, str]):
        for file, reason in itertools.islice(bad.items(), MOST_NAMED):
            warn(f"{source.name(file)}: {reason}")
        if bad and (options.on_bad_image == "error" or len(bad) == len(source)):
            raise DataError(f"{source.origin}: {_count(bad, source)}; remove them, or leave them out: {SKIP}")
        if bad:
            warn(f"{source.origin}: {_count(bad, source)}, and left out")
        self._pixels, self._kept = pixels, np.setdiff1d(np.arange(len(source)), list(bad))
        super().__init__(source, options, name, self._kept)

    def batch(self, indices):
        return {"image": from_uint8(self.pixels("image", indices)), "label": self.labels[indices]}

    def pixels(self, field, indices):
        return self._pixels[self._kept[indices]]


class PicturesOnDemand(PictureSet):
    """Pictures that are decoded anew each time. If bad files may be skipped, the next good one takes the place of each.

    Args:
        source, options, name: as of `build`.
    """

    def __init__(self, source, options, name: str):
        super().__init__(source, options, name, np.arange(len(source)))
        self._files, self._workers, self._may_skip = source, options.workers, options.on_bad_image == "skip"
        self._bad = {}  # files that were told of, and why

    def batch(self, indices) -> dict[str, np.ndarray]:
        """The items at `indices`.

        Raises:
            DataError: a file is no picture, and may not be skipped, or there is no other.
        """
        pixels, labels = self._good(*self._decode(np.asarray(indices)))
        return {"image": from_uint8(pixels), "label": labels}

    def pixels(self, field, indices):
        return self._good(*self._decode(np.asarray(indices)))[0]

    def stream(self, batches):
        """Yield `batch(indices)` of each of `batches`, from processes that decode ahead; closing it ends them.

        Raises:
            DataError: as `batch`. RunError: as `ahead`.
        """
        with contextlib.closing(ahead(self._decode, batches, self._workers)) as decoded:
            for one in decoded:
                pixels, labels = self._good(*one)
                yield {"image": from_uint8(pixels), "label": labels}

    def _decode(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
        """Pixels uint8 [n, C, H, W], the files that they are of, and the bad ones among those that were tried."""
        pixels, bad = decode(self._files, self.spec["image"].shape, indices)
        taken = np.array(indices)
        for row in np.flatnonzero(np.isin(indices, list(bad))) if self._may_skip else ():
            for distance in range(1, len(self)):
                taken[row] = (indices[row] + distance) % len(self)
                pixels[row : row + 1], more = decode(self._files, self.spec["image"].shape, taken[row : row + 1])
                bad |= more
                if not more:
                    break
        return pixels, taken, bad

    def _good(self, pixels: np.ndarray, taken: np.ndarray, bad: dict[int, str]) -> tuple[np.ndarray, np.ndarray]:
        """Pixels uint8 [n, C, H, W] and labels [n] of good pictures; bad ones are reported. Raises DataError."""
        for file in sorted(bad.keys() - self._bad.keys()):
            told = f"{self._files.name(file)}: {bad[file]}"
            if not self._may_skip:
                raise DataError(f"{self.source.origin}: {told}; remove it, or go on without it: {SKIP}")
            self._bad[file] = bad[file]
            if len(self._bad) <= MOST_NAMED:
                warn(f"{told}; the next picture takes its place")
            elif len(self._bad) == MOST_NAMED + 1:
                warn(f"{self.source.origin}: more than {MOST_NAMED} files are no pictures; no more of them are named")
        if len(self._bad) == len(self):
            raise DataError(f"{self.source.origin}: {_count(self._bad, self._files)}")
        return pixels, self.labels[taken]


def decode(source, shape: tuple[int, int, int], files) -> tuple[np.ndarray, dict[int, str]]:
    """Decode some files of a source: uint8 [n, C, H, W], and why some of them, which become 0, are no pictures."""
    pixels, bad = np.zeros((len(files), *shape), np.uint8), {}
    for row, file in enumerate(files):
        try:
            pixels[row] = read_picture(source.read(file), shape[1], shape[0])
        except BadImageError as error:
            bad[int(file)] = str(error)
    return pixels, bad


def _decode_into_memory(source, options) -> tuple[np.ndarray, dict[int, str]]:
    """All pictures, uint8 [N, C, H, W], and why some files are none."""
    try:
        pixels = np.empty((len(source), *_shape(options)), np.uint8)
    except MemoryError as error:
        raise DataError(f"{source.origin}: its pictures do not fit into memory; set data.cache=disk") from error
    bad, done, start = {}, 0, time.monotonic()
    for num, part, reasons in _decode_ranges(source, options, [range(len(source))]):
        pixels[done : done + num] = part
        bad |= reasons
        done += num
    print(f"decoded in {time.monotonic() - start:.0f} s into {pixels.nbytes / 1e6:,.0f} MB of memory", flush=True)
    return pixels, bad


def _decode_onto_disk(source, options) -> tuple[PictureCache, dict[int, str]]:
    """All pictures in a cache, and why some files are none. Raises CacheError."""
    folder, start = cache_folder(source.fingerprint, _shape(options)), time.monotonic()
    cache = PictureCache(folder, len(source), _shape(options))
    if cache.build(functools.partial(_decode_ranges, source, options)):
        seconds, megabytes = time.monotonic() - start, cache.num_bytes / 1e6
        print(f"decoded in {seconds:.0f} s into {folder}, {len(source)} pictures, {megabytes:,.0f} MB", flush=True)
    elif mended := cache.bad.keys() - decode(source, _shape(options), cache.bad)[1]:
        cache.forget(mended)  # a file that could not be read then, and can be now
        return _decode_onto_disk(source, options)
    return cache, cache.bad


def _decode_ranges(source, options, ranges: list[range]):
    """Yield (number of files, their pictures, why some are none) of parts of each range of files, in their order."""
    length = max(1, min(PART, PART_BYTES // math.prod(_shape(options))))
    parts = [files[i : i + length] for files in ranges for i in range(0, len(files), length)]
    work, num = functools.partial(decode, source, _shape(options)), sum(map(len, parts))
    print(f"decoding {num} pictures of {source.origin}", flush=True)
    with (
        contextlib.closing(ahead(work, parts, options.workers)) as decoded,
        tqdm(total=num, unit=" pictures", leave=False, disable=None) as progress,
    ):
        for pixels, bad in decoded:
            yield len(pixels), pixels, bad
            progress.update(len(pixels))


def _shape(options) -> tuple[int, int, int]:
    return options.channels, options.size, options.size


def _count(bad: dict[int, str], source) -> str:
    """How many files are bad, and the first of them."""
    file, reason = next(iter(bad.items()))
    return f"{len(bad)} of {len(source)} files are no pictures ({source.name(file)}: {reason})"
