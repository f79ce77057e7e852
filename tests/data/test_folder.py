import json
import os
import shutil
import signal
import sys

import pytest
import yaml
from conftest import lasting, one_line_error, run_tool, start_tool, wait_until_gone
from picture_folder import make_bad, numbers, options, write_pictures

from ppgan_lite.commands.evaluate import evaluate
from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import check_config
from ppgan_lite.data import folder
from ppgan_lite.engine import loop
from ppgan_lite.errors import ConfigError, DataError, RunError
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.run import Run

TREE = {
    "method": {"name": "gan", "z_dim": 8, "d_optimizers": "joint", "reuse_fakes": True},
    "generator": {"name": "dcgan64", "ngf": 2},
    "discriminator": {"name": "dcgan64", "ndf": 2},
    "optim": {name: {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]} for name in ("g", "d")},
    "data": {"name": "folder", "size": 32, "test_share": 0.0, "batch_size": 4, "flip": True},
    "train": {"steps": 9, "seed": 3, "log_every": 1, "preview_every": 50, "save_every": 4, "keep": 9},
}  # 3 batches an epoch


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures", 13)


def tree(root, **data):
    copy = yaml.safe_load(yaml.safe_dump(TREE))
    copy["data"] |= {"root": str(root), **data}
    return copy


def config_file(tmp_path, root, **data):
    path = tmp_path / "folder.yml"
    path.write_text(yaml.safe_dump(tree(root, **data)))
    return path


def train(tree, folder, steps=9, resume=False):
    tree["train"]["steps"] = steps
    return loop.train(check_config(tree), folder, resume, overwrite=False, device="cpu", dry_run=False)


def test_splits_and_classes_come_from_the_listing(tmp_path):
    for split, num in (("train", 6), ("test", 2)):
        for name in ("cat", "dog"):
            write_pictures(tmp_path / "root" / split / name, num)
    train, test = (folder.build(options(tmp_path / "root"), split) for split in ("train", "test"))
    assert (len(train), len(test), train.spec["label"].names, test.spec["label"].names) == (
        12,
        4,
        ("cat", "dog"),
        ("cat", "dog"),
    )
    assert train.labels.tolist() == [0] * 6 + [1] * 6
    assert numbers(test.batch([0, 1, 2, 3])["image"]) == [0, 1, 0, 1]
    assert train.source.name == "folder"
    assert train.source.sha256 != test.source.sha256


def test_a_run_is_the_same_in_every_mode_and_however_it_is_resumed(pictures, tmp_path):
    """Stopped in the middle of the second epoch, with mirrored pictures, and resumed in the same or another mode."""
    modes = [("none", 0), ("none", 2), ("memory", 2), ("disk", 2)]
    train(tree(pictures, cache="memory", workers=0), tmp_path / "whole")
    whole = lasting(tmp_path / "whole", 9)
    for i, (cache, workers) in enumerate(modes):
        run = tmp_path / f"{cache}{workers}"
        train(tree(pictures, cache=cache, workers=workers), run, steps=5)
        cache, workers = modes[(i + i % 2) % len(modes)]  # every other run continues in another mode
        train(tree(pictures, cache=cache, workers=workers), run, steps=9, resume=True)
        assert lasting(run, 9)[1] == whole[1]
        assert lasting(run, 9)[0] == whole[0]
    train(tree(pictures, cache="memory", flip=False), tmp_path / "unflipped")
    assert lasting(tmp_path / "unflipped", 9)[0] != whole[0]


def test_bad_files_do_not_change_how_a_run_is_resumed(pictures, tmp_path, capfd):
    make_bad(pictures, 2, 3, 12)
    data = {"cache": "none", "workers": 2, "on_bad_image": "skip"}
    for cache in ("none", "disk"):
        data["cache"], whole, parts = cache, tmp_path / f"{cache}whole", tmp_path / f"{cache}parts"
        train(tree(pictures, **data), whole, steps=6)
        train(tree(pictures, **data), parts, steps=4)
        train(tree(pictures, **data), parts, steps=6, resume=True)
        assert lasting(parts, 6) == lasting(whole, 6)
    data["cache"] = "none"  # with cache none, bad files are not left out: other data
    with pytest.raises(RunError, match="resuming needs the same data"):
        train(tree(pictures, **data), parts, steps=7, resume=True)


def test_a_run_on_other_pictures_is_not_resumed(pictures, tmp_path):
    train(tree(pictures), tmp_path / "run", steps=1)
    moved = shutil.copytree(pictures, tmp_path / "moved")  # same pictures, other folder and modification times
    train(tree(moved), tmp_path / "run", steps=2, resume=True)
    with pytest.raises(ConfigError, match="data.size: 64, not 32"):
        train(tree(moved, size=64), tmp_path / "run", steps=3, resume=True)
    (moved / "000.png").unlink()
    with pytest.raises(RunError, match="resuming needs the same data"):
        train(tree(moved), tmp_path / "run", steps=3, resume=True)


def conditional(root):
    """The tree of a GAN that takes classes."""
    copy = tree(root)
    copy["method"] = {"name": "acgan", "z_dim": 8}
    return copy


def test_test_pictures_without_classes_are_enough_for_a_gan_without_labels(tmp_path, capfd):
    for place in ("train/cat", "train/dog", "test/1", "test/2"):
        write_pictures(tmp_path / "root" / place, 55)
    train(tree(tmp_path / "root"), tmp_path / "run", steps=1)
    result = evaluate(tmp_path / "run", None, 100, "auto", 0, None, "cpu")
    assert "frechet_distance" in result.figures
    assert "110 of 110 test pictures have no class" in capfd.readouterr().err
    with pytest.raises(
        DataError, match=r"110 of 110 test pictures are not in a class folder .*, but acgan takes classes"
    ):
        build_dataset(check_config(conditional(tmp_path / "root")), "test")


def test_a_method_with_classes_refuses_one_class_and_the_loose_picture_is_named(tmp_path, capfd):
    for name in ("cats", "dogs"):
        write_pictures(tmp_path / "root" / name, 4)
    folder.build(options(tmp_path / "root"))
    assert capfd.readouterr().err == ""
    build_dataset(check_config(conditional(tmp_path / "root")))
    shutil.copy(tmp_path / "root" / "cats" / "000.png", tmp_path / "root" / "preview.png")
    with pytest.raises(DataError, match=r"its pictures are one class \(root\), but acgan takes classes; put"):
        build_dataset(check_config(conditional(tmp_path / "root")))
    assert "1 picture is in no class folder (preview.png)" in capfd.readouterr().err
    assert len(build_dataset(check_config(tree(tmp_path / "root")))) == 9


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="needs names of any bytes")
def test_names_of_any_bytes_can_be_trained_on_and_recorded(tmp_path, capfd):
    root = tmp_path / os.fsdecode(b"caf\xe9")
    for name in (b"\xff", b"a\nb", "玫瑰, 红 $x$".encode(), b"l" * 255):
        write_pictures(root / os.fsdecode(name), 4)
    train(conditional(root), tmp_path / "run", steps=1)
    run = Run.open_existing(tmp_path / "run")
    assert run.source.origin == str(root)
    assert run.spec["label"].names == (r"a\nb", "l" * 255, "玫瑰, 红 $x$", r"\xff")
    train(conditional(root), tmp_path / "run", steps=2, resume=True)
    capfd.readouterr()


# ---- in a process, as users run it ----


@pytest.mark.sweep
@pytest.mark.parametrize("cache", ["none", "disk"])
def test_a_bad_file_is_one_line_and_skipping_it_trains(pictures, tmp_path, cache):
    make_bad(pictures, 7)
    command = ["-c", config_file(tmp_path, pictures, cache=cache), "-o", "train.steps=4", "--run-dir", tmp_path / "run"]
    code, _, err = run_tool("train", *command)
    assert code == 2
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith(f"error: {pictures}: ")
    assert "007.png" in err.splitlines()[-1]
    assert "-o data.on_bad_image=skip" in err.splitlines()[-1]
    code, out, err = run_tool("train", *command, "-o", "data.on_bad_image=skip", "--overwrite")
    assert code == 0
    assert "007.png" in err
    assert f"images from {pictures})" in out
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"]["name"] == "folder"


def test_no_root_is_one_line(tmp_path):
    path = config_file(tmp_path, "none")
    for override in ("data.root=null", "data.root=none"):
        code, _, err = run_tool("train", "-c", path, "-o", override, cwd=tmp_path)
        assert code == 2
        assert "data.root: " in one_line_error(err)


@pytest.mark.sweep
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("everybody", [False, True], ids=["the_run_alone", "its_workers_too"])
def test_a_signal_saves_and_no_worker_is_left(pictures, tmp_path, number, code, everybody):
    """Ctrl-C in a terminal and many batch systems signal all processes of the group."""
    command = ["-c", config_file(tmp_path, pictures, cache="none", workers=2), "--run-dir", tmp_path / "run"]
    process = start_tool("train", *command, "-o", "train.steps=100000", start_new_session=True)
    for line in process.stdout:
        if line.startswith("step 3/"):
            break
    workers = children(process.pid)
    assert len(workers) == 2
    if everybody:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    too_few, stopping = err.splitlines()
    assert too_few.startswith("warning: this run cannot be evaluated")
    assert stopping == "warning: stopping after this step and saving (again to stop at once)"
    (step,) = checkpoint.list_steps(tmp_path / "run" / "checkpoints")[-1:]
    assert f"saved step {step} of 100000" in out
    assert Run.open_existing(tmp_path / "run").source.num_images == 13
    wait_until_gone(workers)


@pytest.mark.sweep
def test_a_killed_run_leaves_no_worker(pictures, tmp_path):
    command = ["-c", config_file(tmp_path, pictures, cache="none", workers=2), "--run-dir", tmp_path / "run"]
    process = start_tool("train", *command, "-o", "train.steps=100000")
    for line in process.stdout:
        if line.startswith("step 3/"):
            break
    workers = children(process.pid)
    process.kill()
    process.communicate(timeout=60)
    wait_until_gone(workers)
    assert run_tool("train", *command, "-o", "train.steps=4", "--resume")[0] == 0  # the folder is no longer locked


def children(process_id):
    """A process's child processes (Linux)."""
    path = f"/proc/{process_id}/task/{process_id}/children"
    try:
        with open(path) as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        pytest.skip("needs /proc to see other processes")
