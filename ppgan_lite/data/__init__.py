"""Data sets: paddle.io Datasets that yield dicts. DATASETS maps a config's `data.name` to what builds it.

Each entry takes the checked `data` section and the split, `train` or `test`, and returns a Dataset with `image_shape`
(C, H, W), `class_names` and `source`.
"""

from ppgan_lite.data import cifar, fake, folder, gaussians, lsun, mnist, rendered_digits

DATASETS = {
    "cifar10": cifar.build,
    "cifar100": cifar.build,
    "cifar10_jpeg": cifar.build_jpeg,
    "fake": fake.build,
    "fashion_mnist": mnist.build,
    "folder": folder.build,
    "gaussians": gaussians.build,
    "lsun": lsun.build,
    "mnist": mnist.build,
    "rendered_digits": rendered_digits.build,
}
