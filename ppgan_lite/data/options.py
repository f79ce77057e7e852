"""The options of every data set, and its fields as far as they are known before a file is opened. No Paddle here."""

import os
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from ppgan_lite.data.spec import LEVELS, Spec, images, pair, points, with_attributes
from ppgan_lite.errors import ConfigError
from ppgan_lite.schema.types import Named, Range, Seed


@dataclass(frozen=True)
class Data(Named):
    """Options that all data sets share."""

    SHAPE: ClassVar[tuple[int, int, int]]  # C, H, W, if no option determines it

    batch_size: Annotated[int, Range(1, 10**5)]  # images (or points) per batch

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""

    def moved(self, root: str) -> "Data":
        """The options of the same data in another place, where it is read from files."""
        return replace(self, root=root)

    def spec(self) -> Spec:
        """The fields of the data. The names of the classes are known only when the data is built."""
        return images(self.SHAPE)


@dataclass(frozen=True)
class Binarized(Data):
    """Options of grey images that can be made black and white."""

    binarize: Literal["random", "threshold"] | None = None  # make pixels black or white, by chance or if above 127

    @property
    def levels(self) -> int:
        """Number of values of a pixel."""
        return 2 if self.binarize else LEVELS

    def spec(self):
        return images(self.SHAPE, levels=self.levels)


@dataclass(frozen=True)
class MNIST(Binarized):
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
class RenderedDigits(Binarized):
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
class Cropped(Pictures):
    """Options of pictures for translation, of which training may cut a random square."""

    load_size: Annotated[int, Range(8, 2048)] | None = None  # training cuts `size` out of this, pixels; null: no cut
    test_share: Annotated[float, Range(0, 0.5)] = 0.1  # fraction held out for testing if there are no train/ and test/

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""
        if self.load_size is not None and self.load_size < self.size:
            raise ConfigError(f"data.load_size: {self.load_size} is less than data.size: {self.size}")

    def margin(self, split: str) -> int:
        """By how many pixels the pictures of a split are larger than `size` when they are decoded."""
        return 0 if split != "train" or self.load_size is None else self.load_size - self.size


@dataclass(frozen=True)
class TwoDomains(Cropped):
    """Options of pictures of two domains, in one place or in two."""

    root: str | None = None  # folder or zip file of both domains, as given or relative to $PPGAN_DATA
    root_a: str | None = None  # without root: folder or zip file of the pictures a
    root_b: str | None = None  # without root: folder or zip file of the pictures b

    def check(self):
        super().check()
        if self.root and (self.root_a or self.root_b):
            given = "root_a" if self.root_a else "root_b"
            raise ConfigError(f"data.root and data.{given}: give either root, or root_a and root_b (null: not given)")
        if bool(self.root_a) != bool(self.root_b):
            given, missing = ("root_a", "root_b") if self.root_a else ("root_b", "root_a")
            raise ConfigError(f"data.{missing}: missing; data.{given} is the folder or zip file of one domain only")

    def moved(self, root):
        """See `Data.moved`; two folders keep their names, and are now in the folder `root`."""
        if not self.root_a:
            return super().moved(root)
        a, b = (os.path.join(root, os.path.basename(os.path.normpath(old))) for old in (self.root_a, self.root_b))
        return replace(self, root_a=a, root_b=b)

    def spec(self):
        return pair((self.channels, self.size, self.size))


@dataclass(frozen=True)
class Pairs(TwoDomains):
    """Pairs of pictures: side by side in one file (a left, b right), or in two folders, matched by their names."""

    BUILT_BY: ClassVar = "ppgan_lite.data.pairs.build"

    paired: bool = True  # false: train without the pairs, a and b from different ones; the test pairs stay pairs


@dataclass(frozen=True)
class Unpaired(TwoDomains):
    """Pictures of two domains, without pairs: trainA, trainB, testA and testB in one folder, or two folders."""

    BUILT_BY: ClassVar = "ppgan_lite.data.unpaired.build"
    paired: ClassVar = False


@dataclass(frozen=True)
class Attributes(Cropped):
    """Pictures with attributes: from a list like CelebA's, or the classes that are their folders."""

    BUILT_BY: ClassVar = "ppgan_lite.data.attributes.build"

    root: str | None = None  # folder or zip file with the pictures, as given or relative to $PPGAN_DATA
    list_file: str | None = None  # list below root, such as list_attr_celeba.txt; null: the folders are classes
    attributes: tuple[str, ...] = ()  # attributes of the list to use, in this order; []: all

    def check(self):
        super().check()
        if self.attributes and self.list_file is None:
            raise ConfigError("data.attributes: they are chosen from a list; set data.list_file, or remove them")
        if len(set(self.attributes)) < len(self.attributes):
            raise ConfigError(f"data.attributes: a name appears twice: {', '.join(self.attributes)}")

    def spec(self):
        return with_attributes((self.channels, self.size, self.size))


@dataclass(frozen=True)
class Derived(Data):
    """Images a of another data set, and images b computed from them: the truth of a translation is known."""

    BUILT_BY: ClassVar = "ppgan_lite.data.derived.build"
    GREY: ClassVar = ("fashion_mnist", "kmnist", "mnist", "rendered_digits")  # have one channel; the others have 3

    images: Literal[
        "cifar10", "cifar10_jpeg", "fake", "fashion_mnist", "folder", "kmnist", "mnist", "rendered_digits"
    ]  # data set of the images a
    num_images: Annotated[int, Range(2, 10**7)] | None = None  # number to train on; a sixth as many to test; null: all
    root: str | None = None  # where that data set is: see its own option root
    transform: Literal["outline", "grey", "small"] = "outline"  # b: edges, no colour, or a quarter of the resolution
    size: Annotated[int, Range(8, 1024)] = 32  # height and width, pixels; images of 28 get a border up to 32
    paired: bool = True  # false: train without the pairs, a and b from different images; the test pairs stay pairs
    flip: bool = False  # mirror a random half of the images, chosen again in each epoch

    def check(self):
        if self.transform == "grey" and self.images in self.GREY:
            raise ConfigError(f"data.transform: grey changes nothing, as {self.images} has no colours")
        if self.transform == "small" and self.size % 4:
            raise ConfigError(f"data.size: {self.size} must be a multiple of 4 for the transform small")

    def spec(self):
        return pair((1 if self.images in self.GREY else 3, self.size, self.size))


@dataclass(frozen=True)
class ColouredDigits(Data):
    """Drawn digits in three colours and two thicknesses, which are their attributes: needs no files and no network."""

    BUILT_BY: ClassVar = "ppgan_lite.data.coloured_digits.build"
    SHAPE: ClassVar = (3, 32, 32)
    ATTRIBUTES: ClassVar = ("colour=red", "colour=green", "colour=blue", "thickness=thin", "thickness=thick")

    num_images: Annotated[int, Range(1, 10**7)] = 20000  # number of training images; a sixth as many test images
    seed: Seed = 0  # random seed of the drawn digits

    def spec(self):
        return with_attributes(self.SHAPE, self.ATTRIBUTES)


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
    "attributes": Attributes,
    "cifar10": CIFAR10,
    "cifar100": CIFAR,
    "cifar10_jpeg": CIFARJPEG,
    "coloured_digits": ColouredDigits,
    "derived": Derived,
    "fake": Fake,
    "fashion_mnist": MNIST,
    "folder": Folder,
    "gaussians": Gaussians,
    "kmnist": KMNIST,
    "lsun": LSUN,
    "mnist": MNIST,
    "pairs": Pairs,
    "rendered_digits": RenderedDigits,
    "unpaired": Unpaired,
}
