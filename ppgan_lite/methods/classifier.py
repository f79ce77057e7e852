"""A classifier of images. The evaluators that measure the GANs are trained by it, too."""

import paddle
import paddle.nn.functional as F

from ppgan_lite.methods.augment import Augment
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.methods.modes import mode


class Classifier(Method):
    """A network `c(images)` -> logits [N, num_classes], trained by cross entropy.

    With `label_smoothing` the targets are mixed with the uniform distribution (Szegedy et al. 2016, section 7,
    https://arxiv.org/abs/1512.00567).
    """

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.augment = Augment(options.augment)

    @staticmethod
    def make_networks(options, make, spec):
        return {"c": make("classifier", spec["image"].shape, len(spec["label"].names))}

    def train_step(self, batches, step):
        images, labels = self.augment(batches[0]["image"]), batches[0]["label"]  # [N, C, H, W] in [-1, 1], [N]
        logits = self.networks["c"](images)
        loss_c = F.cross_entropy(logits, labels, label_smoothing=self.options.label_smoothing)
        self.update("c", loss_c)
        return {"loss/c": loss_c, "accuracy/c": (logits.argmax(1) == labels).astype("float32").mean()}

    def classify(self, images):
        """Class probabilities [N, num_classes] of images [N, C, H, W] in [-1, 1], in evaluation mode."""
        c = self.networks["c"]
        with paddle.no_grad(), mode(c, training=False):
            return F.softmax(c(images))

    def interfaces(self):
        logits = Port("logits", (len(self.spec["label"].names),), "one per class; the largest: likeliest")
        return {"c": Interface("classifier: pictures to classes", (picture_port(self.spec["image"]),), (logits,))}
