"""Configs, found by their path or by the name of a config that comes with ppgan_lite."""

import importlib.util
from pathlib import Path

import pytest
from conftest import ROOT

from ppgan_lite.config import find
from ppgan_lite.errors import ConfigError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", ["dcgan_mnist", "dcgan_mnist.yml", "configs/dcgan_mnist.yml", "configs/dcgan_mnist"])
def test_a_shipped_config_is_found_by_name_from_any_folder(text, here):
    assert find.find_config(text) == ROOT / "configs" / "dcgan_mnist.yml"
    (here / "dcgan_mnist").mkdir()  # a folder is not a config
    assert find.find_config(text) == ROOT / "configs" / "dcgan_mnist.yml"


@pytest.mark.parametrize("text", ["dcgan_mnist", "dcgan_mnist.yml", "configs/dcgan_mnist.yml", "own/x.txt"])
def test_a_file_of_that_path_comes_first(text):
    Path(text).parent.mkdir(exist_ok=True)
    Path(text).write_text("")
    assert find.find_config(text) == Path(text)
    assert find.find_config(Path(text).absolute()) == Path(text).absolute()


def test_the_home_folder_is_known_as_a_tilde(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    (here / "own.yml").write_text("")
    assert find.find_config("~/own.yml") == here / "own.yml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dcgan_mnits", "no such file; did you mean dcgan_mnist, dcgan_kmnist, "),
        ("configs/dcgan_minst.yml", "no such file; did you mean dcgan_mnist, dcgan_kmnist, "),
        ("own/dcgan_mnist.yml", "no such file; did you mean dcgan_mnist, "),
        ("../configs/dcgan_mnist.yml", "no such file; did you mean dcgan_mnist, "),
        ("none.yml", f"no such file; the configs of ppgan_lite are in {ROOT / 'configs'}"),
        (".", f"is a folder; the configs of ppgan_lite are in {ROOT / 'configs'}"),
    ],
)
def test_a_missing_config_is_one_line_with_the_nearest_names(text, message):
    with pytest.raises(ConfigError) as caught:
        find.find_config(text)
    assert str(caught.value).startswith(f"{text}: cannot read the config file: {message}")


def test_an_installed_package_has_its_configs_inside(here):
    """The module as pip installs it: configs/ is in the package's folder."""
    (here / "ppgan_lite" / "config").mkdir(parents=True)
    (here / "ppgan_lite" / "configs").mkdir()
    (here / "ppgan_lite" / "configs" / "x.yml").write_text("")
    path = here / "ppgan_lite" / "config" / "find.py"
    path.write_text(Path(find.__file__).read_text())
    spec = importlib.util.spec_from_file_location("installed_find", path)
    installed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installed)
    assert installed.find_config("x") == here / "ppgan_lite" / "configs" / "x.yml"
    assert installed.CHECKOUT is None
    assert installed.install_command("onnx") == 'pip install "ppgan_lite[onnx]"'


def test_the_command_that_installs_names_the_file_from_where_one_is(monkeypatch):
    assert find.install_command() == f"pip install -r {ROOT / 'requirements.txt'}"
    assert find.install_command("lsun") == f"pip install -r {ROOT / 'requirements-lsun.txt'}"
    monkeypatch.chdir(ROOT)
    assert find.install_command() == "pip install -r requirements.txt"
