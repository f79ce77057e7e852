"""How good, how diverse and how new generated images are: pure functions of numpy arrays.

- samples: checks of a set of samples before it is measured; standard errors.
- frechet: the Frechet distance between two sets of features (FID).
- kernel: the kernel distance between two sets of features (KID).
- score: the classifier score (Inception Score, IS).
- neighbours: precision, recall, density and coverage; nearest neighbours; memorised training images.
- classes: class balance, conditional accuracy, and the modes of stacked MNIST.
- codes: which classes and factors of the images an InfoGAN's codes have learned.
- similarity: how near translated pictures are to the true ones: L1, PSNR and SSIM.
- pixels: MS-SSIM, total variation and the share of high frequencies; the slant and thickness of strokes.
"""
