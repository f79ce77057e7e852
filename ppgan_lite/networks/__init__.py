"""Networks, one file for each architecture: see options.py for their options, names and abilities.

A generator is built as `Generator(options, z_dim, image_shape)` and maps noise [N, z_dim] to images [N, C, H, W] in
[-1, 1]. A discriminator is built as `Discriminator(options, image_shape, outputs=(1,))` and maps images to logits
[N, 1]; with more `outputs` to a tuple of [N, n] for each n of them, by which it also serves as an encoder. An
autoencoder is built as a generator and maps images to images; a classifier as `Classifier(options, image_shape,
num_classes)` and maps images to logits [N, num_classes].

Generators and discriminators that can take CLASSES are built with `num_classes` as one more argument where
they are to take classes [N], after the noise or the images.
"""
