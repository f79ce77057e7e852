import pytest

from ppgan_lite import data, methods, networks, options

TABLES = [
    (options.METHODS, methods.METHODS),
    (options.AUTOENCODERS, networks.AUTOENCODERS),
    (options.GENERATORS, networks.GENERATORS),
    (options.DISCRIMINATORS, networks.DISCRIMINATORS),
    (options.CLASSIFIERS, networks.CLASSIFIERS),
    (options.DATASETS, data.DATASETS),
]


NAMES = ["methods", "autoencoders", "generators", "discriminators", "classifiers", "data"]


@pytest.mark.parametrize(("described", "built"), TABLES, ids=NAMES)
def test_every_name_has_options_and_something_to_build(described, built):
    assert described.keys() == built.keys()


def test_every_file_of_methods_is_registered():
    from conftest import ROOT

    files = {path.stem for path in (ROOT / "ppgan_lite" / "methods").glob("*.py")} - {"__init__", "base"}
    assert files == {cls.__module__.rsplit(".", 1)[1] for cls in methods.METHODS.values()}


def test_a_range_tells_its_ends():
    assert str(options.Range(0, 1, "high")) == "at least 0 and below 1"
    assert 0 in options.Range(0, 1, "high")
    assert 1 not in options.Range(0, 1, "high")
    assert 0 not in options.Range(0, open_ends="low")
    assert 10**9 in options.Range(1)
