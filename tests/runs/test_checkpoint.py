import errno
import json
import os
import shutil

import numpy as np
import paddle
import pytest
import safetensors.numpy
from conftest import SMALL, flip_a_byte, spec_of

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.errors import CheckpointError, DamagedCheckpointError, RunError
from ppgan_lite.files import seal, sha256, unseal
from ppgan_lite.runs import checkpoint

SHAPE = (1, 28, 28)


@pytest.fixture
def method(small_config):
    return build_method(small_config, spec_of(SHAPE, 10))


@pytest.fixture
def saved(small_run, tmp_path):
    """A copy of the small run's checkpoints: steps 4, 8 and 12."""
    return shutil.copytree(small_run / "checkpoints", tmp_path / "checkpoints")


def tensors(method):
    groups = [*method.networks.values(), *method.optimizers.values()]
    return [tensor.numpy() for group in groups for tensor in group.state_dict().values()] + list(method.state.values())


def test_all_of_a_method_comes_back(tmp_path, small_config, method):
    batch = {"image": paddle.uniform([8, *SHAPE], min=-1)}
    method.train_step([batch], 1)
    method.state["mean"] = paddle.to_tensor([0.25])
    path = checkpoint.save(tmp_path, 1, method, small_config.to_dict(), keep=1)
    names = {"network_g", "network_d", "optimizer_g", "optimizer_d_real", "optimizer_d_fake", "state"}
    assert {file.name for file in path.iterdir()} == {"manifest.json"} | {f"{name}.safetensors" for name in names}

    other = build_method(small_config, spec_of(SHAPE, 10))
    other.state["mean"] = paddle.zeros([1])
    checkpoint.load(path).restore(other)
    for ours, theirs in zip(tensors(method), tensors(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert checkpoint.load(path).step == 1
    assert checkpoint.load(path).config == json.loads(json.dumps(small_config.to_dict()))


def test_only_the_newest_are_kept(tmp_path, method):
    for step in (9, 10, 100, 1000):
        checkpoint.save(tmp_path, step, method, {}, keep=2)
    assert checkpoint.list_steps(tmp_path) == [100, 1000]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_00000100", "step_00001000"]


@pytest.mark.parametrize("file", ["network_g.safetensors", "optimizer_d_fake.safetensors", "manifest.json"])
def test_a_flipped_byte_is_found(saved, file):
    flip_a_byte(saved / "step_00000012" / file)
    with pytest.raises(CheckpointError, match=rf"step_00000012/{file}: .*damaged"):
        checkpoint.load(saved / "step_00000012")


@pytest.mark.parametrize("file", ["network_g.safetensors", "manifest.json"])
@pytest.mark.parametrize("harm", ["missing", "empty", "truncated", "another"])
def test_a_file_that_is_not_whole_is_found(saved, file, harm):
    path = saved / "step_00000012" / file
    content = path.read_bytes()
    path.unlink()
    if harm != "missing":
        path.write_bytes({"empty": b"", "truncated": content[: len(content) // 2], "another": b"[]"}[harm])
    with pytest.raises(CheckpointError, match=rf"step_00000012/{file}: (missing|damaged)"):
        checkpoint.load(saved / "step_00000012")


def test_the_newest_whole_one_is_used_and_damage_reported(saved):
    flip_a_byte(saved / "step_00000012" / "network_d.safetensors")
    shutil.rmtree(saved / "step_00000008")
    (saved / "step_00000008").mkdir()
    reported = []
    assert checkpoint.load_newest(saved, reported.append).step == 4
    assert ["step_00000012" in str(reported[0]), "step_00000008" in str(reported[1])] == [True, True]


def test_nothing_whole_is_an_error(saved, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint yet; train until"):
        checkpoint.load_newest(tmp_path / "none", print)
    for path in saved.glob("*/manifest.json"):
        path.unlink()
    with pytest.raises(CheckpointError, match=r"no undamaged checkpoint \(of 3\)"):
        checkpoint.load_newest(saved, print)
    with pytest.raises(CheckpointError, match="no checkpoint of step 5; there are: 4, 8, 12"):
        checkpoint.load_step(saved, 5)


def test_another_architecture_is_named_and_changes_nothing(saved, small_tree):
    for section, key, message in [
        (
            "generator",
            "ngf",
            r"network_g: of another architecture: .* has shape \[.*\] instead of \[.*\] \(and \d+ more\)",
        ),
        ("discriminator", "ndf", "network_d: of another architecture"),
    ]:
        tree = json.loads(json.dumps(small_tree))
        tree[section][key] = 3
        method = build_method(check_config(tree), spec_of(SHAPE, 10))
        before = tensors(method)
        with pytest.raises(CheckpointError, match=message):
            checkpoint.load(saved / "step_00000004").restore(method)
        for ours, theirs in zip(tensors(method), before, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_missing_and_surplus_tensors_are_named(saved, small_tree):
    method = build_method(check_config(small_tree), spec_of(SHAPE, 10))
    whole = checkpoint.load(saved / "step_00000004")
    whole.arrays["network_g"]["upsample.9.weight"] = whole.arrays["network_g"].pop("upsample.0.weight")
    with pytest.raises(CheckpointError, match=r"network_g: .* upsample.0.weight is missing \(and 1 more\)"):
        whole.restore(method)
    del whole.arrays["network_g"]["upsample.9.weight"], whole.arrays["network_d"]["conv1.weight"]
    with pytest.raises(CheckpointError, match=r"upsample.0.weight is missing$"):
        whole.restore(method)
    joint = SMALL["method"] | {"d_optimizers": "joint"}
    optim = {"g": SMALL["optim"]["g"], "d": SMALL["optim"]["g"]}
    config = check_config(small_tree | {"generator": SMALL["generator"], "method": joint, "optim": optim})
    method = build_method(config, spec_of(SHAPE, 10))
    with pytest.raises(CheckpointError, match="of another architecture: optimizer_d_fake is not in the method"):
        checkpoint.load(saved / "step_00000004").restore(method)


def test_surplus_files_are_named(saved, small_config, method):
    method.state["mean"] = paddle.zeros([1])
    path = checkpoint.save(saved, 13, method, small_config.to_dict(), keep=9)
    with pytest.raises(CheckpointError, match="of another architecture: state is not in the method"):
        checkpoint.load(path).restore(build_method(small_config, spec_of(SHAPE, 10)))


def test_a_newer_format_is_refused(saved):
    path = saved / "step_00000012" / "manifest.json"
    path.write_bytes(seal(unseal(path.read_bytes()) | {"format": 2}))
    with pytest.raises(CheckpointError, match="format 2, but this version reads 1"):
        checkpoint.load(path.parent)
    with pytest.raises(CheckpointError, match="format 2"):  # not damage: no older one takes its place
        checkpoint.load_newest(saved, print)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path, method):
    weight = method.networks["g"].state_dict()["project.0.weight"]
    weight.set_value(paddle.full_like(weight, float("nan")))
    with pytest.raises(
        RunError, match="network_g: project.0.weight is not finite after step 7; no checkpoint was saved yet"
    ):
        checkpoint.save(tmp_path, 7, method, {}, keep=1)
    assert list(tmp_path.iterdir()) == []


def test_no_space_keeps_the_older_checkpoint(tmp_path, method, monkeypatch):
    checkpoint.save(tmp_path, 1, method, {}, keep=1)
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(RunError, match="cannot be written: No space left on device"):
        checkpoint.save(tmp_path, 2, method, {}, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001"]
    checkpoint.load(tmp_path / "step_00000001")


def forge(path, name=None, content=None, **changes):
    """Change a checkpoint's manifest, or one of its files, with the right checksums; returns its folder."""
    manifest = unseal((path / "manifest.json").read_bytes()) | changes
    if name is not None:
        (path / name).write_bytes(content)
        manifest["files"][name] = sha256(content)
    (path / "manifest.json").write_bytes(seal(manifest))
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"files": {"../step_00000004/network_g.safetensors": "0"}}, "is not the name of a checkpoint's file"),
        ({"files": {"/etc/passwd": "0"}}, "'/etc/passwd' is not the name"),
        ({"files": {"/dev/zero": "0"}}, "'/dev/zero' is not the name"),
        ({"files": {"manifest.json": "0"}}, "'manifest.json' is not the name"),
        ({"files": {"network_a\nb.safetensors": "0"}}, "is not the name"),
        ({"files": {"network_g.safetensors": 5}}, "files.network_g.safetensors: expected text"),
        ({"files": ["network_g.safetensors"]}, "files: expected a section with keys"),
        ({"files": None}, "files: expected a section with keys"),
        ({"step": "12"}, "step: expected a whole number"),
        ({"step": -1}, "step: must be at least 0"),
        ({"config": []}, "config: expected a section with keys"),
    ],
)
def test_a_forged_manifest_is_damaged_and_opens_no_other_file(saved, changes, words):
    forge(saved / "step_00000012", **changes)
    with pytest.raises(DamagedCheckpointError, match=rf"step_00000012/manifest.json: damaged \([^\n]*{words}[^\n]*\)$"):
        checkpoint.load(saved / "step_00000012")
    assert checkpoint.load_newest(saved, print).step == 8


@pytest.mark.parametrize("file", ["manifest.json", "network_g.safetensors"])
@pytest.mark.parametrize("harm", ["pipe", "device", "huge"])
def test_what_is_no_file_or_too_large_is_not_read(saved, file, harm):
    path = saved / "step_00000012" / file
    path.unlink()
    if harm == "pipe":
        os.mkfifo(path)
    elif harm == "device":
        path.symlink_to("/dev/zero")
    else:
        with open(path, "wb") as stream:
            stream.truncate(2**40)
    words = rf"{file}: cannot be read: .*; move {path.parent} away to use an older checkpoint$"
    with pytest.raises(CheckpointError, match=words):
        checkpoint.load(path.parent)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "bool"])
def test_tensors_of_another_type_are_named_and_change_nothing(saved, method, dtype):
    path, name = saved / "step_00000012", "network_d.safetensors"
    arrays = safetensors.numpy.load((path / name).read_bytes())
    arrays["conv1.weight"] = arrays["conv1.weight"].astype(dtype)
    forge(path, name, safetensors.numpy.save(arrays))
    before = tensors(method)
    with pytest.raises(CheckpointError, match=rf"network_d: .*conv1.weight has type {dtype} instead of float32$"):
        checkpoint.load(path).restore(method)
    for ours, theirs in zip(tensors(method), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "X"])
def test_a_type_that_numpy_does_not_have_is_an_error(saved, method, dtype):
    header = json.dumps({"conv1.weight": {"dtype": dtype, "shape": [2], "data_offsets": [0, 4]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(4)
    forge(saved / "step_00000012", "network_d.safetensors", content)
    with pytest.raises(CheckpointError, match=r"network_d(.safetensors)?: (not a safetensors file; move|of another)"):
        checkpoint.load(saved / "step_00000012").restore(method)
