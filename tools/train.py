"""Train a GAN or a classifier: `ppgan train` of this checkout, which needs no installation."""

import _start

if __name__ == "__main__":
    _start.run("train")
