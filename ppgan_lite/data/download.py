"""Published files: found on disk, or downloaded from the first mirror that answers and verified.

A file gets its name only when it is complete.
"""

import contextlib
import hashlib
import http.client
import io
import itertools
import os
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from ppgan_lite.errors import DataError, RunError, one_line
from ppgan_lite.files import expand_home, locked, remove_leftovers, writing
from ppgan_lite.schema.text import escape_hint

CACHE = Path("~/.cache/paddle/dataset")  # paddle.vision.datasets also keeps its files there
RAW = "raw"  # the folder in a data set's folder where torchvision keeps the files
LEVELS = 2  # how deep folders are searched in a data set's folder
MOST_NAMED = 6  # files of a folder in a message

MAX_BYTES = 1 << 28  # limit for one file; the longest, CIFAR-10, has 170 MB
TIMEOUT_SECONDS = 10  # without any answer
GRACE_SECONDS, MIN_BYTES_PER_SECOND = 30, 5000  # an answer may take so long, and longer at this speed
CHUNK_BYTES = 1 << 16
REASON_CHARACTERS = 150


class NoMirrorError(DataError):
    """No mirror provided the file.

    Attributes:
        summary: the file that is missing.
        reasons: a text for each mirror that failed, and for each folder that was searched.
        advice: what to do.
    """

    def __init__(self, summary: str, reasons=(), advice: str = ""):
        self.summary, self.reasons, self.advice = summary, list(reasons), advice
        causes = f" ({'; '.join(reasons)})" if reasons else ""
        super().__init__(summary + causes + (advice and f"; {advice}"))


def find(name: str, files, root: str | None, inner=()) -> Path | None:
    """The first folder with all `files`; None: not found.

    The folders are `name` in `root`, `root` itself, `name` in $PPGAN_DATA and in the cache, and $PPGAN_DATA itself, in
    this order. In each the files may be in a folder `raw`, or with a name of `inner`. For other spellings see
    `path_in`. `root` may be one of the files.

    Raises:
        DataError: `root` is given but does not exist, is another file, or a place cannot be searched.
    """
    given, shared, cache = _places(name, files, root)
    folders = itertools.chain(
        _named(name, inner, given),
        _with_inner(given, inner),
        _named(name, inner, [*shared, *cache]),
        _with_inner(shared, inner),
    )
    try:
        return next((folder for folder in folders if _has(folder, files)), None)
    except OSError as error:
        raise DataError(f"{error.filename}: cannot search it for {name}/: {error}") from error


def path_in(folder: Path, file: str) -> Path | None:
    """The path of a file in a folder; None: it is not there.

    If no file has the name itself, one may have it in another spelling: in another case, with other punctuation, or
    with or without .gz or .xz. Unpacked files of MNIST are called train-images-idx3-ubyte, and train-images.idx3-ubyte.
    """
    if os.path.lexists(folder / file):
        return folder / file
    paths = (folder / name for name in _names(folder) if _spelling(name) == _spelling(file))
    return next((path for path in paths if not path.is_dir()), None)


def shortage(name: str, files, root: str | None, inner=()) -> list[str]:
    """What was found in place of the files: a text for `root`, for $PPGAN_DATA, and for the cache if it has some."""
    given, shared, cache = _places(name, files, root)
    texts = [_found([*_named(name, inner, [place]), *_with_inner([place], inner)], files) for place in given + shared]
    return texts + [_found([folder], files) for folder in _named(name, (), cache)]


def find_or_download(
    name: str, checksums: dict[str, str], mirrors, root: str | None, algorithm="sha256", limit=MAX_BYTES
) -> Path:
    """The folder with all files of `checksums` (see `find`); missing files are downloaded to the cache.

    Checksums are verified for downloads only. `mirrors`, `algorithm` and `limit`: see `download`.

    Raises:
        DataError: see `find`.
        NoMirrorError: a file is not found, and no mirror provides it, or it cannot be kept in the cache.
    """
    folder = find(name, checksums, root)
    if folder is not None:
        return folder
    missing = next(iter(checksums))
    try:
        folder = expand_home(CACHE) / name
        for missing in checksums:
            if not path_in(folder, missing):
                download(missing, mirrors, folder, checksums[missing], algorithm, limit)
    except (NoMirrorError, RunError) as error:
        summary = getattr(error, "summary", f"{missing}: not found, and cannot be downloaded")
        reasons = [*getattr(error, "reasons", [str(error)]), *shortage(name, checksums, root)]
        source = f"download {', '.join(checksums)} from {mirrors[0]} elsewhere, put them" if mirrors else "put them"
        advice = f"{source} into a folder {name}/ and set data.root or PPGAN_DATA to the parent of this folder"
        raise NoMirrorError(summary, reasons, advice) from error
    return folder


def download(file: str, mirrors, folder: Path, checksum: str, algorithm: str = "sha256", limit: int = MAX_BYTES):
    """Write `folder/file`, fetched from the first of `mirrors` (URL prefixes) with the right content.

    Args:
        algorithm: the checksum's name in hashlib.
        limit: number of bytes that the file has at most.

    Raises:
        NoMirrorError: no mirror provided content with this checksum.
        RunError: the file cannot be written.
    """
    failures = []
    for mirror in mirrors:
        try:
            content = _fetch(mirror + file, limit)
            _verify(content, checksum, algorithm)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = one_line(getattr(error, "reason", error)) or type(error).__name__
            failures.append(f"{mirror}: {reason[:REASON_CHARACTERS]}")
            continue
        with locked(folder, "another process is writing there"):
            remove_leftovers(folder)
            with writing(folder / file) as stream:
                stream.write(content)
        return
    raise NoMirrorError(f"{file}: not in {folder}, and not available from any mirror", failures)


def _verify(content: bytes, checksum: str, algorithm: str):
    """Raises ValueError: the content has another checksum."""
    if hashlib.new(algorithm, content).hexdigest() == checksum:
        return
    if content[:1000].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ValueError("an HTML page in place of the file, perhaps of a login or a proxy")
    raise ValueError("wrong checksum")


def _fetch(url: str, limit: int) -> bytes:
    """The content at a URL.

    Raises:
        OSError, ValueError, http.client.HTTPException: there is no answer, or it is too long, too short or too slow.
    """
    opener = urllib.request.build_opener(_HTTPHandler, _HTTPSHandler, _Redirects)
    with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        content = bytearray()
        with tqdm(total=total, unit="B", unit_scale=True, desc=url, leave=False) as progress:
            while max(total or 0, len(content)) <= limit and (chunk := response.read(CHUNK_BYTES)):
                content += chunk
                progress.update(len(chunk))
    if max(total or 0, len(content)) > limit:
        raise ValueError(f"more than the {limit:,} bytes of the file")
    if len(content) < (total or 0):
        raise ValueError(f"broke off after {len(content):,} of {total:,} bytes")
    return bytes(content)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https only, or from http to http."""

    def redirect_request(self, request, stream, code, message, headers, url):
        if url.partition(":")[0].lower() not in ("https", request.type):
            raise urllib.error.URLError(f"redirects to {url}, which is not https")
        return super().redirect_request(request, stream, code, message, headers, url)


class _Paced(io.RawIOBase):
    """What a socket receives.

    The socket's own timeout begins again with every byte, so that an answer could last for ever.
    """

    def __init__(self, stream):
        self._stream, self._start, self._count = stream, time.monotonic(), 0

    def readable(self):
        return True

    def readinto(self, buffer):
        """Raises TimeoutError: too slow since the first call."""
        count = self._stream.readinto(buffer)
        self._count += count or 0
        seconds = time.monotonic() - self._start
        if seconds > GRACE_SECONDS + self._count / MIN_BYTES_PER_SECOND:
            raise TimeoutError(f"too slow: {self._count:,} bytes in {seconds:.0f} s")
        return count

    def close(self):
        self._stream.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fp = io.BufferedReader(_Paced(self.fp.detach()))


class _Connection(http.client.HTTPConnection):
    response_class = _Response


class _SecureConnection(http.client.HTTPSConnection):
    response_class = _Response


class _HTTPHandler(urllib.request.HTTPHandler):
    def http_open(self, request):
        return self.do_open(_Connection, request)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def https_open(self, request):
        return self.do_open(_SecureConnection, request)


def _places(name: str, files, root: str | None) -> tuple[list[Path], list[Path], list[Path]]:
    """`root`, $PPGAN_DATA and the cache, each [] if it is not given, or if there is no home folder."""
    variable, cache = os.environ.get("PPGAN_DATA"), []
    with contextlib.suppress(RunError):
        cache = [expand_home(CACHE)]
    return [_root_folder(name, files, root)] if root else [], [_expand(variable, name)] if variable else [], cache


def _root_folder(name: str, files, root: str) -> Path:
    """`root`, or the folder of the files if `root` is a file next to them. Raises DataError: see `find`."""
    path = _expand(root, name)
    try:
        if path.is_dir():
            return path
        exists = path.exists()
    except OSError as error:  # no permission, a name too long
        raise DataError(f"{root}: cannot search it for {name}/: {error}") from error
    if not exists:
        raise DataError(
            f"data.root: {root}: no such folder; set it to the parent of {name}/, or to null{escape_hint(root)}"
        )
    if not _has(path.parent, files):
        raise DataError(f"data.root: {root}: not a folder; set it to the folder with {', '.join(files)}")
    return path.parent


def _expand(place: str, name: str) -> Path:
    try:
        return expand_home(place)
    except RunError as error:
        raise DataError(f"{place}: cannot search it for {name}/: the home folder is not known") from error


def _named(name: str, inner, places: list[Path]):
    """Yield the folders `name` in the places, and those in them."""
    return _with_inner((folder for place in places for folder in _subfolders(place, [name])), inner)


def _with_inner(folders, inner, levels: int = LEVELS):
    """Yield folders, the folders in them that are called `raw` or have a name of `inner`, and those in them."""
    for folder in folders:
        yield folder
        if levels:
            yield from _with_inner(_subfolders(folder, [RAW, *inner]), inner, levels - 1)


def _subfolders(folder: Path, names) -> list[Path]:
    """The folders in a folder that have one of these names, then in other spellings."""
    spellings = set(map(_spelling, names))
    alike = [name for name in _names(folder) if _spelling(name) in spellings]
    return [path for name in dict.fromkeys([*names, *alike]) if os.path.isdir(path := folder / name)]


def _has(folder: Path, files) -> bool:
    return all(path_in(folder, file) for file in files)


def _found(folders: list[Path], files) -> str:
    """What is in the first of the folders that has any of the files, or in the first of all."""
    folder = next((folder for folder in folders if any(path_in(folder, file) for file in files)), folders[0])
    found = [path.name for file in files if (path := path_in(folder, file))]
    missing = ", ".join(file for file in files if not path_in(folder, file))
    if not found and not os.path.isdir(folder):
        return f"{folder}: no such folder"
    names = found or _names(folder)
    if not names:
        return f"{folder} is empty"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"found {', '.join(names[:MOST_NAMED])}{more} in {folder}, but not {missing}"


def _names(folder: Path) -> list[str]:
    """The names of what a folder contains, sorted. Raises OSError: the folder cannot be searched."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        if os.access(folder, os.X_OK):  # what it contains can be opened, but not listed
            return []
        raise


def _spelling(name: str) -> str:
    """The same for all spellings of a name (see `path_in`)."""
    name = re.sub(r"\.tgz$", ".tar", name.casefold()).removesuffix(".gz").removesuffix(".xz")
    return re.sub(r"[\W_]", "", name)
