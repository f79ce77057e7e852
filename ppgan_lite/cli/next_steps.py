"""What a user can do with a run, as commands that work where the training was started."""

import contextlib
import os
import shlex
import shutil
import sys
from pathlib import Path


def next_steps(folder: Path, resume: list[str] | None, has_metrics: bool, translates: bool) -> str:
    """Lines to print when a training ends: where its pictures are, and the commands that continue from here.

    Args:
        folder: the run's folder.
        resume: the arguments of `ppgan train` that continue the run; None: it cannot be continued.
        has_metrics: whether `ppgan evaluate` can measure the run.
        translates: whether the run translates pictures.
    """
    run, steps = ["--run", str(folder)], {}
    if any((folder / "samples").glob("step_*.png")):
        steps["pictures"] = f"{folder / 'samples'}{os.sep}"
        if translates:
            steps["translate"] = _command("translate", *run, "--input", "YOUR_PICTURES", "--out", "translated")
        else:
            steps["draw more"] = _command("sample", *run, "--out", "samples.png")
    if has_metrics:
        steps["measure"] = _command("evaluate", *run)
    if (folder / "log").is_dir():
        steps["see curves"] = shlex.join([_program("visualdl"), "--logdir", str(folder / "log")])
    steps["export"] = _command("export", *run, "--out", "exported")
    if resume:
        steps["continue"] = _command("train", *resume)
    return "\n".join(["What next:", *(f"  {what:<10}  {how}" for what, how in steps.items())])


def _command(name: str, *arguments: str) -> str:
    """A command in the form in which this one was called: tools/NAME.py by this Python, or `ppgan NAME`."""
    called = Path(sys.argv[0])
    if called.suffix == ".py":
        words = [_program("python"), str(called.with_name(f"{name}.py"))]
    else:
        words = [_program("ppgan"), name]
    return shlex.join([*words, *arguments])


def _program(name: str) -> str:
    """A program of this Python's environment: by its name where the shell finds it, else by its path.

    So the commands work without an activated environment.
    """
    ours = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if found and Path(found).parent.resolve() == ours.parent.resolve():
        return name
    with contextlib.suppress(OSError, ValueError):  # the current folder was removed; it does not contain the program
        return str(ours.relative_to(Path.cwd()))
    return str(ours)
