"""The files that come with ppgan_lite: next to the package in a checkout, inside it if pip installed it."""

import contextlib
import difflib
import os
from pathlib import Path

from ppgan_lite.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = None if (PACKAGE / "configs").is_dir() else PACKAGE.parent  # None: the package is installed
CONFIGS = (CHECKOUT or PACKAGE) / "configs"


def find_config(text: str | Path) -> Path:
    """The path of a config: the file `text` or, if there is none, the config of that name that comes with ppgan_lite.

    Such a name has `configs/` before it or not, and `.yml` after it or not.

    Raises:
        ConfigError: there is no such file; it lists configs with similar names.
        RunError: the home folder for ~ is not known.
    """
    from ppgan_lite.files import expand_home  # late: cli/parser.py needs this file, and must need no other package

    path = expand_home(text)
    if os.path.exists(path) and not os.path.isdir(path):
        return path
    name = path.name.removesuffix(".yml")
    shipped = CONFIGS / f"{name}.yml"
    if path.parent in (Path("."), Path("configs")) and shipped.is_file():
        return shipped
    why = "is a folder" if os.path.isdir(path) else "no such file"
    raise ConfigError(f"{text}: cannot read the config file: {why}; {_nearest(name)}")


def _nearest(name: str) -> str:
    names = difflib.get_close_matches(name, [path.stem for path in CONFIGS.glob("*.yml")])
    return f"did you mean {', '.join(names)}?" if names else f"the configs of ppgan_lite are in {CONFIGS}"


def install_command(extra: str = "cpu") -> str:
    """The command that installs the packages for `extra` of pyproject.toml; cpu: Paddle for the CPU."""
    if CHECKOUT is None:
        return f'pip install "ppgan_lite[{extra}]"'
    file = CHECKOUT / ("requirements.txt" if extra == "cpu" else f"requirements-{extra}.txt")
    with contextlib.suppress(OSError, ValueError):  # the current folder was removed; it does not contain the file
        file = file.relative_to(Path.cwd())
    return f"pip install -r {file}"
