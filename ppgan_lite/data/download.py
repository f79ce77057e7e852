"""Published files: looked for, or downloaded from mirrors in turn, verified; only whole files ever get their name."""

import hashlib
import http.client
import os
import urllib.request
from pathlib import Path

from tqdm import tqdm

from ppgan_lite.errors import DataError
from ppgan_lite.files import disk_errors, writing

CACHE = Path("~/.cache/paddle/dataset")  # where paddle.vision.datasets keeps its files, too
TIMEOUT_SECONDS = 10
CHUNK_BYTES = 1 << 16


class NoMirrorError(DataError):
    """No mirror gave the file."""


def find(name: str, files, root: str | None) -> Path | None:
    """The first folder `name` that holds all `files`: below `root`, $PPGAN_DATA or the cache; None if nowhere.

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
                raise DataError(f"data.root: {root}: no such folder; give one that holds {name}/, or null")
        except (OSError, RuntimeError) as error:  # no permission, a name too long, ~nobody
            raise DataError(f"{place}: cannot be searched for {name}/: {error}") from error
    return None


def find_or_download(
    name: str, checksums: dict[str, str], mirrors, root: str | None, algorithm: str = "sha256"
) -> Path:
    """The folder `name` with all the files of `checksums` (see `find`), downloaded to the cache if it is nowhere.

    Those that are found are not checked here. `mirrors` and `algorithm`: see `download`.

    Raises:
        DataError: `root` is given but does not exist.
        NoMirrorError: nowhere to be found, and no mirror gives what is missing.
        RunError: the cache cannot be written.
    """
    found = find(name, checksums, root)
    if found is not None:
        return found
    folder = CACHE.expanduser() / name
    for file, checksum in checksums.items():
        if not (folder / file).exists():
            download(file, mirrors, folder, checksum, algorithm)
    return folder


def download(file: str, mirrors, folder: Path, checksum: str, algorithm: str = "sha256"):
    """Write `folder/file`, fetched from the first of `mirrors` (URL prefixes) that gives the right content.

    `algorithm` is the checksum's, by hashlib's name.

    Raises:
        NoMirrorError: no mirror answered with the content of that checksum.
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
    raise NoMirrorError(f"{file} is not in {folder}, and no mirror gave it ({'; '.join(failures)})")


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 (our own https mirrors)
        total = int(response.headers.get("Content-Length") or 0) or None
        chunks = []
        with tqdm(total=total, unit="B", unit_scale=True, desc=url, leave=False) as progress:
            while chunk := response.read(CHUNK_BYTES):
                chunks.append(chunk)
                progress.update(len(chunk))
    return b"".join(chunks)
