"""Show the keys of a config: `ppgan options` of this checkout, which needs no installation."""

import _start

if __name__ == "__main__":
    _start.run("options")
