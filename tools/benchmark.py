"""Measure how long a training step takes: `ppgan benchmark` of this checkout, which needs no installation."""

import _start

if __name__ == "__main__":
    _start.run("benchmark")
