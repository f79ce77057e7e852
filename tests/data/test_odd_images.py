"""Odd, broken and rare image files of others: each is read rightly, or left out for a reason that is listed here."""

import sys

import numpy as np
import pytest
from conftest import ROOT
from picture_folder import options, source

from ppgan_lite.data import picture_set
from ppgan_lite.data.pictures import decode

sys.path.insert(0, str(ROOT / "benchmarks"))
import odd_images

LEFT_OUT = {
    "libjpeg-turbo/monkey12.jpg": "of a kind that is not read",  # 12 bits: Pillow has no decoder for them
    "pillow/broken.png": "damaged header",
    "pillow/broken_data_stream.png": "unrecognized data stream",
    "pillow/decompression_bomb.gif": "exceeds limit",
    "pillow/hopper.pfm": "32-bit pixels of unknown range",
    "pillow/truncated_end_chunk.png": "Truncated",
    "pillow/truncated_image.png": "truncated",
    "pillow/truncated_jpeg.jpg": "truncated",
    **{  # PngSuite's corrupt files: colour types, bit depths, checksums, no data
        f"pngsuite/{name}.png": "damaged header"
        for name in ("xc1n0g08", "xc9n2c08", "xd0n2c08", "xd3n2c08", "xd9n2c08", "xhdn0g08")
    },
    "pngsuite/xdtn0g01.png": "cannot load this image",
    **{  # its files with a damaged signature
        f"pngsuite/{name}.png": "not a PNG"
        for name in ("xcrn0g04", "xlfn0g04", "xs1n0g01", "xs2n0g01", "xs4n0g01", "xs7n0g01")
    },
}


@pytest.fixture(scope="module")
def folder(real_data):
    """The folder $PPGAN_DATA/odd-images; skip the test without it."""
    if not (real_data / "odd-images").is_dir():
        pytest.skip("needs odd-images/ in $PPGAN_DATA")
    return real_data / "odd-images"


@pytest.fixture(scope="module")
def outcomes(folder):
    return {outcome.name: outcome for outcome in odd_images.outcomes(folder)}


def test_a_file_is_left_out_only_for_a_listed_reason(outcomes):
    left_out = {name: outcome.reason for name, outcome in outcomes.items() if outcome.reason}
    assert left_out.keys() == LEFT_OUT.keys()
    assert [name for name, reason in left_out.items() if LEFT_OUT[name] not in reason] == []


def test_all_others_are_read_rightly(outcomes):
    assert len(outcomes) == 269
    assert [name for name, outcome in outcomes.items() if not outcome.reason and not outcome.agrees] == []


def test_pngsuite_is_read_as_opencv_reads_it(outcomes):
    read = [outcome for outcome in outcomes.values() if outcome.name.startswith("pngsuite/") and not outcome.reason]
    assert len(read) == 162
    # OpenCV refuses wrong checksums of pixels, which Pillow does not compare
    assert [outcome.name for outcome in read if "OpenCV" not in outcome.agrees] == ["pngsuite/xcsn0g01.png"]


@pytest.mark.parametrize("kind", ["Landscape", "Portrait"])
def test_photographs_are_turned_upright(folder, kind):
    upright = decode((folder / f"exif/{kind}_1.jpg").read_bytes(), 3).astype(float)
    for orientation in range(9):
        turned = decode((folder / f"exif/{kind}_{orientation}.jpg").read_bytes(), 3)
        assert turned.shape == upright.shape
        assert np.sqrt(np.mean((turned - upright) ** 2)) < 10  # the number in the picture differs


def test_the_table_has_a_row_per_group(outcomes):
    lines = odd_images.table(list(outcomes.values()))
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| exif", "| libjpeg-turbo", "| misc", "| pillow", "| pngsuite", "| all",
    ]  # fmt: skip
    assert lines[-1] == "| all | 269 | 248 | 0 | 21 |"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_set_of_them_has_all_that_can_be_read(folder, capfd, workers):
    keys = {"cache": "memory", "on_bad_image": "skip", "size": 32, "workers": workers}
    dataset = picture_set.build(source(folder), options(folder, **keys), "folder")
    *named, count, dim = capfd.readouterr().err.splitlines()
    assert len(dataset) == 248
    assert all(line.startswith("warning: ") for line in named)
    assert "20 of 268 files cannot be decoded" in count  # PFM files are not listed: they are no pictures for viewers
    assert "1 of 268 pictures, such as pillow/16bit.cropped.tif, have 16 bits but stay below an eighth" in dim
