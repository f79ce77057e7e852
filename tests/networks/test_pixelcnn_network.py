import numpy as np
import paddle
import pytest

from ppgan_lite.losses.likelihood import Categories, Logistics
from ppgan_lite.networks import options
from ppgan_lite.networks.pixelcnn import PixelCNN, Pixels

GREY, COLOUR = (1, 7, 6), (3, 5, 6)


def network(shape, num_parameters, num_classes=None, blocks=2):
    """A small network with random weights and biases, in evaluation mode."""
    paddle.seed(0)
    keys = options.PixelCNN(name="pixelcnn", features=8, blocks=blocks, head=8)
    made = PixelCNN(keys, shape, num_parameters, num_classes)
    for parameter in made.parameters():
        parameter.set_value(parameter + 0.1 * paddle.randn(parameter.shape))
    made.eval()
    return made


@pytest.mark.parametrize("shape", [GREY, COLOUR])
def test_a_pixel_depends_on_all_near_pixels_before_it_and_on_no_later_one(shape):
    p = network(shape, 4)
    _, height, width = shape
    images = paddle.rand([1, *shape])
    images.stop_gradient = False
    for row in range(height):
        for column in range(width):
            (gradient,) = paddle.grad(p(images)[0, :, row, column].square().sum(), images)
            depends = (gradient.abs().sum([0, 1]) > 0).numpy().ravel()
            number = row * width + column
            assert not depends[number:].any()
            rows, columns = np.divmod(np.arange(number), width)
            near = (row - rows <= 3) & (abs(column - columns) <= 3)
            assert depends[:number][near].all()  # no blind spot


def test_four_blocks_see_a_picture_of_18_rows_whole():
    images = paddle.rand([1, 1, 18, 18])
    images.stop_gradient = False
    (gradient,) = paddle.grad(network((1, 18, 18), 4, blocks=4)(images)[0, :, 17, 17].square().sum(), images)
    depends = (gradient.abs() > 0).numpy().ravel()
    assert depends[:-1].all()
    assert not depends[-1]


@pytest.mark.parametrize(
    ("distribution", "shape", "num_classes"),
    [(Categories(), GREY, None), (Categories(), GREY, 3), (Logistics(2), COLOUR, None)],
)
def test_pictures_are_those_of_full_passes(distribution, shape, num_classes):
    p = network(shape, distribution.num_parameters, num_classes)
    labels = paddle.to_tensor([0, 2, 1]) if num_classes else None
    uniforms = paddle.rand([3, distribution.num_uniforms, *shape[1:]])
    temperature = paddle.to_tensor([[1.0], [0.5], [0.8]])
    made = Pixels(p, distribution)(uniforms.flatten(1), temperature, labels)
    images = paddle.zeros([3, *shape])
    for row in range(shape[1]):
        for column in range(shape[2]):
            parameters = p(images, labels)[:, :, row, column]
            images[:, :, row, column] = distribution.draw(parameters, uniforms[:, :, row, column], temperature)
    np.testing.assert_allclose(made.numpy(), images.numpy(), atol=1e-6)


def test_a_class_changes_every_pixels_distribution():
    p = network(GREY, 4, 3)
    images = paddle.rand([1, *GREY])
    first, second = (p(images, paddle.to_tensor([label])).numpy() for label in (0, 1))
    assert (abs(first - second).max(1) > 0).all()
