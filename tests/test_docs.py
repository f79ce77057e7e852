"""The guides to adding a GAN and a data set show the files as they are, in both languages, and name what there is."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT

# English page -> the files that it shows whole, and those that it shows one class of each (a file may come twice)
GUIDES = {
    "docs/ADD_A_GAN.md": (
        ["ppgan_lite/methods/ragan.py", "configs/ragan_mnist.yml", "tests/methods/test_ragan.py"],
        ["ppgan_lite/methods/options.py"],
    ),
    "docs/ADD_A_DATASET.md": (
        ["ppgan_lite/data/kmnist.py", "configs/dcgan_kmnist.yml", "tests/data/test_kmnist.py"],
        ["ppgan_lite/data/options.py", "ppgan_lite/data/options.py"],
    ),
}
PAGES = [page for english in GUIDES for page in (english, english.replace(".md", "_cn.md"))]
# English page -> the name that its pytest command selects by, and tests that this must find
FOUND = {
    "docs/ADD_A_GAN.md": (
        "ragan",
        (
            "test_a_step_trains_every_network",
            "test_any_channels_and_a_short_batch",
            "test_resumed_equals_uninterrupted",
            "test_previews_and_logs_change_nothing",
            "test_every_config_takes_two_steps",
            "learns_the_modes",
        ),
    ),
    "docs/ADD_A_DATASET.md": ("kmnist", ("test_its_files_are_read", "test_every_config_takes_two_steps")),
}
PLACEHOLDERS = {"KIND/NAME", "loss/...", "$PPGAN_DATA"}


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_the_files_are_shown_as_they_are(name):
    files, files_of_classes = GUIDES[name.replace("_cn.md", ".md")]
    shown, whole = [*blocks(name, "python"), *blocks(name, "yaml")], [read(path) for path in files]
    assert set(whole) <= set(shown)
    classes = [block for block in shown if block not in whole]
    for block, path in zip(classes, files_of_classes, strict=True):
        assert f"\n\n\n{block}\n\n" in read(path)


@pytest.mark.parametrize("english", GUIDES)
def test_both_languages_have_the_same_commands_headings_and_rows(english):
    chinese = english.replace(".md", "_cn.md")
    assert blocks(english, "bash") == blocks(chinese, "bash")
    for pattern in (r"^#+ ", r"^\| ", r"^- "):
        ours, theirs = (len(re.findall(pattern, read(name), re.MULTILINE)) for name in (english, chinese))
        assert ours == theirs


@pytest.mark.parametrize("english", GUIDES)
def test_the_tests_are_found_by_the_name(english):
    name, tests = FOUND[english]
    (command,) = (line for block in blocks(english, "bash") for line in block.splitlines() if "pytest" in line)
    collect = [sys.executable, *command.split()[1:], "--collect-only", "-q", "-o", "addopts="]
    found = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True).stdout
    for test in tests:
        assert re.search(rf"{test}.*(?<![a-z]){name}|_{name}\.py::{test}", found), test  # dragan is not ragan


@pytest.mark.parametrize("name", PAGES)
def test_what_is_named_exists(name):
    """Files, and every name in the text that is code of this package."""
    text = re.sub(r"^```.*?^```", "", read(name), flags=re.DOTALL | re.MULTILINE)
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ppgan_lite").rglob("*.py"))
    for word in set(re.findall(r"`([^`\n]+)`", text)) - PLACEHOLDERS:
        if word.endswith((".py", ".yml")):
            assert list(ROOT.rglob(word.rpartition("/")[2])), word
        elif not word.endswith("/"):
            assert re.sub(r"\(.*", "(", word).removeprefix("self.") in code, word
