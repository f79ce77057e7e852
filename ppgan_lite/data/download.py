"""Downloads: from mirrors in turn, verified, and only whole files ever get their name."""

import hashlib
import http.client
import urllib.request
from pathlib import Path

from tqdm import tqdm

from ppgan_lite.errors import DataError
from ppgan_lite.files import disk_errors, writing

TIMEOUT_SECONDS = 10
CHUNK_BYTES = 1 << 16


class NoMirrorError(DataError):
    """No mirror gave the file."""


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
