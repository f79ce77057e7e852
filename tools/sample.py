"""Generate images with a trained run: `ppgan sample` of this checkout, which needs no installation."""

import _start

if __name__ == "__main__":
    _start.run("sample")
