import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite.networks import options
from ppgan_lite.networks.patch import Discriminator


def patch(channels=3, **keys):
    return Discriminator(options.PatchDiscriminator(name="patch", **keys), (channels, 256, 256))


@pytest.mark.parametrize(("channels", "norm", "count"), [(6, "affine_instance", 2_768_705), (3, "instance", 2_764_737)])
def test_parameter_counts_equal_the_authors(channels, norm, count):
    assert sum(int(np.prod(p.shape)) for p in patch(channels, norm=norm).parameters()) == count


@pytest.mark.parametrize(("layers", "seen"), [(1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_a_logit_depends_on_a_patch_of_the_papers_size(layers, seen):
    """Without the norms, which look at the whole image; from the gradient of one logit."""
    network = patch(1, ndf=2, layers=layers)
    plain = nn.Sequential(*(layer for layer in network.layers if not isinstance(layer, nn.InstanceNorm2D)))
    for p in plain.parameters():
        p.set_value(paddle.full(p.shape, 0.1))  # all positive: nothing cancels
    x = paddle.ones([1, 1, 512, 512])
    x.stop_gradient = False
    logits = plain(x)
    middle = logits.shape[2] // 2
    logits[0, 0, middle, middle].backward()
    (rows,) = np.nonzero(x.grad[0, 0].abs().sum(1).numpy())
    assert rows[-1] - rows[0] + 1 == seen


def test_there_is_a_logit_for_each_patch():
    assert patch(ndf=1)(paddle.zeros([2, 3, 256, 256])).shape == [2, 1, 30, 30]
    assert patch(ndf=1, layers=1)(paddle.zeros([2, 3, 6, 9])).shape == [2, 1, 1, 2]


@pytest.mark.parametrize("norm", ["instance", "affine_instance", "batch"])
def test_norms_follow_all_convolutions_but_the_first_and_the_last(norm):
    kinds = [type(layer).__name__ for layer in patch(ndf=1, norm=norm).layers]
    name = "BatchNorm2D" if norm == "batch" else "InstanceNorm2D"
    assert kinds == ["Conv2D", "LeakyReLU", *["Conv2D", name, "LeakyReLU"] * 3, "FewOutputsConv2D"]
