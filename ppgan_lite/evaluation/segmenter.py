"""Label maps of facades, and the segmenter that finds their labels in photographs.

The label maps are from the CMP facades (Tylecek and Sara 2013) in the colours of pix2pix's files. This gives an
"FCN score" of our own, as Isola et al. 2017 have for street scenes: a segmenter, trained on real photographs, finds in
a translation the labels of the map that it was made from, as far as it looks real.
"""

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.pixels import from_uint8, to_uint8
from ppgan_lite.evaluation.judges import Recipe, judged, train_judge
from ppgan_lite.networks.layers import Conv2D, Conv2DTranspose

# The colours of the 12 classes, MATLAB's jet: background, facade, window, door, cornice, sill, balcony, blind, deco,
# molding, pillar, shop. Found in flat areas of the 400 training files, where each channel is off by at most 2.
COLOURS = np.array(
    [
        (0, 0, 223), (0, 48, 255), (0, 128, 255), (0, 207, 255), (32, 255, 223), (112, 255, 143),
        (191, 255, 64), (255, 239, 0), (255, 159, 0), (255, 80, 0), (255, 0, 0), (175, 0, 0),
    ],
    "float32",
)  # fmt: skip
NEAR = 40  # Euclidean distance to a colour, in pixels of 8 bits: JPEG and resizing blur the borders of areas
MOSTLY = 0.5  # share of a label map's pixels that are near a colour: 0.76 at 64 pixels, of photographs less than 0.0001
SIDE = 64  # height and width that pictures are brought to: more take longer
WIDTHS = (32, 64, 96, 96)  # feature maps at half the size, a quarter, ...
RECIPE = Recipe("segmenter", steps=600, batch_size=8, lr=2e-3, flip=True)


def are_label_maps(pixels: np.ndarray) -> bool:
    """Whether images uint8 [N, C, H, W] are label maps: most of their pixels have nearly one of the 12 colours."""
    return pixels.shape[1] == 3 and bool((_squares(pixels).min(-1) <= NEAR**2).mean() >= MOSTLY)


def labels_of(pixels: np.ndarray) -> np.ndarray:
    """The nearest of the 12 colours to each pixel: uint8 [N, 3, H, W] -> int64 [N, H, W]."""
    return _squares(pixels).argmin(-1)


def _squares(pixels: np.ndarray) -> np.ndarray:
    """Squared distances to the colours: uint8 [N, 3, H, W] -> [N, H, W, 12]."""
    values = pixels.transpose(0, 2, 3, 1).astype("float32")  # [N, C, H, W] -> [N, H, W, C]
    return (values**2).sum(-1, keepdims=True) - 2 * values @ COLOURS.T + (COLOURS**2).sum(1)


class Segmenter(nn.Layer):
    """Photographs [N, 3, H, W] in [-1, 1] -> logits [N, 12, H, W], H and W multiples of 16.

    A small U-Net (Ronneberger et al. 2015): halved four times and doubled back by 4x4 convolutions with batch norm and
    ReLU, each stage joined with its mirror image.
    """

    def __init__(self):
        super().__init__()
        inputs = (3, *WIDTHS[:-1])
        self.down = nn.LayerList([_stage(Conv2D, *widths) for widths in zip(inputs, WIDTHS, strict=True)])
        joined = [WIDTHS[-1], *(2 * width for width in WIDTHS[-2::-1])]
        ups = zip(joined[:-1], WIDTHS[-2::-1], strict=True)
        self.up = nn.LayerList([_stage(Conv2DTranspose, *widths) for widths in ups])
        self.classify = Conv2DTranspose(joined[-1], len(COLOURS), 4, stride=2, padding=1, bias=True)

    def forward(self, x):
        stages = []
        for stage in self.down:
            x = stage(x)
            stages.append(x)
        for stage, same in zip(self.up, stages[-2::-1], strict=True):
            x = paddle.concat([stage(x), same], axis=1)
        return self.classify(x)


def train_segmenter(pairs: Dataset, photos: str, maps: str) -> Segmenter:
    """A segmenter of these pairs, from the cache or trained, which takes under a minute on one core.

    Args:
        pairs: training data; item i has the label map of its photograph.
        photos, maps: the fields of the photographs and of the label maps.
    """

    def loss(network, batch):
        labels = labels_of(to_uint8(_resized(batch[maps])).transpose(0, 3, 1, 2))  # [N, H, W, C] -> [N, C, H, W]
        return F.cross_entropy(network(_resized(batch[photos])), paddle.to_tensor(labels), axis=1)

    return train_judge(RECIPE, Segmenter, loss, pairs)


def accuracy(network: Segmenter, photos: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """The share of right pixels in each photograph, given both uint8 [N, 3, H, W]: [N]."""
    found = judged(network, resized(photos), of=lambda logits: logits.argmax(1))
    return (found == labels_of(resized(maps))).mean((1, 2))


def resized(pixels: np.ndarray) -> np.ndarray:
    """Pictures of SIDE pixels: uint8 [N, 3, H, W] -> uint8 [N, 3, 64, 64]."""
    means = _resized(paddle.to_tensor(from_uint8(pixels)))
    return to_uint8(means).transpose(0, 3, 1, 2)  # [N, H, W, C] -> [N, C, H, W]


def _resized(images: paddle.Tensor) -> paddle.Tensor:
    """Means over areas of about the same size: [N, C, H, W] -> [N, C, 64, 64]; smaller images get repeated pixels."""
    return F.adaptive_avg_pool2d(images, SIDE)


def _stage(convolution: type, inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(convolution(inputs, outputs, 4, stride=2, padding=1), nn.BatchNorm2D(outputs), nn.ReLU())
