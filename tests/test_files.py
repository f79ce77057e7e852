import concurrent.futures
import errno
import subprocess
import sys

import pytest
from conftest import ROOT

from ppgan_lite.errors import RunError
from ppgan_lite.files import (
    files_by_step,
    locked,
    remove_folder,
    remove_later,
    remove_leftovers,
    seal,
    unseal,
    writing,
    writing_folder,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_complete(tmp_path):
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


def test_a_folder_appears_when_it_is_complete_and_replaces_another(tmp_path):
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


def run_locked(folder, body, start=subprocess.run, **options):
    """Run Python lines in a new process that has the folder locked; `options` are those of `locked`."""
    arguments = ", ".join(["folder", *(f"{key}={value!r}" for key, value in options.items())])
    imports = "import sys, time; from pathlib import Path; from ppgan_lite.files import locked"
    code = f"{imports}\nfolder = Path(sys.argv[1])\nwith locked({arguments}):\n    {body}"
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return start([sys.executable, "-uc", code, str(folder)], cwd=ROOT, **streams)


def held_by_another(folder, **options):
    """A process that has the folder locked until it reads a line."""
    other = run_locked(folder, "print(1); input()", subprocess.Popen, **options)
    assert other.stdout.readline() == "1\n"
    return other


def test_a_folder_is_locked_for_one_process(tmp_path):
    with locked(tmp_path / "run"):
        result = run_locked(tmp_path / "run", "print(1)")
        assert "another process is training there; wait for it" in result.stderr
        assert result.stdout == ""
    assert run_locked(tmp_path / "run", "print(1)").stdout == "1\n"


def test_a_lock_leaves_nothing(tmp_path):
    with locked(tmp_path / "deep" / "run"):
        assert names(tmp_path / "deep" / "run") == [".lock"]
        remove_leftovers(tmp_path / "deep" / "run")
        assert names(tmp_path / "deep" / "run") == [".lock"]
    assert names(tmp_path / "deep" / "run") == []
    with pytest.raises(ValueError, match="half way"), locked(tmp_path):
        raise ValueError("half way")
    assert names(tmp_path) == ["deep"]


def test_the_lock_of_a_killed_process_ends(tmp_path):
    other = held_by_another(tmp_path)
    other.kill()
    other.communicate()
    assert names(tmp_path) == [".lock"]
    with locked(tmp_path):
        assert "another process" in run_locked(tmp_path, "print(1)").stderr
    assert names(tmp_path) == []


def test_waiting_for_another_process_is_reported_and_ends_with_it(tmp_path):
    first = held_by_another(tmp_path)
    second = run_locked(tmp_path, "print(1); input()", subprocess.Popen, waiting="another one works there")
    assert second.stderr.readline() == f"warning: {tmp_path}: another one works there; waiting for it\n"
    first.communicate("\n")
    assert second.stdout.readline() == "1\n"
    assert "another process" in run_locked(tmp_path, "print(1)").stderr  # the file of the first lock is gone
    assert second.communicate("\n")[1] == ""
    assert names(tmp_path) == []


def test_waiting_processes_work_one_at_a_time(tmp_path):
    (tmp_path / "count").write_text("0")
    body = "path = folder / 'count'; n = int(path.read_text()); time.sleep(0.01); path.write_text(str(n + 1))"
    loop = f"pass\nfor _ in range(10):\n  with locked(folder, waiting='busy'):\n    {body}"
    others = [
        run_locked(tmp_path / str(i), loop.replace("folder", "folder.parent"), subprocess.Popen) for i in range(3)
    ]
    for other in others:
        _, err = other.communicate(timeout=60)
        assert other.returncode == 0
        assert set(err.splitlines()) <= {f"warning: {tmp_path}: busy; waiting for it"}
    assert (tmp_path / "count").read_text() == "30"


def test_two_threads_do_not_share_a_lock(tmp_path):
    def attempt():
        with locked(tmp_path):
            return names(tmp_path)

    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        with locked(tmp_path):
            for refused in (attempt, lambda: thread.submit(attempt).result()):
                with pytest.raises(RunError, match="another process is training there"):
                    refused()
            assert names(tmp_path) == [".lock"]
        assert thread.submit(attempt).result() == [".lock"]
    assert names(tmp_path) == []


def test_the_lock_of_a_new_folder_of_the_same_name_is_left_alone(tmp_path):
    with locked(tmp_path / "run"):
        (tmp_path / "run").rename(tmp_path / "moved")
        other = held_by_another(tmp_path / "run")
    assert names(tmp_path / "run") == [".lock"]
    assert "another process" in run_locked(tmp_path / "run", "print(1)").stderr
    other.communicate("\n")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOLCK, "No locks available"), "No locks available"),
        (OSError(errno.EOPNOTSUPP, "Operation not supported"), "Operation not supported"),
        (OSError(errno.ENOSYS, "Function not implemented"), "Function not implemented"),
        (NotImplementedError("no flock"), "no flock"),
    ],
)
def test_where_there_are_no_locks_the_work_goes_on_with_a_warning(tmp_path, monkeypatch, capfd, error, message):
    def flock(descriptor, operation):
        raise error

    fcntl = pytest.importorskip("fcntl", reason="needs a system with fcntl to make its locks fail")
    monkeypatch.setattr(fcntl, "flock", flock)
    for options in ({}, {"waiting": "another one works there"}):
        with locked(tmp_path / "run", **options):
            (tmp_path / "run" / "file").write_text("")
        warning = (
            f"warning: {tmp_path / 'run'}: cannot be locked ({message}); make sure that no other process writes to it\n"
        )
        assert capfd.readouterr().err == warning


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RunError, match=r"file/run: cannot be written: Not a directory"),
        locked(tmp_path / "file" / "run"),
    ):
        pass


def test_files_that_are_named_after_steps(tmp_path):
    for name in ("step_00000012.png", "step_00000003.json", "step_123456789.png", "step_x.png", "real.png"):
        (tmp_path / name).write_text("")
    assert [(path.name, step) for path, step in files_by_step(tmp_path)] == [
        ("step_00000003.json", 3), ("step_00000012.png", 12), ("step_123456789.png", 123456789),
    ]  # fmt: skip
    remove_later(tmp_path, 3)
    assert names(tmp_path) == ["real.png", "step_00000003.json", "step_x.png"]
    assert files_by_step(tmp_path / "none") == []
    remove_later(tmp_path / "none", 3)


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
