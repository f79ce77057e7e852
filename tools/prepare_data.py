"""Download data and decode pictures: `ppgan prepare-data` of this checkout, which needs no installation."""

import _start

if __name__ == "__main__":
    _start.run("prepare-data")
