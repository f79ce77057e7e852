"""ppgan_lite: a GAN suite for PaddlePaddle 3.

Import it before paddle: it sets the threads and the BLAS path that paddle reads once, when it loads. `train`, `load`
and `evaluate` import paddle when they are first asked for.
"""

import sys

# Any Python 3 can read this file, so that one that is too old is reported in words.
if sys.version_info < (3, 10):  # noqa: UP036
    raise ImportError(
        f"ppgan_lite needs Python 3.10 or newer, but {sys.executable} is Python {sys.version.split()[0]}; "
        "install a newer one, and with it: pip install -r requirements.txt"
    )

from ppgan_lite import runtime

__version__ = "0.1.0"
__all__ = ["evaluate", "load", "train"]

runtime.configure()


def __getattr__(name):
    """The functions of the Python API, from ppgan_lite/commands/api.py."""
    if name not in __all__:
        raise AttributeError(f"module 'ppgan_lite' has no attribute {name!r}")
    runtime.load_paddle()
    from ppgan_lite.commands import api

    return getattr(api, name)


def __dir__():
    return sorted([*globals(), *__all__])
