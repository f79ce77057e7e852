"""Networks. GENERATORS and DISCRIMINATORS map a config's `generator.name` and `discriminator.name` to classes.

A generator is built as `Generator(options, z_dim, image_shape)` and maps noise [N, z_dim] to images [N, C, H, W] in
[-1, 1]; a discriminator as `Discriminator(options, image_shape)` and maps images to logits [N, 1].
"""

from ppgan_lite.networks import dcgan28, dcgan64

GENERATORS = {"dcgan28": dcgan28.Generator, "dcgan64": dcgan64.Generator}
DISCRIMINATORS = {"dcgan28": dcgan28.Discriminator, "dcgan64": dcgan64.Discriminator}
