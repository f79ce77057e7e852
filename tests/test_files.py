import errno
import subprocess
import sys

import pytest
from conftest import ROOT

from ppgan_lite.errors import RunError
from ppgan_lite.files import locked, remove_folder, remove_leftovers, seal, unseal, writing, writing_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "file"
    with writing(path) as stream:
        stream.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_a_failure_keeps_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="half way"), writing(path) as stream:
        stream.write(b"new")
        raise ValueError("half way")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_no_space_is_one_line_that_names_the_file(tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(RunError, match=r"file: cannot be written: No space left on device"), writing(tmp_path / "file"):
        pass
    assert names(tmp_path) == []


def test_a_folder_appears_when_it_is_whole_and_replaces_another(tmp_path):
    path = tmp_path / "deep" / "folder"
    for content in (b"1", b"2"):
        with writing_folder(path) as temporary:
            (temporary / "file").write_bytes(content)
            assert not path.exists() or (path / "file").read_bytes() == b"1"
        assert (path / "file").read_bytes() == content
    assert names(tmp_path / "deep") == ["folder"]


def test_a_failed_folder_leaves_the_old_one(tmp_path):
    with writing_folder(tmp_path / "folder") as temporary:
        (temporary / "file").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), writing_folder(tmp_path / "folder") as temporary:
        (temporary / "file").write_bytes(b"new")
        raise KeyboardInterrupt
    assert (tmp_path / "folder" / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["folder"]


def test_a_folder_is_one_process_s_own(tmp_path):
    pytest.importorskip("fcntl", reason="needs a system that can lock folders")
    imports = "import sys; from pathlib import Path; from ppgan_lite.files import locked"
    code = f"{imports}\nwith locked(Path(sys.argv[1])): print(1)"
    other = [sys.executable, "-c", code, str(tmp_path / "run")]
    with locked(tmp_path / "run"):
        result = subprocess.run(other, cwd=ROOT, capture_output=True, text=True)
        assert "another process is training there; wait for it" in result.stderr
    assert subprocess.run(other, cwd=ROOT, capture_output=True, text=True).stdout == "1\n"


def test_leftovers_of_a_killed_process_go(tmp_path):
    (tmp_path / ".step.1.tmp").mkdir()
    (tmp_path / ".step.1.tmp" / "file").write_text("")
    (tmp_path / ".run.json.1.tmp").write_text("")
    (tmp_path / "kept").write_text("")
    remove_leftovers(tmp_path)
    remove_folder(tmp_path / "none")
    assert names(tmp_path) == ["kept"]


def test_a_sealed_record_comes_back_and_a_changed_one_does_not():
    record = {"step": 3, "name": "数字", "shape": [None, 1]}
    sealed = seal(record)
    assert unseal(sealed) == record
    for changed in (
        sealed.replace(b'"step": 3', b'"step": 4'),
        sealed[:-1],
        b"[]",
        b"",
        b"\xff",
        b"{}",
        b'{"sha256": 1}',
    ):
        assert unseal(changed) is None
