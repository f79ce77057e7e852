"""Export the networks of a trained run: `ppgan export` of this checkout, which needs no installation."""

import _start

if __name__ == "__main__":
    _start.run("export")
