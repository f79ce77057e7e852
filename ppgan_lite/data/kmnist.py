"""Kuzushiji-MNIST (Clanuwat et al. 2018, "Deep Learning for Classical Japanese Literature"): ten hiragana, 28x28.

It has as many images as MNIST, in files of the same names. The sha256 values are in torchvision's prototype data sets
and in torchvision-ruby. No second mirror is known.
"""

from ppgan_lite.data import idx

KMNIST = idx.Published(
    folder="kmnist",
    mirrors=("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    checksums={
        "train": {
            "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        },
        "test": {
            "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        },
    },
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    contents={  # not known for the training images
        "train-labels-idx1-ubyte.gz": "2a16eeae62da984b8bd24fa32e31d47291f01dac3fe84d5594f304f71e7d374b",
        "t10k-images-idx3-ubyte.gz": "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
        "t10k-labels-idx1-ubyte.gz": "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
    },
)


def build(options, split: str = "train"):
    """The 60,000 training or 10,000 test images. Raises DataError: see `idx.build`."""
    return idx.build(options, split, KMNIST)
