"""Measure a trained run: `ppgan evaluate` of this checkout, which needs no installation."""

import _start

if __name__ == "__main__":
    _start.run("evaluate")
