"""Data sets: paddle.io Datasets that yield dicts. DATASETS maps a config's `data.name` to what builds it.

Each entry takes the checked `data` section and the split, `train` or `test`, and returns a Dataset with `image_shape`
(C, H, W), `class_names` and `source`.
"""

from ppgan_lite.data import fake, gaussians, mnist, rendered_digits

DATASETS = {
    "fake": fake.build,
    "fashion_mnist": mnist.build,
    "gaussians": gaussians.build,
    "mnist": mnist.build,
    "rendered_digits": rendered_digits.build,
}
