"""Run an exported network: ppgan_lite/commands/infer.py, which is copied into exports and needs no other file."""

import runpy
from pathlib import Path

path = Path(__file__).resolve().parents[1] / "ppgan_lite" / "commands" / "infer.py"
runpy.run_path(str(path), {"CALLED": "python tools/infer.py"}, "__main__")
