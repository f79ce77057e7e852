import pytest

from ppgan_lite.data import options
from ppgan_lite.data.stand_in import stand_in, stand_in_options
from ppgan_lite.errors import DataError

REASON = DataError("no mirror gave it")
MNIST = options.MNIST(name="fashion_mnist", batch_size=7, root="/a", offline="rendered_digits")


def nothing(*arguments, **keys):
    raise DataError("it is nowhere")


def test_what_both_have_is_kept():
    assert stand_in_options(MNIST) == options.RenderedDigits(name="rendered_digits", batch_size=7)
    asked = options.CIFAR10(name="cifar10", root="/a", flip=True, offline="cifar10_jpeg")
    assert stand_in_options(asked) == options.CIFARJPEG(name="cifar10_jpeg", root="/a", flip=True)


def test_it_is_built_with_a_banner(capsys):
    def build(chosen, split, stands_in_for):
        return chosen.name, split, stands_in_for

    assert stand_in(MNIST, "test", build, "fashion-mnist", REASON) == ("rendered_digits", "test", "fashion_mnist")
    out, err = capsys.readouterr()
    assert out == ""
    bar, *lines, last = err.splitlines()
    assert bar == last == "*" * 100
    assert lines[:2] == ["*  NOT FASHION MNIST: RENDERED DIGITS instead.", "*  no mirror gave it"]
    assert "into a folder fashion-mnist/ and set PPGAN_DATA" in lines[2]


@pytest.mark.parametrize("asked", [options.MNIST(name="mnist"), options.CIFAR(name="cifar100")])
def test_without_leave_the_reason_is_the_error(asked, capsys):
    with pytest.raises(DataError) as caught:
        stand_in(asked, "train", pytest.fail, "x", REASON)
    assert caught.value is REASON
    assert capsys.readouterr().err == ""


def test_both_reasons_are_given_where_both_are_missing(capsys):
    with pytest.raises(DataError) as caught:
        stand_in(MNIST, "train", nothing, "x", REASON)
    assert str(caught.value) == "no mirror gave it; nor can rendered_digits stand in: it is nowhere"
    assert capsys.readouterr().err == ""
