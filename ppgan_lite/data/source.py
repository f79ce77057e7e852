"""Where a data set's items come from, as runs record it. No Paddle here: a run is opened without it."""

import os
import re
from dataclasses import asdict, dataclass

from ppgan_lite.schema.types import Whole, Word

OWN = ("attributes", "folder", "pairs", "unpaired")  # a user's own pictures, from one folder or from "A and B"
BINARY = "black and white"  # binarized ones: their origin is "black and white from FOLDER"
DERIVED = "derived"  # their origin is "TRANSFORM of DATASET from FOLDER"
_BETWEEN = re.compile(r" and (?=/|[A-Za-z]:[\\/])")  # two absolute paths; folders may have an "and" in their names


@dataclass(frozen=True)
class Source:
    """Where the images that a run trains on really come from. Recorded in run.json and in every sample grid."""

    name: Word  # the data set really used
    origin: str  # the folder it was read from, or how it was made
    sha256: Word  # checksum of the pixels; for files that are not all in memory, of their names and sizes
    num_images: Whole
    stands_in_for: str | None = None  # the data set asked for, if it could not be had and this one replaces it
    part: str | None = None  # the part of a published data set that was there, if it was not all of it

    def to_dict(self) -> dict:
        """The fields as a plain dict."""
        return asdict(self)

    @property
    def title(self) -> str:
        """The data set's name, and what it stands in for.

        A user's own pictures also have the names of their folders, derived ones what is derived from which data, and
        binarized ones that they are.
        """
        name = self.name
        if name in OWN:
            name += " " + " and ".join(map(os.path.basename, _BETWEEN.split(self.origin)))
        what, found, _ = self.origin.partition(" from ")
        if found and (name == DERIVED or what == BINARY):
            name += f" {what}"
        return f"{name}, standing in for {self.stands_in_for}" if self.stands_in_for else name

    def __str__(self):
        images = f"{self.num_images} images" if self.part is None else self.part
        return f"{self.title} ({images} from {self.origin})"
