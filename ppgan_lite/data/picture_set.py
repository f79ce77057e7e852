"""Data sets of pictures in files: decoded once into memory or onto disk, or on demand by worker processes.

The pictures come from `Files` (data/listing.py), such as a `Listing`.
"""

import contextlib
import functools
import itertools
import math
import time

import numpy as np
from tqdm import tqdm

from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.data.cache import FORMAT, CacheError, Decoded, PictureCache, cache_folder, fill
from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.data.spec import images
from ppgan_lite.data.workers import ahead
from ppgan_lite.errors import DataError, warn
from ppgan_lite.files import sha256

PART = 64  # most pictures that a worker decodes at once for the cache
PART_BYTES = 4 << 20  # and the most bytes
MOST_NAMED = 10  # bad files that are named; the rest is counted
COUNTED = [MOST_NAMED + 1, *(10**power for power in range(2, 9))]  # numbers of bad files at which they are counted
SKIP = "-o data.on_bad_image=skip"
NEARLY_BLACK = (
    "have 16 bits but stay below an eighth of their range, so they are nearly black; if their values have fewer bits, "
    "such as 12, scale them to 16"
)


def build(source, options, name: str, margin: int = 0) -> "PictureSet":
    """The data set of a source's pictures.

    Args:
        source: `Files`.
        options: `Pictures` (data/options.py).
        name: see `Source`.
        margin: pixels by which pictures are larger than `options.size` when they are decoded: see `Dataset.margin`.

    Raises:
        DataError: a file cannot be decoded, and `on_bad_image` is `error` (with cache `none`: when the file is first
            read).
    """
    shape = _shape(source, options, margin)
    if options.cache == "memory":
        return DecodedPictures(source, options, name, margin, *_decode_into_memory(source, options, shape))
    if options.cache == "disk":
        try:
            return DecodedPictures(source, options, name, margin, *_decode_onto_disk(source, options, shape))
        except CacheError as error:
            warn(f"{error}; continuing without a cache, so pictures are decoded in every epoch")
    return PicturesOnDemand(source, options, name, margin)


class PictureSet(Dataset):
    """Item i is `image`, float32 [C, size, size] in [-1, 1], and `label`, int64. C is of all that are stacked.

    Args:
        source, options, name, margin: see `build`.
        files: the source's files that are items, int64 [N].

    Attributes:
        source: a `Source`; its sha256 covers the files' names and sizes, not the pixels.
    """

    def __init__(self, source, options, name: str, margin: int, files: np.ndarray):
        super().__init__()
        self.spec = images(_shape(source, options, 0), source.class_names)
        self.labels, self.flip, self.margin = source.labels[files], options.flip, margin
        self._shape = _shape(source, options, margin)
        left_out = np.setdiff1d(np.arange(len(source)), files).tolist()
        digest = sha256(f"{source.digest} {self._shape} {FORMAT} {left_out}".encode())
        self.source = Source(name, source.origin, digest, len(files))

    def _centre(self, pixels: np.ndarray) -> np.ndarray:
        """Without the margin: [N, C, H + margin, W + margin] -> [N, C, H, W]."""
        _, height, width = self.spec["image"].shape
        start = self.margin // 2
        return pixels[:, :, start : start + height, start : start + width]


class DecodedPictures(PictureSet):
    """Pictures that have been decoded before.

    Args:
        source, options, name, margin: see `build`.
        pixels: pixels[files] is uint8 [n, C, H, W].
        bad: the files that could not be decoded, and why. They are left out.
        dim: the files that are nearly black: see `pictures.is_dim`.

    Raises:
        DataError: there are bad files and `options.on_bad_image` is `error`; or all files are bad.
    """

    def __init__(self, source, options, name: str, margin: int, pixels, bad: dict[int, str], dim: list[int]):
        for file, reason in itertools.islice(bad.items(), MOST_NAMED):
            warn(f"{source.name(file)}: {reason}")
        if bad and (options.on_bad_image == "error" or len(bad) == len(source)):
            raise DataError(f"{source.origin}: {_count(bad, source)}; remove them, or skip them with {SKIP}")
        if bad:
            warn(f"{source.origin}: {_count(bad, source)}; left out")
        if dim:
            warn(
                f"{source.origin}: {len(dim)} of {len(source)} pictures, such as {source.name(dim[0])}, {NEARLY_BLACK}"
            )
        self._pixels, self._good_files = pixels, np.setdiff1d(np.arange(len(source)), list(bad))
        super().__init__(source, options, name, margin, self._good_files)

    def batch(self, indices):
        return {"image": from_uint8(self.pixels("image", indices)), "label": self.labels[indices]}

    def pixels(self, field, indices):
        return self._centre(self._pixels[self._good_files[indices]])

    def stream(self, batches):
        for indices in batches:
            yield {"image": from_uint8(self._pixels[self._good_files[indices]]), "label": self.labels[indices]}


class PicturesOnDemand(PictureSet):
    """Pictures that are decoded on each use. If bad files may be skipped, the next good picture replaces each.

    Args:
        source, options, name, margin: see `build`.
    """

    def __init__(self, source, options, name: str, margin: int):
        super().__init__(source, options, name, margin, np.arange(len(source)))
        self._files, self._workers, self._may_skip = source, options.workers, options.on_bad_image == "skip"
        self._bad = {}  # bad files reported so far, and why they are bad
        self._warned_of_dim = False

    def batch(self, indices) -> dict[str, np.ndarray]:
        """The items at `indices`.

        Raises:
            DataError: a file cannot be decoded, and may not be skipped; or no file can be decoded.
        """
        pixels, *rest = self._decode(np.asarray(indices))
        return self._to_batch(self._centre(pixels), *rest)

    def pixels(self, field, indices):
        pixels, _, *remarks = self._decode(np.asarray(indices))
        self._report(*remarks)
        return self._centre(pixels)

    def stream(self, batches):
        """Yield a batch, with margin, for each of `batches`, decoded in advance by workers; closing it ends them.

        Raises:
            DataError: see `batch`. RunError: see `ahead`.
        """
        with contextlib.closing(ahead(self._decode, batches, self._workers)) as decoded:
            for batch in decoded:
                yield self._to_batch(*batch)

    def _decode(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[int, str], list[int]]:
        """Pixels, uint8 [n, C, H, W]; the files that they come from, [n]; and the bad and the dim files among them."""
        pixels, bad, dim = decode(self._files, self._shape, indices)
        files = np.array(indices)
        for row in np.flatnonzero(np.isin(indices, list(bad))) if self._may_skip else ():
            for distance in range(1, len(self)):
                files[row] = (indices[row] + distance) % len(self)
                pixels[row : row + 1], more, _ = decode(self._files, self._shape, files[row : row + 1])
                bad |= more
                if not more:
                    break
        return pixels, files, bad, dim

    def _to_batch(self, pixels: np.ndarray, files: np.ndarray, bad: dict[int, str], dim: list[int]):
        self._report(bad, dim)
        return {"image": from_uint8(pixels), "label": self.labels[files]}

    def _report(self, bad: dict[int, str], dim: list[int]):
        """Warn about bad files that have not been reported, and once about dim ones. Raises DataError: see `batch`."""
        if dim and not self._warned_of_dim:
            self._warned_of_dim = True
            warn(f"{self.source.origin}: pictures such as {self._files.name(dim[0])} {NEARLY_BLACK}")
        for file in sorted(bad.keys() - self._bad.keys()):
            problem = f"{self._files.name(file)}: {bad[file]}"
            if not self._may_skip:
                raise DataError(f"{self.source.origin}: {problem}; remove it, or skip it with {SKIP}")
            self._bad[file] = bad[file]
            if len(self._bad) <= MOST_NAMED:
                warn(f"{problem}; the next picture is used instead")
            elif len(self._bad) in COUNTED:
                warn(f"{self.source.origin}: {len(self._bad):,} files so far cannot be decoded; no more are named")
        if len(self._bad) == len(self):
            raise DataError(f"{self.source.origin}: {_count(self._bad, self._files)}")


def decode(source, shape: tuple[int, int, int], files) -> Decoded:
    """Decode some files of a source; `shape` is C, H, W of an item."""
    pixels, bad, dim = np.zeros((len(files), *shape), np.uint8), {}, []
    for row, file in enumerate(files):
        try:
            pixels[row], is_dim = source.picture(file, shape[1], shape[0] // source.stacked)
        except BadImageError as error:
            bad[int(file)] = str(error)
        else:
            if is_dim:
                dim.append(int(file))
    return Decoded(pixels, bad, dim)


def _decode_into_memory(source, options, shape) -> Decoded:
    start = time.monotonic()
    try:
        pixels = np.empty((len(source), *shape), np.uint8)
    except MemoryError as error:
        raise DataError(f"{source.origin}: its pictures do not fit into memory; set data.cache=disk") from error
    with contextlib.closing(_decode_ranges(source, options, shape, [range(len(source))])) as parts:
        decoded = fill(pixels, parts)
    print(f"decoded in {time.monotonic() - start:.0f} s into {pixels.nbytes / 1e6:,.0f} MB of memory", flush=True)
    return decoded


def _decode_onto_disk(source, options, shape) -> tuple[PictureCache, dict[int, str], list[int]]:
    """All pictures in a cache, why some files are bad, and which are dim. Raises CacheError."""
    folder, start = cache_folder(source.fingerprint, shape), time.monotonic()
    cache = PictureCache(folder, len(source), shape)
    if cache.build(functools.partial(_decode_ranges, source, options, shape)):
        seconds, megabytes = time.monotonic() - start, cache.num_bytes / 1e6
        print(f"decoded in {seconds:.0f} s into {folder}, {len(source)} pictures, {megabytes:,.0f} MB", flush=True)
    elif mended := cache.bad.keys() - decode(source, shape, cache.bad).bad:
        cache.forget(mended)  # files that could not be read when the cache was built, and can be now
        return _decode_onto_disk(source, options, shape)
    return cache, cache.bad, cache.dim


def _decode_ranges(source, options, shape, ranges: list[range]):
    """Yield the `Decoded` parts of each range of files, in order."""
    length = max(1, min(PART, PART_BYTES // math.prod(shape)))
    parts = [files[i : i + length] for files in ranges for i in range(0, len(files), length)]
    work, num = functools.partial(decode, source, shape), sum(map(len, parts))
    print(f"decoding {num} pictures of {source.origin}", flush=True)
    with (
        contextlib.closing(ahead(work, parts, options.workers)) as decoded,
        tqdm(total=num, unit=" pictures", leave=False, disable=None) as progress,
    ):
        for part in decoded:
            yield part
            progress.update(len(part.pixels))


def _shape(source, options, margin: int) -> tuple[int, int, int]:
    """C, H, W of an item as it is decoded."""
    return source.stacked * options.channels, options.size + margin, options.size + margin


def _count(bad: dict[int, str], source) -> str:
    """The number of bad files, with the first as an example."""
    file, reason = next(iter(bad.items()))
    return f"{len(bad)} of {len(source)} {source.KIND} cannot be decoded ({source.name(file)}: {reason})"
