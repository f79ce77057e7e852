"""A classifier, trained by cross entropy: the other half of the article's story, and the measure of the GANs here."""

import paddle
import paddle.nn.functional as F

from ppgan_lite.methods.base import Method, picture_port
from ppgan_lite.methods.interface import Interface, Port


class Classifier(Method):
    """A network `c` from images to classes."""

    @staticmethod
    def make_networks(options, make, image_shape, num_classes):
        return {"c": make("classifier", image_shape, num_classes)}

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

    def interfaces(self, image_shape, class_names):
        num_classes = self.networks["c"].classify.weight.shape[1]
        logits = Port("logits", (num_classes,), "the largest is that of the likeliest class")
        return {"c": Interface("classifier: what is in a picture?", (picture_port(image_shape),), (logits,))}
