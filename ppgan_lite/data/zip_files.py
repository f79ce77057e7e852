"""The picture files in a zip file: their names as other programs wrote them, and their contents."""

import errno
import os
import posixpath
import re
import stat
import struct
import zipfile
import zlib
from typing import NamedTuple

from ppgan_lite.data.passed_over import HIDDEN, LINKS, START_BYTES, TWICE, PassedOver, is_hidden, looks_like_picture
from ppgan_lite.data.passed_over import suffix as suffix_of
from ppgan_lite.data.pictures import SUFFIXES, BadImageError
from ppgan_lite.errors import DataError

_ENCRYPTED, _UTF8 = 1, 1 << 11  # flags of a file
_UNICODE_PATH = 0x7075  # extra field: the name in UTF-8
_LOCAL_HEADER = b"PK\x03\x04"
_LOCAL_HEADER_BYTES = 30  # up to the file's name
_DEFLATE_RATIO = 1032  # bytes that one deflated byte can hold at most
_INT64 = 2**63 - 1
# Letters that are rare in names. GBK's bytes for some common Chinese words are such letters in UTF-8.
_RARE = re.compile("[\u0180-\u019f\u01a2-\u01ae\u01b1-\u02ff\u0370-\u0385\u03cf-\u03ff\u0460-\u058f\u0700-\u07ff]")

# What zipfile raises for damaged and malicious files; ValueError: names that are not in the encoding they claim.
_ERRORS = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    MemoryError,
    EOFError,
    struct.error,
)
_OTHER_FILES = {  # first bytes of a file -> what it is
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it",
    b"Rar!\x1a\x07": "a RAR archive: unpack it",
    b"\x1f\x8b": "a gzip archive (.tar.gz, .tgz or .gz): unpack it",
    b"BZh": "a bzip2 archive: unpack it",
    b"\xfd7zXZ\0": "an xz archive: unpack it",
    b"\x28\xb5\x2f\xfd": "a zstd archive: unpack it",
    b"PK": "the beginning of a zip file, damaged or incomplete: copy or download it again",
    b"<": "a web page or other text, perhaps in place of a download: download it again",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself: run git lfs pull",
}
_TAR = slice(257, 262)  # place of "ustar" in a tar archive


class Entry(NamedTuple):
    """What the zip file's directory says about a file."""

    size: int  # bytes
    crc: int
    offset: int  # place of its local header in the zip file
    packed_size: int  # bytes
    method: int  # how it is compressed, as in zipfile


def scan(origin: str, option: str = "root"):
    """The names of the pictures in a zip file, their facts, what is passed over, and how names were decoded.

    The last is None where the zip file says that all its names are in UTF-8 or ASCII.

    Args:
        origin: the zip file.
        option: the key of `data` that names it, for the messages.

    Raises:
        DataError: it is not a regular file, not a valid zip file, or a picture in it is encrypted or compressed with
            another method than deflate.
    """
    if (problem := _not_regular(origin)) is not None:
        raise DataError(f"data.{option}: {origin}: neither a folder nor a valid zip file: {problem}")
    try:
        with zipfile.ZipFile(origin) as file:
            infos = file.infolist()
            names, decoded_as = _names(infos)
            pictures, passed = _pictures(infos, names)
            by_name = dict(zip(names, infos, strict=True))
            passed.add_alike(lambda name: _start(file, by_name[name]))
    except _ERRORS as error:
        reason = _other_file(origin) or getattr(error, "strerror", None) or error
        raise DataError(f"data.{option}: {origin}: neither a folder nor a valid zip file: {reason}") from error
    for name, info in pictures.items():
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(
                f"data.{option}: {origin}: {name} is encrypted, or compressed with another method than deflate; "
                "create a plain zip file"
            )
    entries = [_entry(info) for info in pictures.values()]
    facts = {fact: [getattr(entry, fact) for entry in entries] for fact in Entry._fields}
    return list(pictures), facts, passed, decoded_as


def unpack(file, entry: Entry, limit: int) -> bytes:
    """The content of a file in the zip file `file`, an open binary stream.

    Raises:
        BadImageError: it is damaged, or has more than `limit` bytes.
    """
    if not _is_possible(entry, os.fstat(file.fileno()).st_size, limit):
        raise BadImageError("damaged in the zip file")
    if entry.size > limit:
        raise BadImageError(f"{entry.size:,} bytes, more than the limit of {limit:,}")
    file.seek(entry.offset)
    header = file.read(_LOCAL_HEADER_BYTES)
    extra = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(extra, os.SEEK_CUR)
    content = file.read(entry.packed_size)
    if entry.method == zipfile.ZIP_DEFLATED:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, entry.size + 1)
        except zlib.error as error:
            raise BadImageError("damaged in the zip file") from error
    if not header.startswith(_LOCAL_HEADER) or len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise BadImageError("damaged in the zip file")
    return content


def read_file(origin: str, name: str, limit: int) -> bytes:
    """The content of a file in a zip file, by its path in it; of several files of one name, the last.

    Raises:
        OSError: the zip file cannot be read, or has no such file.
        BadImageError: see `unpack`.
    """
    try:
        with zipfile.ZipFile(origin) as file:
            infos = file.infolist()
        info = dict(zip(_names(infos)[0], infos, strict=True))[_normalised(name)]
    except KeyError as error:
        raise FileNotFoundError(errno.ENOENT, "no such file in the zip file", name) from error
    except _ERRORS as error:
        raise OSError(errno.EINVAL, str(error), name) from error
    with open(origin, "rb") as file:
        return unpack(file, _entry(info), limit)


def _is_possible(entry: Entry, num_bytes: int, limit: int) -> bool:
    """Whether a zip file of `num_bytes` can have such a file; one of `limit` bytes is hardly longer when packed."""
    inside = 0 <= entry.offset <= num_bytes - _LOCAL_HEADER_BYTES - entry.packed_size
    if entry.method == zipfile.ZIP_STORED:
        return inside and entry.size == entry.packed_size
    return inside and entry.size <= _DEFLATE_RATIO * (entry.packed_size + 1) and entry.packed_size <= 2 * limit


def _entry(info: zipfile.ZipInfo) -> Entry:
    numbers = (info.file_size, info.CRC, info.header_offset, info.compress_size, info.compress_type)
    return Entry(*(max(-_INT64, min(number, _INT64)) for number in numbers))  # 64-bit fields may have any value


def _names(infos: list[zipfile.ZipInfo]) -> tuple[list[str], str | None]:
    """Each file's path below the zip file, normalised; and how names without a mark for UTF-8 were decoded."""
    # zipfile decodes names without the mark as cp437, which has a character for every byte.
    unmarked = [info.orig_filename.encode("cp437") for info in infos if not info.flag_bits & _UTF8]
    encoding = _encoding(b"\n".join(unmarked))
    names = []
    for info in infos:
        name = info.orig_filename
        if not info.flag_bits & _UTF8:
            raw = name.encode("cp437")
            name = _unicode_path(info.extra, raw) or raw.decode(encoding or "ascii")
        names.append(_normalised(name))
    return names, encoding


def _encoding(raw: bytes) -> str | None:
    """The encoding of names without a mark, all joined; None: ASCII.

    macOS writes UTF-8 without the mark, Windows the system's encoding: GBK in China. cp437 is right if it gives
    letters: in place of other encodings' characters it has lines and symbols, too.
    """
    if raw.isascii():
        return None
    if _decodes(raw, "utf-8") and not (_decodes(raw, "gb2312") and _RARE.search(raw.decode())):
        return "utf-8"
    words = all(character.isalnum() for character in raw.decode("cp437") if not character.isascii())
    return "gbk" if not words and _decodes(raw, "gbk") else "cp437"


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in the extra field of Info-ZIP, if it belongs to the name `raw`: version 1, its CRC, the name."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and field[:5] == b"\1" + zlib.crc32(raw).to_bytes(4, "little"):
            return field[5:].decode("utf-8") if _decodes(field[5:], "utf-8") else None
    return None


def _normalised(name: str) -> str:
    r"""A path below the zip file, as unpacking gives it: no `./`, `../`, `\`, drive or double slash; folders end in /.

    As zipfile does, it ends at a zero character.
    """
    path = name.partition("\0")[0].replace("\\", "/")
    path = re.sub("^[A-Za-z]:/", "", path)
    below = posixpath.normpath("/" + path.lstrip("/")).lstrip("/")
    return f"{below}/" if path.endswith("/") else below


def _pictures(infos, names) -> tuple[dict[str, zipfile.ZipInfo], PassedOver]:
    """The pictures by name, and what is passed over. Unpacking leaves the last of several files of one name."""
    files, passed = {}, PassedOver()
    for name, info in zip(names, infos, strict=True):
        if name.endswith("/") or not name:  # a folder
            continue
        if any(map(is_hidden, name.split("/"))):
            passed.add(HIDDEN, name)
        elif stat.S_ISLNK(info.external_attr >> 16):
            passed.add(LINKS, name)
        elif suffix_of(name) not in SUFFIXES:
            passed.add_other(name)
        else:
            if name in files:
                passed.add(TWICE, name)
            files[name] = info
    return files, passed


def _start(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The first bytes of a file; empty if it cannot be read."""
    try:
        with file.open(info) as stream:
            return stream.read(START_BYTES)
    except _ERRORS:
        return b""


def _not_regular(path: str) -> str | None:
    try:
        status = os.stat(path)
    except OSError as error:
        return error.strerror
    if not stat.S_ISREG(status.st_mode):
        return "a pipe, socket or device; give a folder or a zip file"
    return None if status.st_size else "the file is empty; copy or download it again"


def _other_file(path: str) -> str | None:
    """What a file is that is not a zip file, and what to do; None: unknown."""
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError:
        return None
    if looks_like_picture(start):
        return "a single picture: give the folder that it is in"
    if start[_TAR] == b"ustar":
        return "a tar archive: unpack it"
    return next((what for first, what in _OTHER_FILES.items() if start.lstrip().startswith(first)), None)
