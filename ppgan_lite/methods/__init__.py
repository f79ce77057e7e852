"""GANs, one file each. METHODS maps a config's `method.name` to its class."""

from ppgan_lite.methods.gan import GAN

METHODS = {"gan": GAN}
