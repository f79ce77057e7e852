"""Small runs, and exports, of methods whose generators take more than noise; each is made once, for all tests.

`mktemp` is that of pytest's tmp_path_factory.
"""

import functools
import importlib.util

from conftest import SMALL

from ppgan_lite.config import check_config
from ppgan_lite.engine.loop import train
from ppgan_lite.export import export

METHODS = {
    "cgan": {"name": "cgan", "z_dim": 8},
    "infogan": {"name": "infogan", "z_dim": 8, "categories": 3, "codes": 2},
}


@functools.cache
def conditional_run(method, mktemp):
    """A finished run of a small cgan or infogan. Not to be changed: copy it."""
    tree = {
        "method": METHODS[method],
        "generator": {"name": "dcgan28", "ngf": 2, "upsample": "transposed"},
        "discriminator": {"name": "infogan", "ndf": 2},
        "optim": {name: {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]} for name in ("g", "d")},
        "data": SMALL["data"],
        "train": {"steps": 2, "seed": 3, "log_every": 1, "preview_every": 99, "save_every": 2, "keep": 1},
    }
    folder = mktemp(method) / "run"
    assert train(check_config(tree), folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


@functools.cache
def conditional_export(method, mktemp):
    """Its networks, exported; for ONNX too, where its packages are. Not to be changed: copy it."""
    able = all(importlib.util.find_spec(package) for package in ("paddle2onnx", "onnxruntime"))
    folder = mktemp(method) / "exported"
    formats = ["paddle", "onnx"] if able else ["paddle"]
    export(conditional_run(method, mktemp), folder, step=None, formats=formats, overwrite=False)
    return folder
