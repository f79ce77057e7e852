"""A classifier, trained by cross entropy: the other half of the article's story, and the measure of the GANs here."""

import paddle
import paddle.nn.functional as F

from ppgan_lite.interface import Interface, Port
from ppgan_lite.methods.base import Method


class Classifier(Method):
    """A network `c` from images to classes."""

    def train_step(self, batches, step):
        images, labels = batches[0]["image"], batches[0]["label"]  # [N, C, H, W] in [-1, 1], [N]
        logits = self.networks["c"](images)
        loss_c = F.cross_entropy(logits, labels)
        self.update("c", loss_c)
        return {"loss/c": loss_c, "accuracy/c": (logits.argmax(1) == labels).astype("float32").mean()}

    def classify(self, images):
        """Class probabilities [N, num_classes] of images [N, C, H, W] in [-1, 1]."""
        c = self.networks["c"]
        c.eval()
        with paddle.no_grad():
            probabilities = F.softmax(c(images))
        c.train()
        return probabilities

    def interfaces(self, image_shape):
        num_classes = self.networks["c"].classify.weight.shape[1]
        images = Port("images", image_shape, "pictures, from black (-1) to white (1)", range=(-1, 1), layout="NCHW")
        logits = Port("logits", (num_classes,), "the largest is that of the likeliest class")
        return {"c": Interface("classifier: what is in a picture?", (images,), (logits,))}
