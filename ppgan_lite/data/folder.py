"""The pictures of a folder or zip file: your own, or a data set published as files, such as ImageNet or LFW."""

from ppgan_lite.data import picture_set
from ppgan_lite.data.listing import list_pictures


def build(options, split: str = "train") -> picture_set.PictureSet:
    """The training or test pictures below `options.root`; for their classes and splits see data/listing.py.

    Raises:
        DataError: see `list_pictures` and `picture_set.build`.
    """
    return picture_set.build(list_pictures(options.root, split, options.test_share), options, "folder")
