"""Networks. NETWORKS maps each section of a config that describes one to the classes for its `name`.

A generator is built as `Generator(options, z_dim, image_shape)` and maps noise [N, z_dim] to images [N, C, H, W] in
[-1, 1]. A discriminator is built as `Discriminator(options, image_shape, outputs=(1,))` and maps images to logits
[N, 1]; with more `outputs` to a tuple of [N, n] for each n of them, by which it also serves as an encoder. An
autoencoder is built as a generator and maps images to images; a classifier as `Classifier(options, image_shape,
num_classes)` and maps images to logits [N, num_classes].

Generators and discriminators whose options have TAKES_CLASSES are built with `num_classes` as one more argument where
they are to take classes [N], behind the noise or the images.
"""

from ppgan_lite.networks import began, classifiers, dcgan28, dcgan64, fully_connected, infogan, resnet32

GENERATORS = {
    "began": began.Generator,
    "dcgan28": dcgan28.Generator,
    "dcgan64": dcgan64.Generator,
    "fully_connected": fully_connected.Generator,
    "resnet32": resnet32.Generator,
}
DISCRIMINATORS = {
    "dcgan28": dcgan28.Discriminator,
    "dcgan64": dcgan64.Discriminator,
    "fully_connected": fully_connected.Discriminator,
    "infogan": infogan.Discriminator,
    "resnet32": resnet32.Discriminator,
}
AUTOENCODERS = {"began": began.Autoencoder}
CLASSIFIERS = {
    "cnn": classifiers.CNN,
    "evaluator": classifiers.Evaluator,
    "fnn": classifiers.FNN,
    "resnet": classifiers.ResNet,
    "softmax": classifiers.SoftmaxRegression,
}
NETWORKS = {
    "generator": GENERATORS,
    "discriminator": DISCRIMINATORS,
    "autoencoder": AUTOENCODERS,
    "encoder": DISCRIMINATORS,
    "classifier": CLASSIFIERS,
}
