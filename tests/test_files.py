import concurrent.futures
import errno
import os
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from ppgan_lite import files
from ppgan_lite.errors import RunError
from ppgan_lite.files import (
    check_link,
    clear_folder,
    files_by_step,
    locked,
    make_folder,
    remove_folder,
    remove_later,
    remove_leftovers,
    seal,
    unseal,
    writing,
    writing_folder,
)


@pytest.fixture(autouse=True)
def no_warnings_yet():
    files._warn_once.cache_clear()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fill(folder, content):
    """Write a folder with one file; returns the folder."""
    folder.mkdir(parents=True)
    (folder / "file").write_text(content)
    return folder


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


def test_names_of_temporary_files_cannot_be_foretold_and_anothers_are_left_alone(tmp_path):
    seen = set()
    for _ in range(2):
        with writing_folder(tmp_path / "folder") as temporary, writing(tmp_path / "file"):
            seen |= set(names(tmp_path)) - {"folder", "file"}
            assert temporary.name in seen
    assert len(seen) == 4
    victim = tmp_path / "victim"
    victim.write_text("kept")
    os.symlink(victim, tmp_path / f".file.{os.getpid()}.tmp")
    fill(tmp_path / f".folder.{os.getpid()}.tmp", "kept")
    with writing(tmp_path / "file") as stream:
        stream.write(b"new")
    assert victim.read_text() == "kept"


def test_a_temporary_name_is_never_opened_through_a_link(tmp_path, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda num: "0")
    (tmp_path / "victim").write_text("kept")
    os.symlink(tmp_path / "victim", tmp_path / ".file.0.tmp")
    fill(tmp_path / ".folder.0.tmp", "kept")
    with pytest.raises(RunError, match="file: cannot be written: File exists"), writing(tmp_path / "file"):
        pass
    monkeypatch.setattr(files, "_is_in_use", lambda folder: True)
    with pytest.raises(RunError, match="folder: cannot be written: File exists"), writing_folder(tmp_path / "folder"):
        pass
    assert (tmp_path / "victim").read_text() == (tmp_path / ".folder.0.tmp" / "file").read_text() == "kept"
    assert names(tmp_path) == [".file.0.tmp", ".folder.0.tmp", "victim"]


def test_files_and_folders_have_the_modes_that_the_umask_allows(tmp_path):
    before = os.umask(0o027)
    try:
        with writing(tmp_path / "file"), writing_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "folder")] == [0o640, 0o750]


def test_names_may_have_the_greatest_length(tmp_path):
    for name in ("n" * 255, "名" * 85):
        with writing(tmp_path / name) as stream:
            stream.write(b"new")
        assert (tmp_path / name).read_bytes() == b"new"


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path):
    (tmp_path / "disk").mkdir()
    for content in (b"1", b"2"):  # at first the link points to nothing
        (tmp_path / "link").unlink(missing_ok=True)
        os.symlink(tmp_path / "disk" / "file", tmp_path / "link")
        with writing(tmp_path / "link") as stream:
            stream.write(content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "disk" / "file").read_bytes() == content
    assert names(tmp_path) == ["disk", "link"]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_only_regular_files_are_replaced(tmp_path, kind):
    path = tmp_path / kind
    if kind == "device":
        os.symlink("/dev/null", path)
    else:
        (os.mkfifo if kind == "pipe" else os.mkdir)(path)
    words = "is a folder" if kind == "folder" else "is not a regular file"
    with pytest.raises(RunError, match=f"{kind}: cannot be written: {words}"), writing(path):
        pass
    assert names(tmp_path) == [kind]


@pytest.mark.parametrize("suffix", ["jpg", "gif", "png", "npy"])
def test_a_write_cut_short_is_noticed_whatever_writes(tmp_path, suffix):
    """Where the disk becomes full in the middle of a file, the last write is shorter than asked for."""
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    pixels = np.random.default_rng(0).integers(0, 256, [300, 300], np.uint8)
    with writing(tmp_path / f"whole.{suffix}") as stream:
        save(pixels, stream, suffix)
    size = (tmp_path / f"whole.{suffix}").stat().st_size
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, before[1]))
        with (
            pytest.raises(RunError, match=r"short\.\w+: cannot be written"),
            writing(tmp_path / f"short.{suffix}") as stream,
        ):
            save(pixels, stream, suffix)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert names(tmp_path) == [f"whole.{suffix}"]


def save(pixels, stream, suffix):
    if suffix == "npy":
        np.save(stream, pixels)
    else:
        Image.fromarray(pixels).save(stream, {"jpg": "jpeg"}.get(suffix, suffix))


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_is_replaced_with_and_without_an_exchange_of_names(tmp_path, monkeypatch, exchanges):
    if not exchanges:
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    fill(tmp_path / "folder", "old")
    with writing_folder(tmp_path / "folder") as temporary:
        (temporary / "file").write_text("new")
    assert (tmp_path / "folder" / "file").read_text() == "new"
    assert names(tmp_path) == ["folder"]


def test_a_folder_that_cannot_be_replaced_is_unchanged(tmp_path, monkeypatch):
    fill(tmp_path / "folder", "old")
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    plain = os.replace

    def replace(source, target):
        if str(target).endswith("folder") and ".before" not in str(source):
            raise OSError(errno.EIO, "Input/output error")
        plain(source, target)

    monkeypatch.setattr("os.replace", replace)
    message = "folder: cannot be written: Input/output error"
    with pytest.raises(RunError, match=message), writing_folder(tmp_path / "folder") as temporary:
        (temporary / "file").write_text("new")
    assert (tmp_path / "folder" / "file").read_text() == "old"
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("start", [remove_leftovers, lambda folder: writing_folder(folder / "folder").__enter__()])
def test_a_folder_that_lost_its_name_to_a_kill_is_put_back(tmp_path, start):
    fill(tmp_path / ".folder.0123456789abcdef.before.tmp", "old")
    fill(tmp_path / ".folder.fedcba9876543210.tmp", "new, complete or not")
    held = start(tmp_path)
    assert (tmp_path / "folder" / "file").read_text() == "old"
    assert not (tmp_path / ".folder.fedcba9876543210.tmp").exists()
    del held


def test_a_folder_in_work_is_not_taken_for_a_leftover(tmp_path):
    with writing_folder(tmp_path / "folder") as first:
        (first / "file").write_text("first")
        with writing_folder(tmp_path / "folder") as second:
            (second / "file").write_text("second")
    assert (tmp_path / "folder" / "file").read_text() == "first"
    assert names(tmp_path) == ["folder"]


def test_other_files_than_our_leftovers_stay(tmp_path):
    for name in (".mine.tmp", ".x.tmp", "a.0123.tmp", ".folder2.0123456789abcdef.tmp"):
        (tmp_path / name).mkdir()
    with writing_folder(tmp_path / "folder"):
        pass
    assert names(tmp_path) == [".folder2.0123456789abcdef.tmp", ".mine.tmp", ".x.tmp", "a.0123.tmp", "folder"]
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [".mine.tmp", ".x.tmp", "a.0123.tmp", "folder"]


def test_a_file_system_that_cannot_wait_for_the_disk_costs_one_warning(tmp_path, monkeypatch, capfd):
    for number in (errno.EINVAL, errno.ENOTSUP):

        def fsync(descriptor, number=number):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("os.fsync", fsync)
        for name in ("a", "b"):
            with writing_folder(tmp_path / name) as temporary, writing(temporary / "file"):
                pass
        warning = f"a power cut may undo what is written now: the disk cannot be waited for ({os.strerror(number)})"
        assert capfd.readouterr().err == f"warning: {warning}\n"


def test_what_was_replaced_but_cannot_be_removed_costs_one_warning(tmp_path, monkeypatch, capfd):
    def rmtree(path):
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr("shutil.rmtree", rmtree)
    for name in ("a", "b"):
        remove_folder(fill(tmp_path / name, "old"))
        assert not (tmp_path / name).exists()
    words = "cannot remove temporary files (Device or resource busy); delete .*.tmp in it"
    assert capfd.readouterr().err == f"warning: {tmp_path}: {words}\n"


def test_a_linked_folder_is_emptied_and_stays_linked(tmp_path):
    disk = fill(tmp_path / "disk", "old")
    fill(disk / "folder", "old")
    os.symlink(fill(tmp_path / "elsewhere", "kept"), disk / "link")
    os.symlink(disk, tmp_path / "log")
    clear_folder(tmp_path / "log")
    assert (names(disk), (tmp_path / "log").is_symlink()) == ([], True)
    assert names(tmp_path / "elsewhere") == ["file"]
    clear_folder(fill(tmp_path / "plain", "old"))
    clear_folder(tmp_path / "none")
    remove_folder(tmp_path / "log")
    assert names(tmp_path) == ["disk", "elsewhere"]


def test_a_link_to_nothing_is_named(tmp_path):
    os.symlink(tmp_path / "disk", tmp_path / "run")
    for use in (check_link, make_folder, lambda path: make_folder(path / "deep")):
        with pytest.raises(OSError, match=r"run is a link to .*disk, which does not exist"):
            use(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file is not a folder"):
        make_folder(tmp_path / "file")


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
        with locked(tmp_path / "run", **options), writing_folder(tmp_path / "run" / "folder") as temporary:
            (temporary / "file").write_text("")
    words = f"cannot be locked ({message}); make sure that no other process writes to it"
    assert capfd.readouterr().err == f"warning: {tmp_path / 'run'}: {words}\n"
    assert names(tmp_path / "run" / "folder") == ["file"]


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
