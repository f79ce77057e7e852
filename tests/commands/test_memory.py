import numpy as np
import paddle
from paddle import nn

from ppgan_lite.commands.memory import bytes_per_pixel
from ppgan_lite.methods.interface import Port

PICTURE = Port("a", (3, None, None), "", multiple=2)


def test_the_outputs_and_the_largest_patches_count():
    network = nn.Sequential(
        nn.Conv2D(3, 8, 5, padding=2),  # 8 values per pixel, from patches of 3 x 5 x 5
        nn.Conv2D(8, 4, 4, stride=2, padding=1),  # 4 per 4 pixels, from patches of 8 x 4 x 4 for each of the 4
        nn.Sequential(nn.ReLU(), nn.Conv2DTranspose(4, 16, 4, stride=2, padding=1)),  # 4 per 4 pixels, then 16
    )
    network.eval()
    assert bytes_per_pixel(network, (PICTURE,)) == 4 * (8 + 1 + 1 + 16 + 3 * 5 * 5)


def test_other_inputs_are_given_and_nothing_is_left_behind():
    class Adding(nn.Layer):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2D(3, 4, 1)

        def forward(self, images, attributes):
            return self.layer(images) + attributes.reshape([-1, 4, 1, 1])

    network = Adding()
    assert bytes_per_pixel(network, (PICTURE, Port("attributes", (4,), ""))) == 4 * (4 + 3)
    assert not network.layer._forward_post_hooks
    assert np.isfinite(network(paddle.zeros([1, 3, 2, 2]), paddle.zeros([1, 4])).numpy()).all()
