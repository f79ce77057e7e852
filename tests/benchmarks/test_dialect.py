"""The dialect that was taken out of the package does not come back."""

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import dialect

KEPT = {
    ("those that, that of", "ppgan_lite/evaluation/inception.py"),  # a value of protocols that results have
    ("argument begins with of", "ppgan_lite/commands/sample.py"),  # "which images to generate"
    *(("beside, besides", f"ppgan_lite/{folder}/translate.py") for folder in ("cli", "commands")),  # the option
}


def test_the_package_has_none_of_it():
    paths = [path for folder in ("ppgan_lite", "tools", "configs") for path in dialect.files_of(ROOT, folder)]
    lines = {
        (name, path.relative_to(ROOT).as_posix()): f"{path}:{line}: {around}"
        for path in paths
        for name, line, around in dialect.occurrences(path)
    }
    assert [lines[key] for key in lines if key not in KEPT] == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ('raise ValueError("the class that it is told")', "tell, told"),
        ("x = 1  # of the pictures, the first", "comment begins with of"),
        ('"""Copy.\n\n    Args:\n        folder: of the run.\n"""', "argument begins with of"),
        ('"""Of each class, one."""', "sentence begins with Of"),
    ],
)
def test_it_is_found_in_messages_comments_and_docstrings(code, name, tmp_path):
    (tmp_path / "code.py").write_text(code)
    assert [each[0] for each in dialect.occurrences(tmp_path / "code.py")] == [name]
