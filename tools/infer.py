"""Run ppgan_lite/commands/infer.py, which every exported folder has a copy of: it needs nothing of ppgan_lite."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).resolve().parents[1] / "ppgan_lite" / "commands" / "infer.py"), run_name="__main__")
