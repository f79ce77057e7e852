"""The device that Paddle computes on, and its random numbers."""

import numpy as np
import paddle

from ppgan_lite.errors import RunError


def set_device(name: str) -> str:
    """Select `cpu`, `gpu` or `auto` (a GPU if there is one); returns `cpu` or `gpu`.

    Raises:
        RunError: `gpu` on a machine without a GPU, or with the CPU build of Paddle.
    """
    gpus = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    if name == "gpu" and not gpus:
        why = "this machine has none" if paddle.is_compiled_with_cuda() else "this build of Paddle is for the CPU only"
        raise RunError(f"--device gpu: no usable GPU: {why}; use --device cpu, or see requirements-gpu.txt")
    device = ("gpu" if gpus else "cpu") if name == "auto" else name
    paddle.set_device(device)
    return device


def seed_paddle(*key: int):
    """Seed Paddle's random numbers with a hash of the numbers, for example (train.seed, step)."""
    paddle.seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]) >> 1)
