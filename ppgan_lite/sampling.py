"""Images from a checkpoint of a run, with batch norms on their running statistics, as an exported model has them."""

from pathlib import Path

import numpy as np
import paddle

from ppgan_lite.build import seed_paddle, set_device
from ppgan_lite.engine.run import open_trained
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.image_grid import grid, save_png, to_uint8
from ppgan_lite.methods.base import Generative

BATCH_IMAGES = 256  # generated at once


def sample(folder: Path, out: Path, step: int | str | None, num: int, seed: int, interpolate: int | None, device: str):
    """Generate images with the generator of a run and write them.

    Args:
        folder: of the run.
        out: FILE.png (one grid), FILE.npz (`images` uint8 [N, H, W, C] and `z`), or a new or empty folder (PNGs).
        step: of the checkpoint; `best`, or None for the newest that is whole.
        num: images.
        seed: of the noise.
        interpolate: images per strip; each strip leads from one noise vector to another, and is a row of the grid.
            As many strips are made as `num` images fill (at least one).

    Raises:
        UserError: no such run or checkpoint, or `out` cannot be written.
    """
    if out.suffix not in ("", ".png", ".npz"):
        raise RunError(f"--out {out}: unknown kind {out.suffix}; give FILE.png, FILE.npz or a folder")
    with disk_errors(out):
        if not out.suffix and out.is_dir() and any(out.iterdir()):
            raise RunError(f"--out {out}: the folder is not empty; give another one")
    device = set_device(device)
    run, method, saved = open_trained(folder, step)
    if not isinstance(method, Generative):
        raise RunError(f"{folder}: holds a {run.config().method.name}, which makes no images")
    seed_paddle(seed, 0, 2)  # other numbers than made the weights (seed, 0) and the previews (seed, 0, 1)
    if interpolate:
        strips = max(1, num // interpolate)
        z = slerp(method.draw_z(strips).numpy(), method.draw_z(strips).numpy(), interpolate)
    else:
        z = method.draw_z(num).numpy()
    chunks = (paddle.to_tensor(z[i : i + BATCH_IMAGES]) for i in range(0, len(z), BATCH_IMAGES))
    images = np.concatenate([method.generate({"z": chunk}).numpy() for chunk in chunks])
    metadata = {**run.describe_images(saved.step), "Batch norm": "running statistics", "Seed": str(seed)}
    _write(out, images, z, interpolate, metadata)
    print(f"{len(images)} images of step {saved.step} written to {out} ({device})")


def slerp(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Points on the great circle from `start` to `end`, both included: [N, D] twice -> [N * steps, D].

    A straight line between two Gaussian vectors passes nearer to the origin than any sample does; the arc keeps the
    length (White 2016, "Sampling Generative Networks").
    """
    cosine = (start * end).sum(1) / (np.linalg.norm(start, axis=1) * np.linalg.norm(end, axis=1))
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]  # [N, 1, 1]
    t = np.linspace(0, 1, steps)[None, :, None]  # [1, steps, 1]
    path = (np.sin((1 - t) * angle) * start[:, None] + np.sin(t * angle) * end[:, None]) / np.sin(angle)
    return path.reshape(-1, start.shape[1]).astype(start.dtype)  # [N, steps, D] -> [N * steps, D]


def _write(out: Path, images: np.ndarray, z: np.ndarray, columns: int | None, metadata: dict[str, str]):
    with disk_errors(out):
        (out.parent if out.suffix else out).mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        save_png(out, grid(images, columns), metadata)
    elif out.suffix == ".npz":
        with writing(out) as stream:
            np.savez_compressed(
                stream, images=to_uint8(images), z=z, **{key: [value] for key, value in metadata.items()}
            )
    else:
        for i, pixels in enumerate(to_uint8(images)):
            save_png(out / f"{i:05d}.png", pixels, metadata)
