"""Translate pictures, folders and films: `ppgan translate` of this checkout, which needs no installation."""

import sys
from os.path import abspath, dirname

sys.path.insert(0, dirname(abspath(__file__)))  # python -I and PYTHONSAFEPATH leave it out
import _start

if __name__ == "__main__":
    _start.run("translate")
