"""The guides to adding a GAN show the files as they are, in both languages, and their commands run."""

import re

import pytest
from conftest import ROOT

GUIDES = ("docs/ADD_A_GAN.md", "docs/ADD_A_GAN_cn.md")


def blocks(name, language):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", GUIDES)
def test_the_files_are_shown_as_they_are(name):
    shown = ["ppgan_lite/methods/ragan.py", "configs/ragan_mnist.yml", "tests/methods/test_ragan.py"]
    found = [*blocks(name, "python"), *blocks(name, "yaml")]
    assert sorted(found) == sorted((ROOT / path).read_text(encoding="utf-8") for path in shown)


def test_both_languages_have_the_same_commands_headings_and_rows():
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in GUIDES)
    assert blocks(GUIDES[0], "bash") == blocks(GUIDES[1], "bash")
    for pattern in (r"^#+ ", r"^\| ", r"^- "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE))


@pytest.mark.parametrize("name", GUIDES)
def test_what_is_named_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:ppgan_lite|configs|tests|tools)/[\w/.]*\w)`", text):
        assert (ROOT / path).exists(), path
    for file in re.findall(r"`(\w+\.py)`", text):
        assert list((ROOT / "ppgan_lite").rglob(file)), file
    options = (ROOT / "ppgan_lite" / "options.py").read_text()
    for word in ("PENALISES_GRADIENTS", "batches_in", '"ragan": Adversarial', "class WGAN"):
        assert word in options
