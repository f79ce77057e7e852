"""Label maps of facades, and the segmenter."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
from PIL import Image
from stand_ins import MEANS, Stand, always, method_of, noise, pairs_of

from ppgan_lite.evaluation import segmenter
from ppgan_lite.evaluation.segmenter import COLOURS, Segmenter, are_label_maps, labels_of
from ppgan_lite.evaluation.translators import TranslatorEvaluation


def facades(num, seed):
    """Label maps of areas of 16 pixels in random colours, 64x64, and photographs with a grey for each colour."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(COLOURS), (num, 4, 4)).repeat(16, 1).repeat(16, 2)
    maps = COLOURS[labels].transpose(0, 3, 1, 2).astype(np.uint8)
    photos = (labels[:, None] * 20 + rng.integers(0, 10, (num, 3, 64, 64))).astype(np.uint8)
    return pairs_of(photos, maps)


def test_each_colour_is_its_own_label_also_if_it_is_a_little_off():
    rng = np.random.default_rng(0)
    pixels = COLOURS[:, :, None, None].repeat(5, 2).repeat(5, 3)
    off = np.clip(pixels + rng.integers(-15, 16, pixels.shape), 0, 255).astype(np.uint8)
    assert (labels_of(off) == np.arange(12)[:, None, None]).all()
    assert are_label_maps(off)


def test_photographs_are_no_label_maps():
    assert not are_label_maps(noise(4))
    assert not are_label_maps(noise(4, (1, 16, 16)))
    half = np.concatenate([facades(1, 0).arrays["b"], noise(1, (3, 64, 64))], 2)
    assert are_label_maps(half)  # half of it is
    assert not are_label_maps(half[:, :, 40:])


def test_the_segmenter_has_a_score_for_each_class_and_pixel():
    assert Segmenter()(paddle.zeros([2, 3, 64, 64])).shape == [2, 12, 64, 64]


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (128, 96)])
def test_pictures_of_any_size_are_brought_to_one(size):
    grey = np.full((2, 3, *size), 77, np.uint8)
    np.testing.assert_array_equal(segmenter.resized(grey), np.full((2, 3, 64, 64), 77))


def test_translations_of_label_maps_are_judged_by_the_labels_found_in_them(monkeypatch):
    monkeypatch.setattr(segmenter, "RECIPE", replace(segmenter.RECIPE, name="test", steps=60))
    train, test = facades(64, 0), facades(24, 1)
    evaluation = TranslatorEvaluation(train, test, MEANS, None, seed=0)
    true = evaluation(method_of(b_to_a=Stand(["b"], "a", always(test.arrays["a"]))), 1)
    figure = true.figures["b_to_a/label_accuracy"]
    assert figure.value == figure.real > 0.6
    assert figure.value > figure.baselines["mean picture"] + 0.4
    wrong = evaluation(method_of(b_to_a=Stand(["b"], "a", always(test.arrays["a"][::-1]))), 1)
    assert wrong.figures["b_to_a/label_accuracy"].value < 0.25
    assert true.protocol["segmenter"] == "test, trained 60 steps of 8, seed 0"
    to_maps = evaluation(method_of(a_to_b=Stand(["a"], "b", lambda x: x)), 1)
    assert "a_to_b/label_accuracy" not in to_maps.figures
    assert "segmenter" not in to_maps.protocol


def test_the_colours_are_those_of_real_label_maps():
    root = os.environ.get("PPGAN_DATA")
    if not root or not (Path(root) / "facades").is_dir():
        pytest.skip("needs CMP facades: set PPGAN_DATA to the folder that holds facades/")
    flat = []
    for path in sorted((Path(root) / "facades" / "train").glob("*.jpg"))[:60]:
        maps = np.asarray(Image.open(path).convert("RGB"))[:, 256:].astype(int)
        blocks = maps[: 256 // 8 * 8].reshape(32, 8, 32, 8, 3).swapaxes(1, 2).reshape(-1, 64, 3)
        flat.append(blocks[np.ptp(blocks, axis=1).max(1) <= 40].mean(1))
    colours = np.concatenate(flat)
    nearest = labels_of(colours.T[None, :, None].round().astype(np.uint8)).ravel()
    assert set(nearest) == set(range(12))
    for label in range(12):
        median = np.median(colours[nearest == label], 0)
        assert abs(median - COLOURS[label]).max() <= 10, label
