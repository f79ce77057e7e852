"""Networks, one file for each architecture. options.py: their options, names and abilities.

Arguments and functions of each kind:

- generator: `Generator(options, z_dim, image_shape)`; noise [N, z_dim] -> images [N, C, H, W] in [-1, 1]. Without the
  ability BOUNDED they are so in evaluation mode only.
- discriminator: `Discriminator(options, image_shape, outputs=(1,))`; images -> logits [N, 1]. With several `outputs` it
  returns a tuple of [N, n], one for each n, and so also serves as an encoder.
- autoencoder: `Autoencoder(options, z_dim, image_shape)`; images -> images
- translator: `Translator(options, in_shape, out_shape)`; images -> images. Its attribute `multiple` divides the heights
  and widths that it takes.
- patch discriminator: `Discriminator(options, image_shape)`; images -> a logit for each patch, [N, 1, h, w]
- StarGAN's pair: `Generator(options, image_shape, num_attributes)`; images and wanted attributes [N, A] -> images. It
  has `multiple`, too. `Discriminator(options, image_shape, num_attributes)`; images -> scores of patches [N, 1, h, w]
  and attribute logits [N, A]
- density: `PixelCNN(options, image_shape, num_parameters, num_classes=None)`; images, with classes labels [N], too ->
  the parameters of each pixel's distribution, [N, num_parameters, H, W]
- flow: `Flow(options, image_shape, num_values, variational)`; images and places within the steps of their values ->
  noise [N, C H W] and bits per dimension [N]. See `networks/flow.py` for its inverse and the rest.
- denoiser: `Denoiser(options, image_shape)`; noisy images and levels [N] -> the noise in them, [N, C, H, W]
- classifier: `Classifier(options, image_shape, num_classes)`; images -> logits [N, num_classes]

The generators of StyleGAN2, ProGAN and MSG-GAN belong to a method each and have more functions: `mapping`,
`synthesise(w)` and a second argument `truncation`; `set_level` and `at_level(z)`; `scales(z)`.

Generators and discriminators with the ability CLASSES take one more argument, `num_classes`. If it is given, they also
take labels [N], after the noise or the images.
"""
