"""Previews of translators: what they show is what the networks make of the test pictures, and training is unchanged."""

import os
import signal

import numpy as np
import paddle
import pytest
from conftest import lasting
from PIL import Image

from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.engine import loop
from ppgan_lite.engine.loop import train
from ppgan_lite.engine.previews import TranslatorPreviews
from ppgan_lite.errors import RunError
from ppgan_lite.methods import samplers
from ppgan_lite.methods.pix2pix import Pix2Pix
from ppgan_lite.methods.samplers import Sampler
from ppgan_lite.methods.translations import targets
from ppgan_lite.pictures.grid import comparisons, stacked
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.trained import open_trained

ADAM = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
NETWORKS = {
    "pix2pix": ({"name": "unet", "ngf": 2}, {"name": "patch", "ndf": 2, "layers": 1}),
    "cyclegan": (
        {"name": "resnet_translator", "ngf": 2, "blocks": 1},
        {"name": "patch", "ndf": 2, "layers": 1},
    ),
    "stargan": ({"name": "stargan", "ngf": 2, "blocks": 1}, {"name": "stargan", "ndf": 2, "layers": 3}),
}


def tree_of(method, data, **options):
    generator, discriminator = NETWORKS[method]
    return {
        "method": {"name": method, **options},
        "generator": generator,
        "discriminator": discriminator,
        "optim": {"g": ADAM, "d": ADAM},
        "data": {"batch_size": 2, **data},
        "train": {"steps": 3, "seed": 3, "log_every": 1, "preview_every": 2, "save_every": 100, "log_to": []},
    }


def save(path, seed, width=32):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, [32, width, 3], "uint8")
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Pairs side by side, 4 for training and 5 for testing."""
    root = tmp_path_factory.mktemp("pairs")
    for i in range(9):
        save(root / ("train" if i < 4 else "test") / f"{i}.png", i, width=64)
    return root


@pytest.fixture(scope="module")
def unpaired(tmp_path_factory):
    """Two domains: 4 and 3 pictures for training, 5 and 3 for testing."""
    root = tmp_path_factory.mktemp("unpaired")
    for seed, (folder, num) in enumerate({"trainA": 4, "trainB": 3, "testA": 5, "testB": 3}.items()):
        for i in range(num):
            save(root / folder / f"{i}.png", 10 * seed + i)
    return root


@pytest.fixture(scope="module")
def trees(pairs, unpaired):
    return {
        "pix2pix": tree_of("pix2pix", {"name": "pairs", "root": str(pairs), "size": 32}, direction="b_to_a"),
        "cyclegan": tree_of("cyclegan", {"name": "unpaired", "root": str(unpaired), "size": 32}),
        "stargan": tree_of("stargan", {"name": "coloured_digits", "num_images": 48}, d_updates=1),
    }


@pytest.fixture(scope="module")
def runs(trees, tmp_path_factory):
    """Method -> the folder of a finished run."""
    folders = {name: tmp_path_factory.mktemp(name) / "run" for name in trees}
    for name, folder in folders.items():
        assert start(check_config(trees[name]), folder) == 0
    return folders


def start(config, folder, resume=False):
    return train(config, folder, resume=resume, overwrite=False, device="cpu", dry_run=False)


def with_train(tree, **changes):
    return {**tree, "train": tree["train"] | changes}


def picture(run, name):
    with Image.open(run / "samples" / name) as image:
        return np.asarray(image)


def trained(run, direction, inputs):
    """What the trained network makes of the inputs."""
    _, method, _ = open_trained(run, None)
    return method.samplers()[direction]({name: paddle.to_tensor(x) for name, x in inputs.items()}).numpy()


# What is shown.


def test_pix2pix_shows_input_output_and_truth_of_the_test_pairs(runs, trees):
    run, test = runs["pix2pix"], build_dataset(check_config(trees["pix2pix"]), "test")
    data = test.batch(np.arange(5))
    made = trained(run, "b_to_a", {"b": data["b"]})
    expected = comparisons([data["b"], made, data["a"]])
    np.testing.assert_array_equal(picture(run, "step_00000003.png"), expected)
    np.testing.assert_array_equal(picture(run, "real.png"), comparisons([data["a"], data["b"]]))


def test_cyclegan_shows_both_directions_with_the_way_back(runs, trees):
    run, test = runs["cyclegan"], build_dataset(check_config(trees["cyclegan"]), "test")
    a = test.domains["a"].batch(np.array([0, 1, 3]))["image"]  # as many as there are of the smaller domain
    b = test.domains["b"].batch(np.arange(3))["image"]
    fake_b, fake_a = trained(run, "a_to_b", {"a": a}), trained(run, "b_to_a", {"b": b})
    cycle_a, cycle_b = trained(run, "b_to_a", {"b": fake_b}), trained(run, "a_to_b", {"a": fake_a})
    expected = stacked([comparisons([a, fake_b, cycle_a]), comparisons([b, fake_a, cycle_b])])
    np.testing.assert_array_equal(picture(run, "step_00000003.png"), expected)
    np.testing.assert_array_equal(picture(run, "real.png"), stacked([comparisons([a]), comparisons([b])]))


def test_stargan_shows_each_attribute(runs, trees):
    run, test = runs["stargan"], build_dataset(check_config(trees["stargan"]), "test")
    data, names = test.batch(np.arange(8)), test.spec["attributes"].names
    wanted = [targets(names, data["attributes"], index) for index in range(len(names))]
    made = [trained(run, "to_attributes", {"image": data["image"], "attributes": each}) for each in wanted]
    np.testing.assert_array_equal(picture(run, "step_00000003.png"), comparisons([data["image"], *made]))
    np.testing.assert_array_equal(picture(run, "real.png"), comparisons([data["image"]]))


def test_pictures_say_that_no_statistics_of_a_batch_are_used(runs):
    with Image.open(runs["pix2pix"] / "samples" / "step_00000002.png") as image:
        assert image.text["Batch norm"] == "running statistics"
        assert image.text["Step"] == "2"


# The same with and without.


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "stargan"])
def test_previews_change_nothing_in_training(runs, trees, name, tmp_path):
    quiet = check_config(with_train(trees[name], preview_every=100))
    assert start(quiet, tmp_path / "quiet") == 0
    assert lasting(tmp_path / "quiet", 3)[0] == lasting(runs[name], 3)[0]


def previews_with(config, **networks):
    tree = config.to_dict()
    for section, changes in networks.items():
        tree[section] |= changes
    config = check_config(tree)
    dataset = build_dataset(config, "test")
    return TranslatorPreviews(build_method(config, dataset.spec), config, dataset)


def test_dropout_is_off_and_batch_norms_use_their_running_statistics(trees):
    config = check_config(trees["pix2pix"])
    networks = {"generator": {"norm": "batch", "dropout": 0.9}, "data": {"size": 64}}
    shown = previews_with(config, **networks)
    sampler = shown._samplers["b_to_a"]
    before = {name: value.numpy() for name, value in sampler.network.state_dict().items()}
    (_, first, _), (_, second, _) = shown.make()["b_to_a"], shown.make()["b_to_a"]
    np.testing.assert_array_equal(first, second)
    alone = sampler({"b": paddle.to_tensor(shown._data["b"][:1])}).numpy()
    np.testing.assert_allclose(first[:1], alone, atol=1e-5)  # a batch's statistics would depend on the others
    for name, value in sampler.network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


@pytest.mark.parametrize("name", ["cyclegan", "stargan"])
def test_large_pictures_are_translated_a_few_at_once(trees, name, monkeypatch):
    config, sizes, call = check_config(trees[name]), [], Sampler.__call__
    together = previews_with(config).make()
    monkeypatch.setattr(samplers, "PICTURE_PIXELS", 2 * 32 * 32)
    monkeypatch.setattr(
        Sampler, "__call__", lambda self, inputs: (sizes.append(len(inputs[self.takes[0].name])), call(self, inputs))[1]
    )
    for direction, arrays in previews_with(config).make().items():
        for array, expected in zip(arrays, together[direction], strict=True):
            np.testing.assert_allclose(array, expected, atol=1e-5)
    assert max(sizes) == 2


# Which pictures.


def test_without_test_pictures_training_pictures_are_shown(trees, tmp_path, capsys):
    tree = with_train(trees["pix2pix"], steps=1)
    tree["data"] = tree["data"] | {"root": f"{tree['data']['root']}/train", "test_share": 0.0}
    assert start(check_config(tree), tmp_path / "run") == 0
    assert "warning: previews show training pictures: " in capsys.readouterr().err
    data = build_dataset(check_config(tree)).batch(np.arange(4))
    np.testing.assert_array_equal(picture(tmp_path / "run", "real.png"), comparisons([data["a"], data["b"]]))


def test_a_dry_run_reads_no_test_pictures(trees, tmp_path, monkeypatch):
    splits, build = [], loop.build_dataset
    monkeypatch.setattr(
        loop, "build_dataset", lambda config, split="train": (splits.append(split), build(config, split))[1]
    )
    config = check_config(trees["pix2pix"])
    assert train(config, tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=True) == 0
    assert splits == ["train"]
    assert start(config, tmp_path / "run") == 0
    assert splits[1:] == ["train", "test"]


# Health.


@pytest.fixture
def copying(trees, monkeypatch):
    """A training of 450 steps in which nothing is learned, and translations are copies."""
    monkeypatch.setattr(Pix2Pix, "train_step", lambda self, batches, step: {"loss/l1": paddle.to_tensor(1.0)})
    monkeypatch.setattr(Sampler, "in_batches", lambda self, inputs: inputs[self.takes[0].name])
    return with_train(trees["pix2pix"], steps=450, log_every=50, preview_every=100)


def test_a_copy_is_reported_and_logged(copying, tmp_path, capsys):
    assert start(check_config(copying), tmp_path / "run") == 0
    out = capsys.readouterr().out
    assert "*** COPIES INPUT at step 400, since step 100: b_to_a: the outputs are nearly the inputs" in out
    assert "may help: a lower method.identity_weight" in out
    _, records = lasting(tmp_path / "run", 450)
    assert [r["step"] for r in records if r.get("health/change_b_to_a") == 0] == [100, 200, 300, 400]  # not at the end


def test_a_copy_stops_the_run_if_asked(copying, tmp_path):
    config = check_config(with_train(copying, stop_on=["copies_input"]))
    with pytest.raises(RunError, match="stopped at step 400 by train.stop_on: copies_input"):
        start(config, tmp_path / "run")
    assert checkpoint.list_steps(tmp_path / "run" / "checkpoints")[-1] == 400
    assert start(config, tmp_path / "run", resume=True) == 0


def test_a_resumed_run_is_diagnosed_like_an_uninterrupted_one(copying, tmp_path, monkeypatch):
    config = check_config(copying)
    assert start(config, tmp_path / "whole") == 0
    plain = Pix2Pix.train_step

    def interrupted(self, batches, step):
        if step == 255:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, batches, step)

    with monkeypatch.context() as patch:
        patch.setattr(Pix2Pix, "train_step", interrupted)
        assert start(config, tmp_path / "parts") == 128 + signal.SIGTERM
    assert start(config, tmp_path / "parts", resume=True) == 0
    assert lasting(tmp_path / "parts", 450) == lasting(tmp_path / "whole", 450)
    assert any(record.get("diagnosis") == "copies_input" for record in lasting(tmp_path / "parts", 450)[1])
