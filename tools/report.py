"""Write the page of results: `ppgan report` of this checkout, which needs no installation."""

import _start

if __name__ == "__main__":
    _start.run("report")
