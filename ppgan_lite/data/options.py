"""The options of every data set, and what can be said of its fields before a file is opened. No Paddle here."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ppgan_lite.data.spec import Spec, images, points
from ppgan_lite.schema.types import Count, Named, Range, Seed


@dataclass(frozen=True)
class Data(Named):
    """What all data sets share."""

    SHAPE: ClassVar[tuple[int, int, int]]  # C, H, W, of data whose options do not choose it

    batch_size: Count = 128

    def spec(self) -> Spec:
        """The fields of the data; what the classes are called, only the files can tell."""
        return images(self.SHAPE)


@dataclass(frozen=True)
class MNIST(Data):
    """MNIST or Fashion-MNIST from their IDX files."""

    BUILT_BY: ClassVar = "ppgan_lite.data.mnist.build"
    SHAPE: ClassVar = (1, 28, 28)

    root: str | None = None  # folder that holds mnist/, fashion-mnist/ or kmnist/, searched first
    offline: Literal["rendered_digits"] | None = None  # what to train on where no mirror answers; null: an error


@dataclass(frozen=True)
class KMNIST(MNIST):
    """Kuzushiji-MNIST from its IDX files."""

    BUILT_BY: ClassVar = "ppgan_lite.data.kmnist.build"


@dataclass(frozen=True)
class RenderedDigits(Data):
    """Digits drawn with OpenCV's fonts: needs no files and no network."""

    BUILT_BY: ClassVar = "ppgan_lite.data.rendered_digits.build"
    SHAPE: ClassVar = (1, 28, 28)

    num_images: Annotated[int, Range(1, 10**7)] = 60000
    seed: Seed = 0  # of the drawing


@dataclass(frozen=True)
class Fake(Data):
    """Noise in the shape of images."""

    BUILT_BY: ClassVar = "ppgan_lite.data.fake.build"

    num_images: Annotated[int, Range(1, 10**6)] = 1024
    channels: Literal[1, 3] = 3
    size: Annotated[int, Range(1, 1024)] = 64  # pixels, height and width
    seed: Seed = 0  # of the noise

    def spec(self):
        return images((self.channels, self.size, self.size))


@dataclass(frozen=True)
class Gaussians(Data):
    """Points of a mixture of Gaussians in one or two dimensions: pictures of one pixel, with a channel for each."""

    BUILT_BY: ClassVar = "ppgan_lite.data.gaussians.build"

    num_images: Annotated[int, Range(1, 10**7)] = 10000  # points
    dims: Literal[1, 2] = 1
    modes: Annotated[int, Range(1, 100)] = 1  # Gaussians: at 0.6, evenly over [-0.6, 0.6], or on a circle of radius 0.6
    std: Annotated[float, Range(0, 0.2, open_ends="low")] = 0.1  # of each
    seed: Seed = 0  # of the points

    def spec(self):
        return points(self.dims)


@dataclass(frozen=True)
class Pictures(Data):
    """Pictures from files, cropped to a centred square and resized."""

    size: Annotated[int, Range(8, 1024)] = 64  # pixels, height and width
    channels: Literal[1, 3] = 3  # 1: greyscale
    flip: bool = False  # mirror a random half of the pictures, anew in each epoch
    on_bad_image: Literal["error", "skip"] = "error"  # a file that is no picture: name it and stop, or go on without
    cache: Literal["memory", "disk", "none"] = "disk"  # where decoded pictures are kept
    workers: Annotated[int, Range(0, 64)] = 2  # processes that decode ahead; 0: none

    def spec(self):
        return images((self.channels, self.size, self.size))


@dataclass(frozen=True)
class Folder(Pictures):
    """The pictures of a folder or of a zip file; see data/listing.py for their classes and splits."""

    BUILT_BY: ClassVar = "ppgan_lite.data.folder.build"

    root: str | None = None  # the folder or zip file, as given or below $PPGAN_DATA
    test_share: Annotated[float, Range(0, 0.5)] = 0.1  # of the pictures, where no folders train and test part them


@dataclass(frozen=True)
class LSUN(Pictures):
    """One category of LSUN (Yu et al. 2015): its LMDB, or what tools/prepare_data.py exports from it."""

    BUILT_BY: ClassVar = "ppgan_lite.data.lsun.build"

    root: str | None = None  # the folder, as given or below $PPGAN_DATA


@dataclass(frozen=True)
class CIFAR(Data):
    """CIFAR-100 (Krizhevsky 2009), its 100 fine classes; and what CIFAR-10 shares with it."""

    BUILT_BY: ClassVar = "ppgan_lite.data.cifar.build"
    SHAPE: ClassVar = (3, 32, 32)

    root: str | None = None  # folder that holds cifar/, looked in first
    flip: bool = False  # mirror a random half of the pictures, anew in each epoch


@dataclass(frozen=True)
class CIFAR10(CIFAR):
    """CIFAR-10 (Krizhevsky 2009)."""

    offline: Literal["cifar10_jpeg"] | None = None  # what to train on where no mirror answers; null: an error


@dataclass(frozen=True)
class CIFARJPEG(Data):
    """CIFAR-10 as JPEG files (lossy), from the zip file cifar10-jpeg/cifar10_images.zip."""

    BUILT_BY: ClassVar = "ppgan_lite.data.cifar.build_jpeg"
    SHAPE: ClassVar = (3, 32, 32)

    root: str | None = None  # folder that holds cifar10-jpeg/, looked in first
    flip: bool = False  # mirror a random half of the pictures, anew in each epoch


DATASETS = {
    "cifar10": CIFAR10,
    "cifar100": CIFAR,
    "cifar10_jpeg": CIFARJPEG,
    "fake": Fake,
    "fashion_mnist": MNIST,
    "folder": Folder,
    "gaussians": Gaussians,
    "kmnist": KMNIST,
    "lsun": LSUN,
    "mnist": MNIST,
    "rendered_digits": RenderedDigits,
}
