"""The device that paddle computes on, and its random numbers."""

import numpy as np
import paddle

from ppgan_lite.errors import RunError


def set_device(name: str) -> str:
    """Select `cpu`, `gpu` or `auto` (a GPU where there is one) and return which it is.

    Raises:
        RunError: `gpu` on a machine without one, or with the CPU build of paddle.
    """
    gpus = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    if name == "gpu" and not gpus:
        why = "this machine has none" if paddle.is_compiled_with_cuda() else "this paddle is built for the CPU only"
        raise RunError(f"--device gpu: no GPU to be used: {why}; use --device cpu, or see requirements-gpu.txt")
    device = ("gpu" if gpus else "cpu") if name == "auto" else name
    paddle.set_device(device)
    return device


def seed_paddle(*key: int):
    """Seed paddle's generators with a mixture of the numbers, for example (train.seed, step)."""
    paddle.seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]) >> 1)
