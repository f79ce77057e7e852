"""ppgan_lite: a GAN suite for PaddlePaddle 3.

Import it before paddle: it sets the threads and the BLAS path that paddle reads once, when it loads.
"""

from ppgan_lite import runtime

__version__ = "0.1.0"

runtime.configure()
