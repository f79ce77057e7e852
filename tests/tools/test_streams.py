"""Tools whose console is narrow, full, closed or gone, whose home is missing, and whose terminal hangs up."""

import os
import shlex
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, one_line_error, run_tool, start_tool

from ppgan_lite.runs import checkpoint

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(os.name == "nt" or not os.path.exists("/dev/full"), reason="needs a shell and /dev/full"),
]
NO_USER = "import pwd\ndef getpwuid(uid): raise KeyError(uid)\npwd.getpwuid = getpwuid\n"


def shell(name, arguments, redirection, **options):
    """Run a tool in bash with a redirection; (exit code of the tool, stdout, stderr)."""
    command = shlex.join([sys.executable, str(ROOT / "tools" / f"{name}.py"), *map(str, arguments)])
    script = f"{command} {redirection}; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, **options)
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("redirection", "warning"),
    [
        ("| head -n 1", "standard output cannot be written (Broken pipe): going on without it"),
        ("> /dev/full", "standard output cannot be written (No space left on device): going on without it"),
        (">&-", "standard output is closed: going on without it"),
        ("2>&-", None),
        ("2> /dev/full", None),
        ("<&- >&- 2>&-", None),
    ],
)
def test_a_training_goes_on_without_its_console(redirection, warning, small_file, tmp_path):
    code, _, err = shell("train", ["-c", small_file, "--run-dir", "run"], redirection, cwd=tmp_path)
    assert (code, err) == (0, f"warning: {warning}\n" if warning else "")
    assert checkpoint.load_newest(tmp_path / "run" / "checkpoints", pytest.fail).step == 12


@pytest.mark.parametrize("redirection", ["| head -n 1", "| true", ">&-", "2>&-"])
@pytest.mark.parametrize(("tool", "arguments"), [("options", []), ("train", ["--help"])])
def test_what_is_printed_may_be_read_in_part(tool, arguments, redirection):
    code, _, err = shell(tool, arguments, redirection)
    assert code == 0
    assert err == "" or tool == "train"


@pytest.mark.parametrize("redirection", ["", ">&-", ">&- 2>&-", "2> /dev/full"])
def test_an_error_has_its_exit_code_on_any_console(redirection):
    assert shell("options", ["nonsense"], redirection)[0] == 2
    assert shell("train", ["--frobnicate"], redirection)[0] == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_a_console_without_the_characters_of_a_path_shows_them_escaped(encoding, small_file, tmp_path):
    folder = tmp_path / "图片 é😀"
    arguments = ["-c", small_file, "-o", "train.steps=1", "--run-dir", folder]
    code, out, err = run_tool("train", *arguments, environment={"PYTHONIOENCODING": encoding}, encoding=encoding)
    assert (code, err) == (0, "")
    assert "\\U0001f600" in out
    assert checkpoint.list_steps(folder / "checkpoints") == [1]
    code, out, err = run_tool("train", *arguments, environment={"PYTHONIOENCODING": encoding}, encoding=encoding)
    assert code == 2
    assert "\\U0001f600: already has a run" in one_line_error(err)


@pytest.mark.parametrize("home", [None, "/nonexistent", "relative", "no_folder"])
def test_without_a_home_nothing_fails_and_nothing_is_left(home, small_file, tmp_path):
    """An unknown user without HOME; Paddle, VisualDL and matplotlib would write to the home folder."""
    (tmp_path / "sitecustomize.py").write_text(NO_USER, encoding="utf-8")
    (tmp_path / "no_folder").write_text("", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    environment |= {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path / "tmp")}
    environment |= {} if home is None else {"HOME": str(tmp_path / home) if home == "no_folder" else home}
    (tmp_path / "tmp").mkdir()
    before = set(tmp_path.iterdir())
    command = [sys.executable, ROOT / "tools" / "train.py", "-c", small_file, "--run-dir", "run"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert list((tmp_path / "run" / "log").iterdir())
    assert {path for path in tmp_path.iterdir() if path.name != "__pycache__"} == before | {tmp_path / "run"}
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not os.path.exists("/nonexistent")


def test_a_current_folder_that_was_removed_is_one_line(small_file, tmp_path):
    (tmp_path / "gone").mkdir()
    command = shlex.join([sys.executable, str(ROOT / "tools" / "train.py"), "-c", str(small_file), "--run-dir"])
    script = f"cd gone && rmdir ../gone && {command} {shlex.quote(str(tmp_path / 'run'))}"
    result = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.endswith("error: the current folder was removed or cannot be read; change to another one\n")


def start_long(small_file, folder, **options):
    steps = ["-o", "train.steps=100000", "-o", "train.save_every=100000", "-o", "train.log_to=[]"]
    process = start_tool("train", "-c", small_file, *steps, "--run-dir", folder, **options)
    next(line for line in process.stdout if line.startswith("step 3/"))
    return process


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGXCPU"])
def test_what_a_terminal_or_a_batch_system_sends_saves(name, small_file, tmp_path):
    process, number = start_long(small_file, tmp_path / "run"), getattr(signal, name)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (
        128 + number,
        "warning: stopping after this step and saving (again to stop at once)\n",
    )
    (step,) = checkpoint.list_steps(tmp_path / "run" / "checkpoints")
    assert f"saved step {step} of 100000" in out


def test_a_closed_terminal_that_is_gone_saves_too(small_file, tmp_path):
    """The process leads the session of a pseudo-terminal: closing the terminal sends SIGHUP, and output fails."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    steps = ["-o", "train.steps=100000", "-o", "train.log_to=[]", "--run-dir", tmp_path / "run"]
    lead = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", lead, sys.executable, ROOT / "tools" / "train.py", "-c", small_file, *steps]
    process = subprocess.Popen(list(map(str, command)), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = b""
    while b"images/s" not in text:
        text += os.read(ours, 4096)
    os.close(ours)
    assert process.wait(60) == 128 + signal.SIGHUP
    assert checkpoint.load_newest(tmp_path / "run" / "checkpoints", pytest.fail).step > 0


def test_nohup_goes_on_after_a_hangup(small_file, tmp_path):
    process = start_long(small_file, tmp_path / "run", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    for _, _line in zip(range(3), process.stdout, strict=False):
        pass
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


def test_a_second_interrupt_stops_at_once_in_one_line(small_file, tmp_path):
    process = start_long(small_file, tmp_path / "run")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not list((tmp_path / "run").rglob("*.tmp"))


STOP_WHILE_LOADING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *arguments):
        if name == "paddle.base.core":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [("SIGINT", 130, "interrupted; nothing more was saved\n"), ("SIGTERM", 143, ""), ("SIGHUP", 129, "")],
)
def test_a_signal_while_paddle_loads_ends_quietly(name, code, message, small_file, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(STOP_WHILE_LOADING.format(name=name), encoding="utf-8")
    arguments = ["-c", small_file, "--run-dir", tmp_path / "run"]
    code_, out, err = run_tool("train", *arguments, environment={"PYTHONPATH": str(tmp_path)})
    assert (code_, out, err) == (code, "", message)
    assert not (tmp_path / "run").exists()
