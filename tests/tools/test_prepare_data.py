"""tools/prepare_data.py as its users run it: in a separate process."""

import signal
import time

import pytest
import yaml
from conftest import one_line_error, run_tool, start_tool
from picture_folder import make_bad, write_pictures

pytestmark = pytest.mark.sweep


@pytest.fixture
def config(tmp_path, small_tree):
    """A config of 20 pictures for training and 4 for testing, in tmp_path/pictures."""
    for split, num in (("train", 20), ("test", 4)):
        write_pictures(tmp_path / "pictures" / split, num)
    small_tree["data"] = {"name": "folder", "root": str(tmp_path / "pictures"), "size": 32, "batch_size": 8}
    small_tree["generator"] = small_tree["discriminator"] = {"name": "fully_connected"}  # takes any size
    path = tmp_path / "folder.yml"
    path.write_text(yaml.safe_dump(small_tree))
    return path


def prepare(tmp_path, *arguments):
    return run_tool("prepare_data", *arguments, cwd=tmp_path, environment={"PPGAN_CACHE": str(tmp_path / "caches")})


def test_both_splits_are_cached_once(config, tmp_path):
    code, out, err = prepare(tmp_path, "-c", config)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "decoding",
        "decoded",
        "train:",
        "decoding",
        "decoded",
        "test:",
    ]
    assert lines[2] == f"train: folder pictures (20 images from {tmp_path / 'pictures'})"
    assert len(list((tmp_path / "caches").iterdir())) == 2
    code, out, err = prepare(tmp_path, "-c", config)
    assert (code, len(out.splitlines()), err) == (0, 2, "")


def test_bad_training_pictures_are_one_line_and_bad_test_pictures_a_warning(config, tmp_path):
    make_bad(tmp_path / "pictures" / "test", 1)
    code, out, err = prepare(tmp_path, "-c", config)
    assert code == 0
    assert "test/001.png" in err
    assert "no test data, so no evaluation: " in err
    make_bad(tmp_path / "pictures" / "train", 7)
    code, out, err = prepare(tmp_path, "-c", config)
    assert code == 2
    assert "1 of 20 files cannot be decoded (train/007.png: " in err.splitlines()[-1]
    assert prepare(tmp_path, "-c", config, "-o", "data.on_bad_image=skip")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give -c CONFIG, or --export-lmdb LMDB and --out FOLDER"),
        (["--export-lmdb", "x"], "give -c CONFIG, or --export-lmdb LMDB and --out FOLDER"),
        (["--out", "x"], "give -c CONFIG, or --export-lmdb LMDB and --out FOLDER"),
        (["--export-lmdb", "x", "--out", "y", "-o", "data.size=32"], "-o changes a key of a config: give it with -c"),
        (["-c", "none.yml"], "none.yml: cannot read the config file"),
        (["-c", "folder.yml", "-o", "data.cache=memory"], "data.cache: memory: nothing to prepare"),
        (["-c", "folder.yml", "-o", "data.root=none"], "data.root: none: no such folder"),
        (["--export-lmdb", "none", "--out", "out"], "none: "),
    ],
)
def test_bad_input_is_one_line_and_code_2(config, tmp_path, arguments, message):
    code, _, err = prepare(tmp_path, *arguments)
    assert code == 2
    assert message in one_line_error(err)
    assert not (tmp_path / "caches").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_may_be_interrupted(config, tmp_path, number, code):
    write_pictures(tmp_path / "pictures" / "train", 32)
    arguments = ["-c", config, "-o", "data.size=1024"]  # chunks of 21
    environment = {"PPGAN_CACHE": str(tmp_path / "caches")}
    process = start_tool("prepare_data", *arguments, environment=environment)
    while not list(tmp_path.glob("caches/*/index.json")):
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    if "train: " in out:
        pytest.skip("the machine was too fast to be interrupted")
    assert process.returncode == code
    assert "Traceback" not in err
    code, out, err = prepare(tmp_path, *arguments)
    assert (code, err) == (0, "")
    assert "decoding 11 pictures" in out


def test_an_lmdb_is_exported(tmp_path):
    lmdb = pytest.importorskip("lmdb", reason="needs lmdb: pip install -r requirements-lsun.txt")
    write_pictures(tmp_path / "pictures", 3)
    contents = [path.read_bytes() for path in sorted((tmp_path / "pictures").iterdir())]
    folder = str(tmp_path / "bedroom_train_lmdb")
    with lmdb.open(folder, map_size=1 << 20) as environment, environment.begin(write=True) as transaction:
        for number, content in enumerate(contents):
            transaction.put(f"{number:040x}".encode(), content)
    code, out, _ = prepare(tmp_path, "--export-lmdb", "bedroom_train_lmdb", "--out", "bedroom")
    assert code == 0
    assert "3 pictures written to bedroom" in out
    assert len(list((tmp_path / "bedroom").rglob("*.png"))) == 3
    assert "0 pictures written" in prepare(tmp_path, "--export-lmdb", "bedroom_train_lmdb", "--out", "bedroom")[1]
