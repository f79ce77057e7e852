"""Judges are trained once, and always the same."""

import numpy as np
import paddle
import pytest
from conftest import flip_a_byte
from paddle import nn
from stand_ins import domain_of, noise

from ppgan_lite.evaluation import judges
from ppgan_lite.evaluation.judges import Recipe, judged, train_judge

RECIPE = Recipe("judge", steps=5, batch_size=4, lr=1e-2)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PPGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def trained(monkeypatch):
    """The number of trainings so far, as the length of a list."""
    count, train = [], judges._train
    monkeypatch.setattr(judges, "_train", lambda *arguments: (count.append(1), train(*arguments)))
    return count


DATA = domain_of(noise(20, (1, 8, 8)))


def make():
    return nn.Sequential(nn.Conv2D(1, 2, 3), nn.BatchNorm2D(2), nn.Flatten(), nn.Linear(72, 2))


def loss(network, batch):
    """Is the picture bright?"""
    return nn.functional.cross_entropy(network(batch["image"]), (batch["image"].mean([1, 2, 3]) > 0).astype("int64"))


def judge(recipe=RECIPE, data=DATA):
    return judged(train_judge(recipe, make, loss, data), DATA.arrays["image"])


def test_a_judge_is_trained_once_and_then_read(cache, trained):
    first = judge()
    (path,) = cache.iterdir()
    assert path.suffix == ".safetensors"
    np.testing.assert_array_equal(judge(), first)
    assert len(trained) == 1


def test_the_same_training_gives_the_same_judge_whatever_was_drawn_before(cache, trained):
    first = judge()
    (path,) = cache.iterdir()
    path.unlink()
    paddle.seed(77)
    paddle.randn([3])
    np.testing.assert_array_equal(judge(), first)
    assert len(trained) == 2


def test_other_data_and_another_recipe_have_judges_of_their_own(cache, trained):
    judge()
    judge(data=domain_of(noise(20, (1, 8, 8), seed=1)))
    judge(recipe=Recipe("judge", steps=6, batch_size=4, lr=1e-2))
    assert len(trained) == len(list(cache.iterdir())) == 3


@pytest.mark.parametrize("harm", [flip_a_byte, lambda path: path.write_bytes(b"x"), lambda path: path.write_bytes(b"")])
def test_a_damaged_judge_is_trained_again(cache, trained, harm):
    first = judge()
    (path,) = cache.iterdir()
    content = path.read_bytes()
    harm(path)
    np.testing.assert_array_equal(judge(), first)
    assert len(trained) == 2
    assert path.read_bytes() == content


def test_a_cache_that_cannot_be_written_is_a_warning(cache, capsys):
    cache.write_text("")
    judge()
    assert "cannot be written: " in (err := capsys.readouterr().err)
    assert err.endswith("; the next evaluation trains this network again\n")


def test_without_a_home_folder_judges_are_not_kept(monkeypatch, capsys):
    monkeypatch.setenv("PPGAN_CACHE", "~nobody-of-this-name/x")
    judge()
    assert "networks that judge translations are not kept" in capsys.readouterr().err


def test_a_training_leaves_the_data_as_they_are():
    before = DATA.arrays["image"].copy()
    judge(Recipe("mirrored", steps=5, batch_size=4, lr=1e-2, flip=True))
    np.testing.assert_array_equal(DATA.arrays["image"], before)
