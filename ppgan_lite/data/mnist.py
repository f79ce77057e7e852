"""MNIST (LeCun et al.) and Fashion-MNIST (Xiao et al. 2017): 60,000 training and 10,000 test images in IDX files."""

from ppgan_lite.data import idx

# Computed from files with the published MD5 sums.
PUBLISHED = {
    "mnist": idx.Published(
        folder="mnist",
        mirrors=(
            "https://dataset.bj.bcebos.com/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        checksums={
            "train": {
                "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            },
            "test": {
                "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            },
        },
        class_names=tuple("0123456789"),
    ),
    "fashion_mnist": idx.Published(
        folder="fashion-mnist",
        mirrors=(
            "https://dataset.bj.bcebos.com/fashion_mnist/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        checksums={
            "train": {
                "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            },
            "test": {
                "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            },
        },
        class_names=(
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ),
    ),
}  # fmt: skip


def build(options, split: str = "train"):
    """The training or test images of MNIST or Fashion-MNIST, by `options.name`. Raises DataError: see `idx.build`."""
    return idx.build(options, split, PUBLISHED[options.name])
