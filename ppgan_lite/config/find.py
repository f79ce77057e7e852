"""Where the files lie that come with ppgan_lite: next to the package in a checkout, inside it when pip installed it."""

import difflib
import os
from pathlib import Path

from ppgan_lite.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = None if (PACKAGE / "configs").is_dir() else PACKAGE.parent  # None: the package is installed
CONFIGS = (CHECKOUT or PACKAGE) / "configs"


def find_config(text: str | Path) -> Path:
    """The config file that is meant: the file `text` or, by its name, a config that comes with ppgan_lite.

    A bare name, and one under `configs/`, with or without `.yml`, stands for such a config where there is no file.

    Raises:
        ConfigError: there is no such file; names the nearest configs.
    """
    path = Path(text)
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
    """The command that installs what ppgan_lite needs: Paddle for the CPU, or for `extra` of pyproject.toml."""
    if CHECKOUT is None:
        return f'pip install "ppgan_lite[{extra}]"'
    file = CHECKOUT / ("requirements.txt" if extra == "cpu" else f"requirements-{extra}.txt")
    return f"pip install -r {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}"
