"""A classifier, trained by cross entropy: the other half of the article's story, and the measure of the GANs here."""

import paddle
import paddle.nn.functional as F

from ppgan_lite.methods.base import Method
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.methods.modes import mode


class Classifier(Method):
    """A network `c` from images to classes."""

    @staticmethod
    def make_networks(options, make, spec):
        return {"c": make("classifier", spec["image"].shape, len(spec["label"].names))}

    def train_step(self, batches, step):
        images, labels = batches[0]["image"], batches[0]["label"]  # [N, C, H, W] in [-1, 1], [N]
        logits = self.networks["c"](images)
        loss_c = F.cross_entropy(logits, labels)
        self.update("c", loss_c)
        return {"loss/c": loss_c, "accuracy/c": (logits.argmax(1) == labels).astype("float32").mean()}

    def classify(self, images):
        """Class probabilities [N, num_classes] of images [N, C, H, W] in [-1, 1]."""
        c = self.networks["c"]
        with paddle.no_grad(), mode(c, training=False):
            return F.softmax(c(images))

    def interfaces(self):
        logits = Port("logits", (len(self.spec["label"].names),), "the largest is that of the likeliest class")
        return {"c": Interface("classifier: what is in a picture?", (picture_port(self.spec["image"]),), (logits,))}
