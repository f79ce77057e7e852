"""How good, how diverse and how new generated images are: pure functions of numpy arrays.

- samples: what is asked of every set of samples before it is measured.
- frechet: the Frechet distance between two sets of features (FID).
- kernel: the kernel distance between two sets of features (KID).
- score: the classifier score (Inception Score, IS).
- neighbours: precision, recall, density and coverage; nearest neighbours; memorised training images.
- classes: which classes are generated, whether the asked ones, and the modes of stacked MNIST.
- codes: what the codes of an InfoGAN have taken up.
- pixels: MS-SSIM, total variation and the share of high frequencies; the slant and thickness of strokes.
"""
