"""What can be trained, one file each. METHODS maps a config's `method.name` to its class."""

from ppgan_lite.methods.classifier import Classifier
from ppgan_lite.methods.gan import GAN

METHODS = {"classifier": Classifier, "gan": GAN}
