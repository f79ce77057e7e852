"""tools/sample.py as its users run it: in a separate process."""

import shutil

import pytest
from conftest import one_line_error, run_tool
from PIL import Image

pytestmark = pytest.mark.sweep


def test_it_samples_and_reports(small_run, tmp_path):
    code, out, err = run_tool("sample", "--run", small_run, "--num", 4, "--out", tmp_path / "x.png")
    assert (code, err) == (0, "")
    assert out == f"4 images of step 12 written to {tmp_path / 'x.png'} (cpu)\n"


@pytest.mark.parametrize(
    ("method", "options", "size"),
    [("cgan", ["--labels", "3,1,4"], (3, 21)), ("infogan", ["--sweep", "code2"], (10, 3))],
    ids=["labels", "sweep"],
)
def test_it_draws_labels_and_sweeps(method, options, size, conditional_run, tmp_path):
    code, _, err = run_tool("sample", "--run", conditional_run(method), *options, "--out", tmp_path / "x.png")
    assert (code, err) == (0, "")
    columns, rows = size
    assert Image.open(tmp_path / "x.png").size == (columns * 30 + 2, rows * 30 + 2)


def test_it_makes_a_film_and_reports(small_run, tmp_path):
    out = tmp_path / "x.GIF"
    code, printed, err = run_tool("sample", "--run", small_run, "--timelapse", "--fps", 4, "--out", out)
    assert (code, err) == (0, "")
    assert printed == f"3 previews of steps 5 to 12 written to {out}\n"
    with Image.open(out) as film:
        assert (film.n_frames, film.info["duration"]) == (3, 250)


def test_it_walks_mixes_and_projects(style_run, tmp_path):
    for options, name, says in [
        (["--walk", 2, "--num", 1], "x.mp4", "60 frames of a walk, step 3, written to "),
        (["--mix", "--num", 2], "x.png", "1 x 2 mixed images of step 3 written to "),
        (["--project", tmp_path / "x.png"], "y.png", "x.png and the nearest image of step 3 written to "),
    ]:
        code, out, err = run_tool("sample", "--run", style_run, *options, "--out", tmp_path / name)
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == f"{says}{tmp_path / name} (cpu)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "x.png", "--num", "0"], "argument --num: must be at least 1, got 0"),
        (["--out", "x.png", "--interpolate", "1"], "argument --interpolate: must be at least 2, got 1"),
        (["--out", "x.png", "--seed", "x"], "argument --seed: invalid whole number value: 'x'"),
        (["--out", "x.gif"], "--out x.gif: unknown file type .gif"),
        (["--out", "x.png", "--num", "1000000000"], "GB are free: not enough memory; give less at once"),
        (["--out", "x.mp4", "--timelapse", "--fps", "999"], "--fps 999: a film can show at most 240 frames per second"),
        (["--out", "x.png", "--step", "7"], "no checkpoint of step 7; there are: 4, 8, 12"),
        (["--out", "/dev/null/x.png"], "/dev/null/x.png: cannot be written"),
        (
            ["--out", "x.png", "--sweep", "code1", "--interpolate", "8"],
            "argument --interpolate: not allowed with argument --sweep",
        ),
        (["--out", "x.png", "--truncation", "-1"], "argument --truncation: must be a number of at least 0, got -1"),
        (["--out", "x.png", "--truncation", "nan"], "argument --truncation: must be a number of at least 0, got nan"),
        (["--out", "x.png", "--truncation", "0"], "--truncation 0: must be above 0 for this run's generator"),
        (["--out", "x.png", "--truncation", "x"], "argument --truncation: invalid number value: 'x'"),
        ([], "the following arguments are required: --out"),
        (["--out", "x.png", "--timelapse"], "--out x.png: a timelapse needs FILE.gif or FILE.mp4"),
        (["--out", "x.gif", "--timelapse", "--num", "5"], "argument --num: not allowed with argument --timelapse"),
        (["--out", "x.gif", "--timelapse", "--sweep", "code1"], "not allowed with argument --"),
        (["--out", "x.gif", "--timelapse", "--fps", "0"], "argument --fps: must be at least 1, got 0"),
        (["--out", "x.png", "--fps", "5"], "argument --fps: only allowed with argument --timelapse or --walk"),
        (["--out", "x.png", "--walk", "2"], "--out x.png: a walk needs FILE.gif or FILE.mp4"),
        (["--out", "x.gif", "--walk", "1"], "argument --walk: must be at least 2, got 1"),
        (["--out", "x.gif", "--walk", "2", "--mix"], "argument --mix: not allowed with argument --walk"),
        (["--out", "x.png", "--mix", "--project", "x.png"], "argument --project: not allowed with argument --mix"),
        (["--out", "x.png", "--mix", "--labels", "1"], "argument --labels: not allowed with argument --mix"),
        (["--out", "x.png", "--project", "y", "--num", "2"], "argument --num: not allowed with argument --project"),
        (["--out", "x.png", "--mix"], "--mix: this run's generator has no styles (method: gan); only stylegan2's has"),
        (["--out", "x.png", "--project", "y.png"], "--project: this run's generator has no styles (method: gan)"),
    ],
)
def test_bad_input_is_one_line_and_code_2(small_run, tmp_path, arguments, message):
    code, out, err = run_tool("sample", "--run", small_run, *arguments, cwd=tmp_path)
    assert code == 2
    assert message in one_line_error(err)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_another_architecture_is_one_line(small_run, tmp_path):
    copy = shutil.copytree(small_run, tmp_path / "copy")
    text = (copy / "config.yml").read_text()
    (copy / "config.yml").write_text(text.replace("ngf: 2", "ngf: 3"))
    code, out, err = run_tool("sample", "--run", copy, "--out", tmp_path / "x.png")
    assert code == 2
    assert "network_g: of another architecture" in one_line_error(err)
