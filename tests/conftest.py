"""Shared by the tests: a small experiment, real processes, and real data if it is available."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the test processes share the cores

import ppgan_lite  # noqa: F401, I001 (before paddle: it sets the threads)

import functools
import importlib.util
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from ppgan_lite import runtime

ROOT = Path(__file__).resolve().parents[1]

runtime.load_paddle()

SMALL = {
    "method": {"name": "gan", "z_dim": 8, "d_optimizers": "separate", "reuse_fakes": False},
    "generator": {"name": "dcgan28", "ngf": 2, "upsample": "bilinear", "activation": "relu"},
    "discriminator": {"name": "dcgan28", "ndf": 2},
    "optim": {name: {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]} for name in ("g", "d_real", "d_fake")},
    "data": {
        "name": "rendered_digits",
        "batch_size": 8,
        "num_images": 44,
        "seed": 0,
    },  # 5 batches an epoch, 4 images left
    "train": {"steps": 12, "seed": 3, "log_every": 1, "preview_every": 5, "save_every": 4, "keep": 3},
}

CONDITIONAL = {
    "cgan": {"name": "cgan", "z_dim": 8},
    "infogan": {"name": "infogan", "z_dim": 8, "categories": 3, "codes": 2},
}

STYLES = {
    "method": {"name": "stylegan2", "z_dim": 8},
    "generator": {"name": "stylegan2", "ngf": 8, "mapping_layers": 2},
    "discriminator": {"name": "stylegan2", "ndf": 4},
    "optim": {name: {"name": "adam", "lr": 2e-3, "betas": [0.0, 0.99]} for name in ("g", "d")},
    "data": {"name": "fake", "batch_size": 8, "num_images": 44, "size": 32},
    "train": {"steps": 3, "seed": 3, "log_every": 1, "preview_every": 99, "save_every": 3, "keep": 1},
}


def pytest_collection_modifyitems(items):
    """Run the long tests first, so that no process is left with one of them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("sweep") is None)


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory):
    """Set $PPGAN_CACHE, so that no test touches the user's cache."""
    os.environ["PPGAN_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def small_tree():
    """The small experiment as nested dicts, which a test may change."""
    return yaml.safe_load(yaml.safe_dump(SMALL))


@pytest.fixture
def small_config(small_tree):
    """The small experiment as a checked config."""
    from ppgan_lite.config.load import check_config

    return check_config(small_tree)


@pytest.fixture
def small_file(tmp_path, small_tree):
    """The small experiment as a YAML file `small.yml`."""
    path = tmp_path / "small.yml"
    path.write_text(yaml.safe_dump(small_tree))
    return path


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """A finished run of the small experiment. Do not change it: copy it."""
    return make_run(SMALL, tmp_path_factory.mktemp("small_run"))


@pytest.fixture(scope="session")
def small_export(small_run, tmp_path_factory):
    """An export of the small run, with ONNX if its packages are installed. Do not change it: copy it."""
    return make_export(small_run, tmp_path_factory.mktemp("small_export"))


@pytest.fixture(scope="session")
def conditional_run(tmp_path_factory):
    """A function that returns a finished run of a small "cgan" or "infogan". Do not change the run: copy it."""

    @functools.cache
    def run_of(method):
        tree = {
            "method": CONDITIONAL[method],
            "generator": {"name": "dcgan28", "ngf": 2, "upsample": "transposed"},
            "discriminator": {"name": "infogan", "ndf": 2},
            "optim": {name: {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]} for name in ("g", "d")},
            "data": SMALL["data"],
            "train": {"steps": 2, "seed": 3, "log_every": 1, "preview_every": 99, "save_every": 2, "keep": 1},
        }
        return make_run(tree, tmp_path_factory.mktemp(method))

    return run_of


@pytest.fixture(scope="session")
def conditional_export(conditional_run, tmp_path_factory):
    """A function that returns an export of `conditional_run`. Do not change the export: copy it."""
    return functools.cache(lambda method: make_export(conditional_run(method), tmp_path_factory.mktemp(method)))


@pytest.fixture(scope="session")
def style_run(tmp_path_factory):
    """A finished run of a small StyleGAN2 on pictures of 32x32 pixels. Do not change it: copy it."""
    return make_run(STYLES, tmp_path_factory.mktemp("styles"))


@pytest.fixture(scope="session")
def style_export(style_run, tmp_path_factory):
    """An export of `style_run`. Do not change it: copy it."""
    return make_export(style_run, tmp_path_factory.mktemp("styles"))


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory):
    """A function that returns an uninterrupted run of a small config, trained once."""
    from ppgan_lite.engine.loop import train

    runs = {}

    def run(config):
        key = (config.method, *config.networks.values())
        if key not in runs:
            runs[key] = tmp_path_factory.mktemp("uninterrupted") / "run"
            assert train(config, runs[key], resume=False, overwrite=False, device="cpu", dry_run=False) == 0
        return runs[key]

    return run


@pytest.fixture
def onnx():
    """Skip the test unless the packages for ONNX are installed."""
    pytest.importorskip("paddle2onnx", reason="needs paddle2onnx: pip install -r requirements-onnx.txt")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install -r requirements-onnx.txt")


@pytest.fixture(scope="session")
def real_data():
    """The folder $PPGAN_DATA; skip the test unless it has MNIST."""
    root = os.environ.get("PPGAN_DATA")
    if not root or not (Path(root) / "mnist").is_dir():
        pytest.skip("needs real MNIST: set PPGAN_DATA to the folder that holds mnist/ and fashion-mnist/")
    return Path(root).resolve()


def spec_of(shape, num_classes):
    """The fields of images, or of points (images of one pixel), with classes called 0, 1, ..."""
    from ppgan_lite.data.spec import images, points

    names = [str(number) for number in range(num_classes)]
    return points(shape[0], names) if tuple(shape[1:]) == (1, 1) else images(shape, names)


def make_run(tree, parent):
    """Train the config given as nested dicts; returns the run's folder."""
    from ppgan_lite.config.load import check_config
    from ppgan_lite.engine.loop import train

    folder = parent / "run"
    assert train(check_config(tree), folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


def make_export(run, parent):
    """Export a run's networks, with ONNX if its packages are installed; returns the exported folder."""
    from ppgan_lite.commands.export import export

    has_onnx = all(importlib.util.find_spec(package) for package in ("paddle2onnx", "onnxruntime"))
    folder = parent / "exported"
    export(run, folder, step=None, formats=["paddle", "onnx"] if has_onnx else ["paddle"], overwrite=False)
    return folder


def start_tool(name, *arguments, environment=None, **options):
    """Start tools/NAME.py in a separate process."""
    command = [sys.executable, str(ROOT / "tools" / f"{name}.py"), *map(str, arguments)]
    environment = {**os.environ, **(environment or {})}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options
    )


def run_tool(name, *arguments, environment=None, **options):
    """Run tools/NAME.py in a separate process; returns (exit code, stdout, stderr)."""
    process = start_tool(name, *arguments, environment=environment, **options)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def wait_until_gone(process_ids):
    """Return when none of the processes is running any more; zombies do not count."""
    pending, deadline = [Path(f"/proc/{number}/cmdline") for number in process_ids], time.monotonic() + 20
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("needs /proc to see other processes")
    while pending := [path for path in pending if path.exists() and path.read_bytes()]:
        assert time.monotonic() < deadline, f"{pending} live on"
        time.sleep(0.05)


def lasting(folder, step):
    """What a run must reproduce exactly: the sha256 of every saved file, and the log without times and speeds."""
    manifest = json.loads((folder / "checkpoints" / f"step_{step:08d}" / "manifest.json").read_text())
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    clocks = ("time", "images_per_second")
    return manifest["files"], [{k: v for k, v in line.items() if k not in clocks} for line in lines]


def one_line_error(stderr):
    """The error message in a tool's stderr, after checking that there is nothing else."""
    assert re.fullmatch(r"error: [^\n]+\n", stderr), stderr
    return stderr.removeprefix("error: ").rstrip("\n")


def flip_a_byte(path):
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def make_no_file(path, harm):
    """Put a pipe, a device, a folder or a huge file in the place of a file."""
    if harm == "pipe":
        os.mkfifo(path)
    elif harm == "device":
        path.symlink_to("/dev/zero")
    elif harm == "folder":
        path.mkdir()
    else:
        with open(path, "wb") as stream:
            stream.truncate(2**40)  # a hole
