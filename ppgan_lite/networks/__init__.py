"""Networks. GENERATORS, DISCRIMINATORS and CLASSIFIERS map the `name` in a config's section to classes.

A generator is built as `Generator(options, z_dim, image_shape)` and maps noise [N, z_dim] to images [N, C, H, W] in
[-1, 1]; a discriminator as `Discriminator(options, image_shape)` and maps images to logits [N, 1]; a classifier as
`Classifier(options, image_shape, num_classes)` and maps images to logits [N, num_classes].
"""

from ppgan_lite.networks import classifiers, dcgan28, dcgan64

GENERATORS = {"dcgan28": dcgan28.Generator, "dcgan64": dcgan64.Generator}
DISCRIMINATORS = {"dcgan28": dcgan28.Discriminator, "dcgan64": dcgan64.Discriminator}
CLASSIFIERS = {
    "cnn": classifiers.CNN,
    "evaluator": classifiers.Evaluator,
    "fnn": classifiers.FNN,
    "resnet": classifiers.ResNet,
    "softmax": classifiers.SoftmaxRegression,
}
