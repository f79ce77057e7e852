import paddle
import pytest

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options

TABLES = {
    "generators": options.GENERATORS,
    "discriminators": options.DISCRIMINATORS,
    "autoencoders": options.AUTOENCODERS,
    "classifiers": options.CLASSIFIERS,
    "denoisers": options.DENOISERS,
    "densities": options.DENSITIES,
    "flows": options.FLOWS,
    "translators": options.TRANSLATORS,
    "patch discriminators": options.PATCH_DISCRIMINATORS,
    "translators to attributes": options.ATTRIBUTE_TRANSLATORS,
    "discriminators of attributes": options.ATTRIBUTE_DISCRIMINATORS,
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
        (options.ResNetTranslator, 18, 64, "resnet_translator takes .* 16x16 pixels, .* multiples of 4, but .*"),
        (options.PatchDiscriminator, 16, 64, "patch with 3 layers takes .* at least 24x24 .* 16x64; lower layers"),
        (options.StarGANDiscriminator, 96, 96, "stargan with 6 layers takes .* of 64 pixels, .* 96x96; lower layers"),
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
    options.UNet(name="unet").check_size(512, 512)
    options.ResNetTranslator(name="resnet_translator").check_size(100, 36)
    options.PatchDiscriminator(name="patch", layers=1).check_size(6, 9)
    options.StarGANDiscriminator(name="stargan", layers=4).check_size(80, 80)
