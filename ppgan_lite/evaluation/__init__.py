"""How good, how diverse and how new generated images are.

Pure functions of numpy arrays:

- samples: what is asked of every set of samples before it is measured.
- frechet: the Frechet distance between two sets of features (FID).
- kernel: the kernel distance between two sets of features (KID).
- score: the classifier score (Inception Score, IS).
- neighbours: precision, recall, density and coverage; nearest neighbours; memorised training images.
- classes: which classes are generated, whether the asked ones, and the modes of stacked MNIST.
- codes: what the codes of an InfoGAN have taken up.
- pixels: MS-SSIM, total variation and the share of high frequencies; the slant and thickness of strokes.

What uses them:

- features: the networks by whose features images are compared.
- measure: all metrics of a generator, or the accuracy of a classifier, by one protocol.
- result: what was measured, to be shown and kept.
"""
