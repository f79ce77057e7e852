"""The guides to adding a GAN show the files as they are, in both languages, and name what there is."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT

GUIDES = ("docs/ADD_A_GAN.md", "docs/ADD_A_GAN_cn.md")
PLACEHOLDERS = {"KIND/NAME", "loss/..."}


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", GUIDES)
def test_the_files_are_shown_as_they_are(name):
    shown = ["ppgan_lite/methods/ragan.py", "configs/ragan_mnist.yml", "tests/methods/test_ragan.py"]
    assert sorted([*blocks(name, "python"), *blocks(name, "yaml")]) == sorted(read(path) for path in shown)


def test_both_languages_have_the_same_commands_headings_and_rows():
    assert blocks(GUIDES[0], "bash") == blocks(GUIDES[1], "bash")
    for pattern in (r"^#+ ", r"^\| ", r"^- "):
        english, chinese = (len(re.findall(pattern, read(name), re.MULTILINE)) for name in GUIDES)
        assert english == chinese


def test_the_tests_of_the_method_are_found_by_its_name():
    (command,) = (line for block in blocks(GUIDES[0], "bash") for line in block.splitlines() if "pytest" in line)
    collect = [sys.executable, *command.split()[1:], "--collect-only", "-q", "-o", "addopts="]
    found = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True).stdout
    for test in ("test_resumed_equals_uninterrupted", "test_every_config_takes_two_steps", "learns_the_modes"):
        assert re.search(rf"{test}.*[\[-]ragan", found), test


@pytest.mark.parametrize("name", GUIDES)
def test_what_is_named_exists(name):
    """Files, and every name in the text that is code of this package."""
    text = re.sub(r"^```.*?^```", "", read(name), flags=re.DOTALL | re.MULTILINE)
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ppgan_lite").rglob("*.py"))
    for word in set(re.findall(r"`([^`\n]+)`", text)) - PLACEHOLDERS:
        if word.endswith((".py", ".yml")):
            assert list(ROOT.rglob(word.rpartition("/")[2])), word
        elif not word.endswith("/"):
            assert re.sub(r"\(.*", "(", word).removeprefix("self.") in code, word
