import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from blur import blurred
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn

from ppgan_lite import runtime
from ppgan_lite.networks import fast_conv
from ppgan_lite.networks.layers import (
    CANCELLED,
    FEWEST_IMAGES,
    AvgPool2D,
    BatchNorm2D,
    BilinearUpsampleConv2D,
    Conv2D,
    Conv2DMeanPool,
    Conv2DTranspose,
    FewInputsConv2D,
    FewOutputsConv2D,
    LeakyReLU,
    Linear,
    MaxPool2x2,
    NearestUpsample,
    NearestUpsampleConv2D,
    OutputHeads,
    ReflectPad2D,
    ReLU,
    SmoothPool,
    SmoothPoolConv2D,
    SmoothUpsample,
    biased,
    scaled,
    smooth_doubling_conv2d,
    smoothed,
)


class Called(nn.Layer):
    """A function of a layer, the input and a parameter, as a layer."""

    def __init__(self, function, *shape):
        super().__init__()
        self.function, self.parameter = function, self.create_parameter(shape)

    def forward(self, x):
        return self.function(self, x, self.parameter)


def scaled_maps(layer, x, factors):
    return scaled(layer, x, factors[: len(x)])


LAYERS = {
    "conv": lambda: Conv2D(4, 6, 4, stride=2, padding=1, bias=True),
    "conv to one pixel": lambda: Conv2D(4, 6, 8, bias=True),
    "conv that is not supported": lambda: Conv2D(4, 6, 3, stride=2, bias=True),
    "conv of one pixel": lambda: Conv2D(4, 6, 1, bias=True),
    "conv of groups": lambda: Conv2D(4, 6, 3, padding=1, bias=True, groups=2),
    "conv of few channels": lambda: Conv2D(3, 6, 4, stride=2, padding=1, bias=True),
    "conv to few channels": lambda: Conv2D(4, 3, 3, padding=1, bias=True),
    "transposed": lambda: Conv2DTranspose(4, 6, 4, stride=2, padding=1, bias=True),
    "transposed with one more row": lambda: Conv2DTranspose(4, 6, 3, stride=2, padding=1, output_padding=1, bias=True),
    "transposed from one pixel": lambda: Conv2DTranspose(4, 6, 4, bias=True),
    "transposed to few channels": lambda: Conv2DTranspose(4, 3, 4, stride=2, padding=1, bias=True),
    "upsampling": lambda: BilinearUpsampleConv2D(4, 6, 5, bias=True),
    "nearest upsampling": lambda: NearestUpsampleConv2D(4, 6, bias=True),
    "pooling": lambda: Conv2DMeanPool(4, 6, bias=True),
    "max-pool": MaxPool2x2,
    "reflect padding": lambda: ReflectPad2D(3),
    "conv from few inputs": lambda: FewInputsConv2D(4, 6, 5),
    "conv to few outputs": lambda: FewOutputsConv2D(4, 3, 5),
    "padded conv to few outputs": lambda: FewOutputsConv2D(4, 1, 4, padding=1, bias=False),
    "smooth upsampling": SmoothUpsample,
    "smooth pooling": SmoothPool,
    "smooth pooling and conv": lambda: SmoothPoolConv2D(4, 6),
    "conv and smooth upsampling": lambda: Called(smooth_doubling_conv2d, 6, 4, 3, 3),
    "factors of maps": lambda: Called(scaled_maps, FEWEST_IMAGES, 4),
    "biases that are computed": lambda: Called(biased, 4),
    "leaky ReLU": lambda: LeakyReLU(0.2),
}


def input_for(name, layer, num=FEWEST_IMAGES):
    size = 1 if name.endswith("from one pixel") else 8
    shape = [num, getattr(layer, "_in_channels", 4), size, size]
    return paddle.to_tensor(np.random.default_rng(0).standard_normal(shape).astype("float32"), stop_gradient=False)


def forward_and_gradients(layer, x):
    y = layer(x)
    projection = paddle.to_tensor(np.random.default_rng(1).standard_normal(y.shape).astype("float32"))
    trained = [parameter for parameter in layer.parameters() if not parameter.stop_gradient]
    return [value.numpy() for value in [y, *paddle.grad([y], [x, *trained], [projection])]]


@pytest.mark.parametrize("num", [1, 2, FEWEST_IMAGES])
@pytest.mark.parametrize("name", LAYERS)
def test_both_forms_compute_the_same(name, num, monkeypatch):
    layer = LAYERS[name]()
    for parameter in layer.parameters():
        parameter.set_value(paddle.randn(parameter.shape))  # biases too, which start at 0
    x = input_for(name, layer, num)
    fast = forward_and_gradients(layer, x)
    monkeypatch.setenv(runtime.LAYERS, "plain")
    for ours, theirs in zip(fast, forward_and_gradients(layer, x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


LAYOUT = {"batch norm": lambda: BatchNorm2D(4), "ReLU": ReLU, "mean": lambda: AvgPool2D(2), "nearest": NearestUpsample}


@pytest.mark.parametrize("name", [*LAYERS, *LAYOUT])
def test_views_as_fast_convolutions_return_them_give_the_same(name):
    layers = [(LAYERS | LAYOUT)[name]() for _ in range(2)]
    layers[1].set_state_dict(layers[0].state_dict())
    x = input_for(name, layers[0])
    stored = paddle.assign(x.transpose([1, 0, 2, 3]))
    values = forward_and_gradients(layers[0], x)
    views = forward_and_gradients(layers[1], stored.transpose([1, 0, 2, 3]))
    for ours, theirs in zip(views, values, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())
    for ours, theirs in zip(*(layer.state_dict().values() for layer in layers), strict=True):  # running statistics
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)


def test_a_batch_norm_takes_a_view_without_a_copy_and_returns_one():
    x = paddle.randn([3, 2, 4, 5]).transpose([1, 0, 2, 3])
    assert not x.is_contiguous()
    assert BatchNorm2D(3)(x).transpose([1, 0, 2, 3]).is_contiguous()
    assert BatchNorm2D(2)(x.contiguous().transpose([1, 0, 2, 3]).contiguous()).is_contiguous()


def test_linear_layers_have_the_same_forms(monkeypatch):
    layer, x = Linear(5, 3), paddle.randn([FEWEST_IMAGES, 5])
    layer.bias.set_value(paddle.randn([3]))
    x.stop_gradient = False
    fast = forward_and_gradients(layer, x)
    monkeypatch.setenv(runtime.LAYERS, "plain")
    for ours, theirs in zip(fast, forward_and_gradients(layer, x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("num", [1, FEWEST_IMAGES])
@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv2D(4, 6, 4, stride=2, padding=1, bias=CANCELLED),
        lambda: Conv2D(3, 6, 3, bias=CANCELLED),
        lambda: Conv2DTranspose(4, 6, 4, stride=2, padding=1, bias=CANCELLED),
        lambda: Conv2DTranspose(4, 6, 3, stride=2, padding=1, output_padding=1, bias=CANCELLED),
        lambda: FewInputsConv2D(3, 6, 5, bias=CANCELLED),
    ],
)
def test_a_bias_that_a_norm_cancels_is_neither_trained_nor_added(make, num, monkeypatch):
    layer = make()
    bias = layer.bias
    assert (bias.shape, bias.stop_gradient, float(bias.abs().max())) == ([6], True, 0)
    bias.set_value(paddle.randn([6]))  # as in weights from elsewhere
    network = nn.Sequential(layer, nn.InstanceNorm2D(6, weight_attr=False, bias_attr=False))
    x = input_for("", layer, num)
    fast = network(x).numpy()
    monkeypatch.setenv(runtime.LAYERS, "plain")
    np.testing.assert_allclose(fast, network(x).numpy(), atol=1e-5)
    monkeypatch.delenv(runtime.LAYERS)
    bias.set_value(paddle.zeros([6]))
    np.testing.assert_array_equal(fast, network(x).numpy())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(2, 11), st.integers(2, 11), st.booleans())
def test_max_pool_equals_paddles(num, channels, height, width, ties):
    rng = np.random.default_rng(0)
    shape = [num, channels, height, width]
    pixels = rng.integers(0, 2, shape) if ties else rng.standard_normal(shape)
    x = paddle.to_tensor(pixels.astype("float32"), stop_gradient=False)
    ours, theirs = forward_and_gradients(MaxPool2x2(), x), forward_and_gradients(nn.MaxPool2D(2), x)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_max_pool_of_nan_and_infinity_is_paddles(value):
    """Paddle's max-pool with a mask hides NaN, gives it the index -1, and writes out of bounds in its backward."""
    pixels = np.random.default_rng(0).standard_normal([2, 3, 4, 4]).astype("float32")
    pixels[0, 0] = pixels[1, 2, :2] = value
    x = paddle.to_tensor(pixels, stop_gradient=False)
    ours, theirs = forward_and_gradients(MaxPool2x2(), x), forward_and_gradients(nn.MaxPool2D(2), x)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isnan(ours[0]).any() == np.isnan(value)


FAST = {
    "conv": "conv2d",
    "transposed": "conv2d_transpose",
    "upsampling": "upsample_conv2d",
    "nearest upsampling": "conv2d_transpose",
    "pooling": "conv2d",
    "conv of few channels": "conv2d_of_patches",
    "conv to few channels": "conv2d_transpose_of_patches",
    "smooth pooling and conv": "halving_conv2d",
    "conv and smooth upsampling": "doubling_conv2d",
    "transposed to few channels": "conv2d_transpose_of_patches",
}


@pytest.fixture
def used(monkeypatch):
    """Names of the functions of fast_conv that were called."""
    names = []
    for name in set(FAST.values()):
        plain = getattr(fast_conv, name)

        def spy(*arguments, name=name, plain=plain):
            names.append(name)
            return plain(*arguments)

        monkeypatch.setattr(fast_conv, name, spy)
    return names


@pytest.mark.parametrize("name", LAYERS)
def test_the_fast_form_is_used_where_it_is_faster(name, used):
    layer = LAYERS[name]()
    layer(input_for(name, layer))
    assert used == ([FAST[name]] if name in FAST else [])


@pytest.mark.parametrize("name", FAST)
def test_small_batches_take_paddles_own_but_for_bilinear_upsampling(name, used):
    layer = LAYERS[name]()
    for num in (1, FEWEST_IMAGES - 1):
        layer(input_for(name, layer, num))
    assert used == (["upsample_conv2d"] * 2 if name == "upsampling" else [])


@pytest.mark.parametrize("name", FAST)
def test_other_types_and_the_switch_take_paddles_own(name, used, monkeypatch):
    layer = LAYERS[name]()
    x = input_for(name, layer)
    monkeypatch.setenv(runtime.LAYERS, "plain")
    layer(x)
    monkeypatch.delenv(runtime.LAYERS)
    layer.to(dtype="float64")
    layer(x.astype("float64"))
    assert used == []


@pytest.mark.parametrize("name", LAYERS)
def test_evaluation_takes_paddles_own_but_for_upsampling_and_so_does_its_static_graph(name, used):
    layer = LAYERS[name]()
    layer.eval()
    x = input_for(name, layer)
    dynamic = layer(x).numpy()
    spec = [paddle.static.InputSpec([None, *x.shape[1:]], "float32")]
    static = paddle.jit.to_static(layer, input_spec=spec, full_graph=True)
    np.testing.assert_allclose(static(x).numpy(), dynamic, rtol=1e-6, atol=1e-6 * np.abs(dynamic).max())
    assert used == (["upsample_conv2d"] * 2 if name == "upsampling" else [])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 3), st.integers(1, 3), st.integers(4, 11), st.integers(4, 11))
def test_reflect_padding_is_paddles_exactly(padding, num, height, width):
    class Paddles(nn.Layer):
        def forward(self, x):
            return F.pad(x, [padding] * 4, mode="reflect") if padding else x * 1

    x = paddle.to_tensor(np.random.default_rng(0).standard_normal([num, 2, height, width]).astype("float32"))
    x.stop_gradient = False
    ours, theirs = forward_and_gradients(ReflectPad2D(padding), x), forward_and_gradients(Paddles(), x)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6, atol=1e-6)


def test_the_double_gradient_of_reflect_padding_matches_finite_differences():
    x = paddle.to_tensor(np.random.default_rng(0).standard_normal([2, 3, 5, 6]).astype("float32"), stop_gradient=False)
    direction = paddle.to_tensor(np.random.default_rng(1).standard_normal(x.shape).astype("float32"))

    def penalty(x):
        (gradient,) = paddle.grad([(ReflectPad2D(2)(x) ** 3).sum()], [x], create_graph=True)
        return gradient.square().mean()

    (gradient,) = paddle.grad([penalty(x)], [x])
    h = 1e-3
    numeric = float(penalty(x + h * direction) - penalty(x - h * direction)) / (2 * h)
    assert float((gradient * direction).sum()) == pytest.approx(numeric, rel=5e-3)


@pytest.mark.parametrize("shape", [(2, 3, 4, 6), (1, 1, 2, 2)])
def test_smooth_layers_have_their_kernels(shape):
    x = paddle.to_tensor(np.random.default_rng(0).standard_normal(shape).astype("float32"), stop_gradient=False)
    bordered = F.pad(x, [1] * 4)  # zeros
    larger = F.interpolate(bordered, scale_factor=2, mode="bilinear", align_corners=False)[:, :, 2:-2, 2:-2]
    y = SmoothUpsample()(x)
    np.testing.assert_allclose(y.numpy(), larger.numpy(), atol=1e-6)
    weights = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    kernel = paddle.to_tensor(np.tile(weights, [shape[1], 1, 1, 1]).astype("float32"))
    smaller = F.conv2d(x, kernel, stride=2, padding=1, groups=shape[1])
    np.testing.assert_allclose(SmoothPool()(x).numpy(), smaller.numpy(), atol=1e-6)


@pytest.mark.parametrize("form", ["fast", "plain"])
@pytest.mark.parametrize("layer", [SmoothUpsample(), SmoothPool()], ids=["upsampling", "pooling"])
def test_smooth_layers_have_double_gradients(layer, form, monkeypatch):
    """They are linear: a penalty on the gradient of sum(y^3) has a closed form, with products by their matrix."""
    if form == "plain":
        monkeypatch.setenv(runtime.LAYERS, "plain")
    rng = np.random.default_rng(0)
    matrix = layer(paddle.eye(24).reshape([24, 1, 4, 6])).numpy().reshape(24, -1)  # [inputs, outputs]
    x = rng.standard_normal([3, 24]).astype("float32")
    image = paddle.to_tensor(x.reshape(3, 1, 4, 6), stop_gradient=False)
    (gradient,) = paddle.grad([(layer(image) ** 3).sum()], [image], create_graph=True)
    (second,) = paddle.grad([gradient.square().sum() / 2], [image])
    y = x @ matrix
    first = 3 * y**2 @ matrix.T
    np.testing.assert_allclose(gradient.numpy().reshape(3, 24), first, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(second.numpy().reshape(3, 24), (first @ matrix * 6 * y) @ matrix.T, rtol=1e-4, atol=1e-3)


EXPORTED = {
    "reflect padding": lambda: ReflectPad2D(3),
    "conv from few inputs": lambda: FewInputsConv2D(3, 6, 7),
    "conv to few outputs": lambda: FewOutputsConv2D(3, 1, 4, padding=1),
}


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_layer_takes_any_size_and_computes_what_it_trains_with(name, tmp_path):
    layer = EXPORTED[name]()
    pictures = [paddle.randn([num, 3, height, width]) for num, height, width in ((1, 8, 8), (2, 12, 9))]
    trained = [layer(x).numpy() for x in pictures]
    layer.eval()
    spec = [paddle.static.InputSpec([None, 3, None, None], "float32")]
    paddle.jit.save(layer, str(tmp_path / "layer"), input_spec=spec)
    loaded = paddle.jit.load(str(tmp_path / "layer"))
    for x, expected in zip(pictures, trained, strict=True):
        np.testing.assert_allclose(loaded(x).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_a_step_repeated_is_the_same_bit_for_bit():
    for name in ("reflect padding", "conv from few inputs", "padded conv to few outputs"):
        layer = LAYERS[name]()
        first, again = (forward_and_gradients(layer, input_for(name, layer, 1)) for _ in range(2))
        for ours, repeated in zip(first, again, strict=True):
            np.testing.assert_array_equal(ours, repeated)


def test_a_layer_without_bias_has_one_parameter():
    convolutions = (Conv2D(4, 6, 3), Conv2DTranspose(4, 6, 4), NearestUpsampleConv2D(4, 6), Conv2DMeanPool(4, 6))
    few = FewInputsConv2D(4, 6, 3, bias=False), FewOutputsConv2D(4, 6, 3, bias=False)
    for layer in (*convolutions, *few, BilinearUpsampleConv2D(4, 6, 5)):
        assert [name for name, _ in layer.named_parameters()] == ["weight"]


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 1)])
def test_nearest_upsampling_is_paddles(shape):
    x = paddle.to_tensor(np.random.default_rng(0).standard_normal(shape).astype("float32"), stop_gradient=False)

    class Paddles(nn.Layer):
        def forward(self, x):
            return F.interpolate(x, scale_factor=2, mode="nearest")

    ours, theirs = forward_and_gradients(NearestUpsample(), x), forward_and_gradients(Paddles(), x)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6, atol=1e-6)


def test_output_heads_return_one_output_or_a_tuple_each_from_its_own_layer():
    x = paddle.randn([4, 6])
    one, three = OutputHeads(6, (2,)), OutputHeads(6, (1, 5, 2))
    np.testing.assert_array_equal(one(x).numpy(), one[0](x).numpy())
    outputs = three(x)
    assert isinstance(outputs, tuple)
    assert [y.shape for y in outputs] == [[4, 1], [4, 5], [4, 2]]
    for head, y in zip(three, outputs, strict=True):
        np.testing.assert_array_equal(y.numpy(), head(x).numpy())


def test_output_heads_are_made_by_make():
    heads = OutputHeads(6, (1, 5), lambda features, size: nn.Linear(features, size, bias_attr=False))
    assert [tuple(head.weight.shape) for head in heads] == [(6, 1), (6, 5)]
    assert all(head.bias is None for head in heads)


def test_a_blur_and_a_convolution_are_one_kernel_of_six_taps():
    """In float64: down, and up, where it is the same kernel transposed; at the borders, too."""
    rng = np.random.default_rng(0)
    x, weight = (paddle.to_tensor(rng.standard_normal(shape)) for shape in ([2, 3, 8, 6], [3, 3, 3, 3]))
    down = F.conv2d(x, smoothed(weight), stride=2, padding=2)
    np.testing.assert_allclose(down.numpy(), F.conv2d(blurred(x, 2), weight, stride=2).numpy(), atol=1e-13)
    transposed = weight.transpose([1, 0, 2, 3])  # [I, O, 3, 3]
    expected = 4 * blurred(F.conv2d_transpose(x, transposed, stride=2), 1)
    up = 4 * F.conv2d_transpose(x, smoothed(transposed), stride=2, padding=2)
    np.testing.assert_allclose(up.numpy(), expected.numpy(), atol=1e-13)
    np.testing.assert_allclose(smooth_doubling_conv2d(nn.Layer(), x, weight).numpy(), expected.numpy(), atol=1e-13)
