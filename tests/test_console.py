"""Consoles that are narrow, full, closed or gone, each a real stream. Whole commands: tests/tools/test_streams.py."""

import io
import os
import signal
import subprocess
import sys
import threading

import pytest
from conftest import ROOT

from ppgan_lite import console


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "\\u56fe \\xe9"), ("cp1252", "\\u56fe é"), ("gbk", "图 é"), ("utf-8", "图 é")]
)
def test_what_the_console_cannot_show_is_escaped(encoding, shown):
    written = io.BytesIO()
    stream = console.Stream(io.TextIOWrapper(written, encoding), pytest.fail)
    print("图 é", file=stream, flush=True)
    assert written.getvalue().decode(encoding) == shown + "\n"
    assert stream.encoding == encoding


def test_the_first_of_many_losses_is_reported():
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    losses = []
    stream = console.Stream(open("/dev/full", "w", encoding="utf-8"), losses.append)  # noqa: SIM115
    for _ in range(9):
        print("x" * 9999, file=stream, flush=True)
    assert [error.strerror for error in losses] == ["No space left on device"]


def test_a_stream_that_was_closed_is_no_error_and_no_terminal():
    closed, losses = io.StringIO(), []
    closed.close()
    stream = console.Stream(closed, losses.append)
    print("x", file=stream, flush=True)
    assert len(losses) == 1
    assert not stream.isatty()


def test_a_guard_for_a_block_leaves_the_streams_as_they_were(capsys):
    before = sys.stdout, sys.stderr
    with console.guarded():
        print("shown")
        assert isinstance(sys.stdout, console.Stream)
        with console.guarded():
            pass
        assert isinstance(sys.stdout, console.Stream)
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "shown\n"


CLOSED = """
import os, sys
from ppgan_lite import console
console.guard()
print("lost"); print("lost", file=sys.stderr)
file = open("file", "w")
assert file.fileno() > 2, file.fileno()
os.write(1, b"lost"); os.write(2, b"lost")
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(closed, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        f"{sys.executable} -c '{CLOSED}' {closed}", shell=True, cwd=tmp_path, env=environment, capture_output=True
    )
    assert result.returncode == 0
    assert (tmp_path / "file").read_bytes() == b""
    if closed == ">&-":
        assert result.stderr == b"warning: standard output is closed: going on without it\nlost\nlost"


@pytest.fixture
def hangup():
    if not hasattr(signal, "SIGHUP"):
        pytest.skip("needs a system with SIGHUP")
    before = signal.getsignal(signal.SIGHUP)
    yield signal.SIGHUP
    signal.signal(signal.SIGHUP, before)


def test_a_hangup_stops_unless_nohup_or_the_program_says_otherwise(hangup):
    signal.signal(hangup, signal.SIG_DFL)
    assert hangup in console.stopping()
    for handler in (signal.SIG_IGN, lambda *_: None):
        signal.signal(hangup, handler)
        assert hangup not in console.stopping()
        console.leave_when_asked()
        assert signal.getsignal(hangup) is handler or signal.getsignal(hangup) == handler
    assert {signal.SIGINT, signal.SIGTERM} <= set(console.stopping())


def test_a_command_leaves_with_the_signals_exit_code(hangup):
    signal.signal(hangup, signal.SIG_DFL)
    console.leave_when_asked()
    assert hangup in console.stopping()
    with pytest.raises(SystemExit) as left:
        os.kill(os.getpid(), hangup)
    assert left.value.code == 128 + hangup


def test_only_the_main_thread_handles_signals(hangup):
    signal.signal(hangup, signal.SIG_DFL)
    thread = threading.Thread(target=console.leave_when_asked)
    thread.start()
    thread.join()
    assert signal.getsignal(hangup) == signal.SIG_DFL
