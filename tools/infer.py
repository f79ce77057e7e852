"""Run an exported network: ppgan_lite/commands/infer.py, of which exports have a copy and which needs no other file."""

import runpy
from pathlib import Path

path = Path(__file__).resolve().parents[1] / "ppgan_lite" / "commands" / "infer.py"
runpy.run_path(str(path), {"CALLED": "python tools/infer.py"}, "__main__")
