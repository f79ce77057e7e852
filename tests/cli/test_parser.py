import argparse

import paddle
import pytest
from conftest import one_line_error

from ppgan_lite.cli import parser as cli
from ppgan_lite.errors import DataError


def fail(error):
    def main():
        raise error

    return main


def test_a_users_error_is_one_line_and_code_2(capsys):
    assert cli.run_tool(fail(DataError("file: two\n   lines")), debug=False) == 2
    assert capsys.readouterr().err == "error: file: two lines\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError("(ResourceExhausted) Fail to alloc memory of 4000000000000 size"), "not enough memory; lower "),
        (OSError(28, "No space left on device", "x.png"), "x.png: No space left on device"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "No usable temporary directory"),
    ],
)
def test_too_little_memory_or_disk_is_one_line_and_code_2(error, message, capsys):
    assert cli.run_tool(fail(error), debug=False) == 2
    assert one_line_error(capsys.readouterr().err).startswith(message)


def test_too_little_memory_for_paddle_is_one_line(capsys):
    assert cli.run_tool(lambda: paddle.zeros([10**13]), debug=False) == 2
    assert one_line_error(capsys.readouterr().err).startswith("not enough memory; lower --num or data.batch_size")


def test_an_interrupt_that_became_another_error_is_an_interrupt(capsys):
    """As in the initialisation of a library in C++."""

    def load():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    assert cli.run_tool(load, debug=False) == 130
    assert capsys.readouterr().err == "interrupted; nothing more was saved\n"


def test_debug_shows_the_traceback():
    with pytest.raises(DataError):
        cli.run_tool(fail(DataError("x")), debug=True)


def test_a_bug_is_no_users_error():
    with pytest.raises(ZeroDivisionError):
        cli.run_tool(lambda: 1 / 0, debug=False)


def test_codes_come_through():
    assert cli.run_tool(lambda: None, debug=False) == 0
    assert cli.run_tool(lambda: 143, debug=False) == 143
    assert cli.run_tool(fail(KeyboardInterrupt()), debug=False) == 130


def test_bad_usage_is_one_line(capsys):
    parser = cli.Parser("words")
    cli.add_device(parser)
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["--device", "tpu"])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("error: argument --device: invalid choice: 'tpu'")
    assert err.count("\n") == 1


def test_whole_numbers_have_a_least():
    assert cli.whole_number(1)("3") == 3
    with pytest.raises(argparse.ArgumentTypeError, match="must be at least 1, got 0"):
        cli.whole_number(1)("0")
    with pytest.raises(argparse.ArgumentTypeError, match="must be at most 9, got 10"):
        cli.whole_number(1, 9)("10")


def parse_film(*arguments):
    parser = cli.Parser("")
    parser.add_argument("--out")
    parser.add_argument("--num", type=int, default=64)
    parser.add_argument("--film", action="store_true")
    parser.add_argument("--fps", type=int, default=10)
    parser.add_argument("--walk", type=int)
    parser.give_own_options("film", own={"fps"}, shared={"out", "debug"})
    parser.give_own_options("walk", own={"fps"}, shared={"out", "num"})
    return parser.parse_args(arguments)


def test_a_flag_has_its_own_options(capsys):
    assert parse_film("--film", "--fps", "5", "--out", "x", "--debug").fps == 5
    assert parse_film("--num", "5", "--out", "x").num == 5
    assert parse_film("--walk", "3", "--num", "5", "--fps", "5").fps == 5
    for arguments, message in [
        (["--film", "--num", "5"], "argument --num: not allowed with argument --film"),
        (["--fps", "5"], "argument --fps: only allowed with argument --film or --walk"),
        (["--walk", "3", "--debug"], "argument --debug: not allowed with argument --walk"),
    ]:
        with pytest.raises(SystemExit) as stopped:
            parse_film(*arguments)
        assert stopped.value.code == 2
        assert capsys.readouterr().err.startswith(f"error: {message}; see ")


def parse_step(text):
    parser = cli.Parser("")
    cli.add_step(parser, "all")
    return parser.parse_args(["--step", text]).step


@pytest.mark.parametrize(("text", "step"), [("7", 7), ("best", "best"), ("all", "all")])
def test_a_step_is_a_number_or_a_word(text, step):
    assert parse_step(text) == step


@pytest.mark.parametrize("text", ["0", "newest", "1.5"])
def test_other_steps_are_refused_in_one_line(text, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_step(text)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
