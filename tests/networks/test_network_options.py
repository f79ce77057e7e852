import paddle
import pytest

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options

TABLES = {
    "generators": options.GENERATORS,
    "discriminators": options.DISCRIMINATORS,
    "autoencoders": options.AUTOENCODERS,
    "classifiers": options.CLASSIFIERS,
}
NETWORKS = [(kind, name) for kind, table in TABLES.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), NETWORKS)
def test_every_name_builds_a_network(kind, name):
    cls = TABLES[kind][name]
    assert issubclass(cls(name=name).builder(), paddle.nn.Layer)
    for option, values in cls.CAN_WITH.values():
        assert {getattr(cls(name=name, **{option: value}), option) for value in values} == set(values)


@pytest.mark.parametrize(
    ("network", "height", "width", "message"),
    [
        (options.DCGAN28Generator, 32, 32, "dcgan28 takes images of 28x28 pixels, but the data has 32x32"),
        (options.InfoGANDiscriminator, 1, 1, "infogan takes images of 28x28 pixels, but the data has 1x1"),
        (options.BEGANAutoencoder, 64, 64, "began takes images of 28x28 or 32x32 pixels, but the data has 64x64"),
        (options.DCGAN64Generator, 64, 32, "dcgan64 takes images of 32x32, 64x64 or 128x128 pixels, but .* 64x32"),
        (options.CNN, 3, 9, "cnn takes images of at least 4x4 pixels, but the data has 3x9"),
        (options.Evaluator, 28, 7, "evaluator takes images of at least 8x8 pixels, but the data has 28x7"),
    ],
)  # fmt: skip
def test_a_size_that_does_not_fit_is_refused(network, height, width, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        network(name=message.split()[0]).check_size(height, width)


def test_sizes_that_fit_are_taken():
    options.DCGAN64Generator(name="dcgan64").check_size(128, 128)
    options.FCGenerator(name="fully_connected").check_size(1, 7)
    options.CNN(name="cnn").check_size(4, 9)
