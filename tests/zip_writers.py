"""Zip files as other programs write them, for the tests of their reading."""

import io
import struct
import zipfile
import zlib

UNICODE_PATH = 0x7075


def pack(path, files, method=zipfile.ZIP_STORED):
    """Write files (path -> content) with Python's zipfile: names that are not ASCII are marked as UTF-8."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return str(path)


def pack_bytes(path, files):
    """Write files (path as bytes -> content) with these bytes as names, without a mark for UTF-8."""
    stream, names = io.BytesIO(), {}
    with zipfile.ZipFile(stream, "w") as file:
        for number, (name, content) in enumerate(files.items()):
            stand_in = f"@{number}".ljust(len(name), "~")  # as long as the name, which is written over it twice
            names[stand_in.encode()] = name
            file.writestr(stand_in, content)
    packed = stream.getvalue()
    for stand_in, name in names.items():
        assert packed.count(stand_in) == 2
        packed = packed.replace(stand_in, name)
    path.write_bytes(packed)
    return str(path)


def plain(path, files):
    """Names as they are."""
    return pack(path, files)


def dotted(path, files):
    """Names with ./ in front, as by bsdtar."""
    return pack(path, {f"./{name}": content for name, content in files.items()})


def climbing(path, files):
    """Names with ../ in front, and double slashes."""
    return pack(path, {"../" + name.replace("/", "//"): content for name, content in files.items()})


def windows(path, files):
    """Names with backslashes, as by old .NET programs."""
    return pack(path, {name.replace("/", "\\"): content for name, content in files.items()})


def absolute(path, files):
    """Names with a drive."""
    return pack(path, {f"C:\\data\\{name}": content for name, content in files.items()})


def chinese(path, files):
    """Names in GBK, as by Chinese Windows."""
    return pack_bytes(path, {name.encode("gbk"): content for name, content in files.items()})


def macos(path, files):
    """Names in UTF-8 without a mark, with the hidden files that macOS adds."""
    more = {b"__MACOSX/._" + name.encode(): b"\0\5\x16\7" for name in files}
    return pack_bytes(path, {b".DS_Store": b"x", **{name.encode(): files[name] for name in files}, **more})


def info_zip(path, files):
    """Names that say nothing, and the right ones in an extra field."""
    with zipfile.ZipFile(path, "w") as file:
        for number, (name, content) in enumerate(files.items()):
            info = zipfile.ZipInfo(f"{number:08d}.txt")
            field = b"\1" + struct.pack("<I", zlib.crc32(info.filename.encode())) + name.encode()
            info.extra = struct.pack("<HH", UNICODE_PATH, len(field)) + field
            file.writestr(info, content)
    return str(path)


WRITERS = (plain, dotted, climbing, windows, absolute, chinese, macos, info_zip)
