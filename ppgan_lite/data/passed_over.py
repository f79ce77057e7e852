"""The files of a folder or zip file that are not read as pictures: how many of each kind, and what can be done."""

from ppgan_lite.data.pictures import FORMATS

HIDDEN = "hidden"
LINKED = "links to folders that are read already, or that contain this one"
SPECIAL = "pipes, sockets or devices"
TWICE = "of the same name as a later file"
LINKS = "symbolic links"

MOST_LOOKED_INTO = 1000  # files without the suffix of a picture, to see whether they are pictures
START_BYTES = 16  # enough to see whether a file is a picture

_SYSTEM_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "lost+found", "system volume information"})
_ARCHIVES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst"})
_OTHER_PICTURES = frozenset({".arw", ".cr2", ".dng", ".heic", ".heif", ".jxl", ".nef", ".psd", ".raw", ".svg"})
_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
_MOST_KINDS = 4  # kinds that are named; the rest is counted
_MOST_NAME = 60  # characters of a name in a message


def suffix(name: str) -> str:
    """A file's suffix in lower case, with its dot; empty if there is none."""
    _, dot, last = name.rpartition("/")[2].rpartition(".")
    return dot + last.lower() if dot else ""


def is_hidden(name: str) -> bool:
    """Whether a file's or folder's own name says that it belongs to a system or a program, not to the user."""
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def looks_like_picture(start: bytes) -> bool:
    """Whether the first START_BYTES of a file are the start of a picture."""
    is_webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    is_bmp = start[:2] == b"BM" and start[6:10] == bytes(4)
    return start.startswith(_STARTS) or is_webp or is_bmp


class PassedOver:
    """Counts files that are passed over, by kind: a suffix, or one of the kinds above.

    Attributes:
        alike: files that look like pictures but have another suffix; `add_alike` finds them.
    """

    def __init__(self):
        self._kinds = {}  # kind -> number of files, the first of them
        self._others = []  # up to MOST_LOOKED_INTO files with other suffixes
        self.alike = []

    def add(self, kind: str, name: str):
        """Count a file of one of the kinds above."""
        count, first = self._kinds.get(kind, (0, name))
        self._kinds[kind] = (count + 1, min(first, name))

    def add_other(self, name: str):
        """Count a file by its suffix."""
        self.add(suffix(name) or "without suffix", name)
        if len(self._others) < MOST_LOOKED_INTO:
            self._others.append(name)

    def add_alike(self, start_of):
        """Look into the files with other suffixes; `start_of(name)` is a file's START_BYTES, or fewer."""
        self.alike = sorted(name for name in self._others if looks_like_picture(start_of(name)))

    @property
    def total(self) -> int:
        """Number of all files that are passed over."""
        return sum(count for count, _ in self._kinds.values())

    @property
    def is_harmless(self) -> bool:
        """Whether there are only hidden files and files that are not pictures: no picture is missed."""
        others = all(kind == HIDDEN or kind.startswith(".") or kind == "without suffix" for kind in self._kinds)
        return others and not self.alike and not self._kinds.keys() & (_ARCHIVES | _OTHER_PICTURES)

    def __str__(self):
        """The kinds by their number, with a file of each as an example, and what to do about them."""
        kinds = sorted(self._kinds.items(), key=lambda item: (-item[1][0], item[0]))
        named = [f"{count} {kind} ({shortened(first)})" for kind, (count, first) in kinds[:_MOST_KINDS]]
        if rest := sum(count for _, (count, _) in kinds[_MOST_KINDS:]):
            named.append(f"{rest} more")
        return "; ".join([", ".join(named), *self._advice()])

    def _advice(self):
        """Yield what makes pictures of them."""
        if self.alike:
            more = " or more" if len(self._others) == MOST_LOOKED_INTO else ""
            yield (
                f"{len(self.alike)}{more} of them look like pictures ({shortened(self.alike[0])}): "
                "rename them, with a suffix such as .png or .jpg"
            )
        if archives := self._kinds.keys() & _ARCHIVES:
            yield f"unpack the {', '.join(sorted(archives))} files, or give a zip file itself as data.root"
        if others := self._kinds.keys() & _OTHER_PICTURES:
            yield f"convert the {', '.join(sorted(others))} files to PNG or JPEG"


def picture_suffixes() -> str:
    """The usual suffix of each format that is read, for messages."""
    return ", ".join(sorted(suffixes[0] for suffixes in FORMATS.values()))


def shortened(name: str) -> str:
    """A name for a message: the middle of a long one is left out."""
    return name if len(name) <= _MOST_NAME else f"{name[: _MOST_NAME // 2]}...{name[-_MOST_NAME // 2 :]}"
