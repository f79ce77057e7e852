"""The options of every data set, and its fields as far as they are known before a file is opened. No Paddle here."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ppgan_lite.data.spec import Spec, images, points
from ppgan_lite.schema.types import Named, Range, Seed


@dataclass(frozen=True)
class Data(Named):
    """Options that all data sets share."""

    SHAPE: ClassVar[tuple[int, int, int]]  # C, H, W, if no option determines it

    batch_size: Annotated[int, Range(1, 10**5)]  # images (or points) per batch

    def spec(self) -> Spec:
        """The fields of the data. The names of the classes are known only when the data is built."""
        return images(self.SHAPE)


@dataclass(frozen=True)
class MNIST(Data):
    """MNIST or Fashion-MNIST from their IDX files."""

    BUILT_BY: ClassVar = "ppgan_lite.data.mnist.build"
    SHAPE: ClassVar = (1, 28, 28)

    root: str | None = None  # folder with mnist/, fashion-mnist/ or kmnist/, searched before $PPGAN_DATA and the cache
    offline: Literal["rendered_digits"] | None = None  # data set to use if the download fails; null: stop with an error


@dataclass(frozen=True)
class KMNIST(MNIST):
    """Kuzushiji-MNIST from its IDX files."""

    BUILT_BY: ClassVar = "ppgan_lite.data.kmnist.build"


@dataclass(frozen=True)
class RenderedDigits(Data):
    """Digits drawn with OpenCV's fonts: needs no files and no network."""

    BUILT_BY: ClassVar = "ppgan_lite.data.rendered_digits.build"
    SHAPE: ClassVar = (1, 28, 28)

    num_images: Annotated[int, Range(1, 10**7)] = 60000  # number of training images; a sixth as many test images
    seed: Seed = 0  # random seed of the drawn digits


@dataclass(frozen=True)
class Fake(Data):
    """Noise in the shape of images."""

    BUILT_BY: ClassVar = "ppgan_lite.data.fake.build"

    num_images: Annotated[int, Range(1, 10**6)] = 1024  # number of images in each split
    channels: Literal[1, 3] = 3  # channels of an image; 1: greyscale, 3: RGB
    size: Annotated[int, Range(1, 1024)] = 64  # height and width, pixels
    seed: Seed = 0  # random seed of the noise

    def spec(self):
        return images((self.channels, self.size, self.size))


@dataclass(frozen=True)
class Gaussians(Data):
    """Points of a mixture of Gaussians in one or two dimensions: images of one pixel, with a channel per dimension."""

    BUILT_BY: ClassVar = "ppgan_lite.data.gaussians.build"

    num_images: Annotated[int, Range(1, 10**7)] = 10000  # number of training points; a sixth as many test points
    dims: Literal[1, 2] = 1  # dimensions of a point
    modes: Annotated[int, Range(1, 100)] = 1  # number of Gaussians, evenly on [-0.6, 0.6] or a circle of radius 0.6
    std: Annotated[float, Range(0, 0.2, open_ends="low")] = 0.1  # standard deviation of every Gaussian
    seed: Seed = 0  # random seed of the points

    def spec(self):
        return points(self.dims)


@dataclass(frozen=True)
class Pictures(Data):
    """Options of pictures from files, which are cropped to a centred square and resized."""

    size: Annotated[int, Range(8, 1024)] = 64  # height and width after resizing, pixels
    channels: Literal[1, 3] = 3  # channels of a picture; 1: greyscale, 3: RGB
    flip: bool = False  # mirror a random half of the pictures, chosen again in each epoch
    on_bad_image: Literal["error", "skip"] = "error"  # on a file that cannot be decoded: stop, or report and skip it
    cache: Literal["memory", "disk", "none"] = "disk"  # where decoded pictures are kept; none: decoded in every epoch
    workers: Annotated[int, Range(0, 64)] = 2  # number of processes that decode pictures that are not cached; 0: none

    def spec(self):
        return images((self.channels, self.size, self.size))


@dataclass(frozen=True)
class Folder(Pictures):
    """The pictures of a folder or zip file; for their classes and splits see data/listing.py."""

    BUILT_BY: ClassVar = "ppgan_lite.data.folder.build"

    root: str | None = None  # folder or zip file with the pictures, as given or relative to $PPGAN_DATA
    test_share: Annotated[float, Range(0, 0.5)] = 0.1  # fraction held out for testing if there are no train/ and test/


@dataclass(frozen=True)
class LSUN(Pictures):
    """One category of LSUN (Yu et al. 2015): its LMDB, or the pictures that tools/prepare_data.py exports from it."""

    BUILT_BY: ClassVar = "ppgan_lite.data.lsun.build"

    root: str | None = None  # folder with the LMDB or the exported pictures, as given or relative to $PPGAN_DATA


@dataclass(frozen=True)
class CIFAR(Data):
    """CIFAR-100 (Krizhevsky 2009) with its 100 fine classes; base of the options of CIFAR-10."""

    BUILT_BY: ClassVar = "ppgan_lite.data.cifar.build"
    SHAPE: ClassVar = (3, 32, 32)

    root: str | None = None  # folder with cifar/, searched before $PPGAN_DATA and the cache
    flip: bool = False  # mirror a random half of the images, chosen again in each epoch


@dataclass(frozen=True)
class CIFAR10(CIFAR):
    """CIFAR-10 (Krizhevsky 2009)."""

    offline: Literal["cifar10_jpeg"] | None = None  # data set to use if the download fails; null: stop with an error


@dataclass(frozen=True)
class CIFARJPEG(Data):
    """CIFAR-10 as JPEG files (lossy), from the zip file cifar10-jpeg/cifar10_images.zip."""

    BUILT_BY: ClassVar = "ppgan_lite.data.cifar.build_jpeg"
    SHAPE: ClassVar = (3, 32, 32)

    root: str | None = None  # folder with cifar10-jpeg/, searched before $PPGAN_DATA and the cache
    flip: bool = False  # mirror a random half of the images, chosen again in each epoch


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
