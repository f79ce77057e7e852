import pytest

from ppgan_lite.data import options
from ppgan_lite.data.download import NoMirrorError
from ppgan_lite.data.stand_in import stand_in, stand_in_options
from ppgan_lite.errors import DataError

REASON = DataError("no mirror has it")
MNIST = options.MNIST(name="fashion_mnist", batch_size=7, root="/a", offline="rendered_digits")


def nothing(*arguments, **keys):
    raise DataError("not found")


def test_shared_options_are_copied():
    assert stand_in_options(MNIST) == options.RenderedDigits(name="rendered_digits", batch_size=7)
    cifar10 = options.CIFAR10(name="cifar10", batch_size=8, root="/a", flip=True, offline="cifar10_jpeg")
    assert stand_in_options(cifar10) == options.CIFARJPEG(name="cifar10_jpeg", batch_size=8, root="/a", flip=True)


def test_it_is_built_with_a_banner(capsys):
    def build(data, split, stands_in_for):
        return data.name, split, stands_in_for

    assert stand_in(MNIST, "test", build, "fashion-mnist", REASON) == ("rendered_digits", "test", "fashion_mnist")
    out, err = capsys.readouterr()
    assert out == ""
    bar, *lines, last = err.splitlines()
    assert bar == last == "*" * 100
    assert lines[:2] == ["*  NOT FASHION MNIST: RENDERED DIGITS instead.", "*  no mirror has it"]
    assert "into a folder fashion-mnist/ and set PPGAN_DATA" in lines[2]


def test_the_banner_has_a_line_for_each_mirror_and_is_100_wide(capsys):
    failed = "https://a.mirror/of/the/data/train-images-idx3-ubyte.gz: <urlopen error [Errno 111] Connection refused>"
    reason = NoMirrorError("train-images-idx3-ubyte.gz: not found", [failed, "https://b: timed out"], "download it")
    stand_in(MNIST, "test", lambda *arguments, **keys: None, "fashion-mnist", reason)
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[2:6] == [
        "*  train-images-idx3-ubyte.gz: not found",
        "*  - https://a.mirror/of/the/data/train-images-idx3-ubyte.gz: <urlopen error [Errno 111] Connection",
        "*    refused>",
        "*  - https://b: timed out",
    ]


@pytest.mark.parametrize("asked", [options.MNIST("mnist", batch_size=8), options.CIFAR("cifar100", batch_size=8)])
def test_without_offline_the_reason_is_the_error(asked, capsys):
    with pytest.raises(DataError) as caught:
        stand_in(asked, "train", pytest.fail, "x", REASON)
    assert caught.value is REASON
    assert capsys.readouterr().err == ""


def test_if_the_stand_in_fails_both_reasons_are_given(capsys):
    with pytest.raises(DataError) as caught:
        stand_in(MNIST, "train", nothing, "x", REASON)
    assert str(caught.value) == "no mirror has it; its stand-in rendered_digits is not available either: not found"
    assert capsys.readouterr().err == ""
