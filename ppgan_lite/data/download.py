"""Published files: found on disk, or downloaded from the first mirror that answers and verified.

A file gets its name only when it is complete.
"""

import hashlib
import http.client
import os
import urllib.request
from pathlib import Path

from tqdm import tqdm

from ppgan_lite.errors import DataError
from ppgan_lite.files import disk_errors, writing

CACHE = Path("~/.cache/paddle/dataset")  # paddle.vision.datasets also keeps its files there
TIMEOUT_SECONDS = 10
CHUNK_BYTES = 1 << 16


class NoMirrorError(DataError):
    """No mirror provided the file."""


def find(name: str, files, root: str | None) -> Path | None:
    """The first folder `name` with all `files`, searched in `root`, $PPGAN_DATA and the cache; None: not found.

    Raises:
        DataError: `root` is given but does not exist.
    """
    for place in (root, os.environ.get("PPGAN_DATA"), CACHE):
        if not place:
            continue
        try:
            folder = Path(place).expanduser() / name
            if all((folder / file).exists() for file in files):
                return folder
            if place == root and not folder.parent.is_dir():
                raise DataError(f"data.root: {root}: no such folder; set it to the parent of {name}/, or to null")
        except (OSError, RuntimeError) as error:  # no permission, a name too long, ~nobody
            raise DataError(f"{place}: cannot search it for {name}/: {error}") from error
    return None


def find_or_download(
    name: str, checksums: dict[str, str], mirrors, root: str | None, algorithm: str = "sha256"
) -> Path:
    """The folder `name` with all files of `checksums` (see `find`); missing files are downloaded to the cache.

    Checksums are verified for downloads only. `mirrors` and `algorithm`: see `download`.

    Raises:
        DataError: `root` is given but does not exist.
        NoMirrorError: a file is not found, and no mirror provides it.
        RunError: the cache cannot be written.
    """
    folder = find(name, checksums, root)
    if folder is not None:
        return folder
    folder = CACHE.expanduser() / name
    for file, checksum in checksums.items():
        if not (folder / file).exists():
            download(file, mirrors, folder, checksum, algorithm)
    return folder


def download(file: str, mirrors, folder: Path, checksum: str, algorithm: str = "sha256"):
    """Write `folder/file`, fetched from the first of `mirrors` (URL prefixes) with the right content.

    `algorithm` is the checksum's name in hashlib.

    Raises:
        NoMirrorError: no mirror provided content with this checksum.
        RunError: the file cannot be written.
    """
    failures = []
    for mirror in mirrors:
        try:
            content = _fetch(mirror + file)
        except (OSError, ValueError, http.client.HTTPException) as error:
            failures.append(f"{mirror}: {getattr(error, 'reason', error)}")
            continue
        if hashlib.new(algorithm, content).hexdigest() != checksum:
            failures.append(f"{mirror}: wrong checksum")
            continue
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with writing(folder / file) as stream:
            stream.write(content)
        return
    raise NoMirrorError(f"{file}: not in {folder}, and not available from any mirror ({'; '.join(failures)})")


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 (our own https mirrors)
        total = int(response.headers.get("Content-Length") or 0) or None
        chunks = []
        with tqdm(total=total, unit="B", unit_scale=True, desc=url, leave=False) as progress:
            while chunk := response.read(CHUNK_BYTES):
                chunks.append(chunk)
                progress.update(len(chunk))
    return b"".join(chunks)
