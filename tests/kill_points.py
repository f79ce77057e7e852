"""Disturbs a piece of work at each call that changes names on the disk or waits for it, and compares the end.

    python tests/kill_points.py SCENARIO FOLDER kill|error [every]

A child process is killed before the call, or the call fails with EIO; then another child starts the work again. Without
`every`, only the last call from each place in the code is disturbed. The children are forked, so that paddle is loaded
once. Prints {"calls": number, "disturbed": number, "differences": [text, ...]}.
"""

import conftest  # isort: skip (first: it loads paddle)

import copy
import errno
import functools
import hashlib
import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

import picture_folder

from ppgan_lite import files
from ppgan_lite.commands import export, prepare
from ppgan_lite.config.load import check_config
from ppgan_lite.data import cache
from ppgan_lite.engine import loop
from ppgan_lite.errors import UserError

CALLS = [(os, name) for name in ("replace", "rename", "fsync", "unlink", "remove", "mkdir", "rmdir")]
CALLS.append((files, "_exchange"))


class Training:
    """A training with evaluations that replaces another run."""

    def __init__(self, folder: Path, sections: dict):
        tree = copy.deepcopy({**sections, "data": conftest.SMALL["data"], "train": conftest.SMALL["train"]})
        tree["data"]["num_images"] = 720  # 120 test images
        tree["train"] |= {"steps": 2, "evaluate_every": 1, "save_every": 1, "preview_every": 1, "keep": 1}
        self.config = check_config(tree)
        other = tree | {"train": tree["train"] | {"seed": 4}}
        child(lambda: self._train(check_config(other), folder / "run"), folder)
        kept = loop._evaluation(self.config, loop.build_dataset(self.config))
        loop._evaluation = lambda *_: kept  # the real images' features are the same each time

    @staticmethod
    def _train(config, folder, **flags):
        flags = {"resume": False, "overwrite": False} | flags
        assert loop.train(config, folder, **flags, device="cpu", dry_run=False) == 0

    def work(self, folder: Path):
        self._train(self.config, folder / "run", overwrite=True)

    def again(self, folder: Path):
        try:
            self._train(self.config, folder / "run", resume=True)
        except UserError:  # the older run is still there, or there is no checkpoint and half of a record
            self.work(folder)

    def state(self, folder: Path) -> dict:
        found = {}
        for path in files_in(folder / "run"):
            name = str(path.relative_to(folder))
            if name == "run/metrics.jsonl":
                found[name] = [without(json.loads(line)) for line in path.read_text().splitlines()]
            elif path.suffix == ".json" and path.parent.name != "run":
                found[name] = without(json.loads(path.read_bytes()))
            elif path.parent.parent.name == "log":  # the times of drawing are in the names and the contents
                found[str(Path(name).parent)] = "drawn"
            elif path.name != "run.json":  # it has the sessions
                found[name] = digest(path)
        return found

    def intact(self, folder: Path) -> bool:
        """Whether each checkpoint is complete."""
        return all((path / "manifest.json").exists() for path in folder.glob("run/*/step_????????"))


class Export:
    """An export that replaces another one."""

    def __init__(self, folder: Path):
        conftest.make_run(conftest.SMALL, folder)
        export._check = lambda *_: {}  # new processes, which take seconds and change nothing on the disk
        child(lambda: export.export(folder / "run", folder / "out" / "exported", 4, ["paddle"], False), folder)
        self.before = self.state(folder)
        child(lambda: self.work(folder), folder)
        self.after = self.state(folder)
        shutil.rmtree(folder / "out")
        child(lambda: export.export(folder / "run", folder / "out" / "exported", 4, ["paddle"], False), folder)

    def work(self, folder: Path):
        export.export(folder / "run", folder / "out" / "exported", None, ["paddle"], True)

    again = work

    def state(self, folder: Path) -> dict:
        return {str(path.relative_to(folder)): digest(path) for path in files_in(folder / "out")}

    def intact(self, folder: Path) -> bool:
        """Whether the export is the old or the new one."""
        exported = {name: value for name, value in self.state(folder).items() if name.startswith("out/exported/")}
        return exported in (self.before, self.after)


class Prepare:
    """Caching the pictures of a folder."""

    def __init__(self, folder: Path):
        data = {"name": "folder", "root": str(picture_folder.write_pictures(folder / "pictures", 30)), "size": 8}
        data |= {"batch_size": 2, "cache": "disk", "workers": 0, "test_share": 0.2}
        network = {"name": "fully_connected", "widths": [4]}
        self.config = check_config(conftest.SMALL | {"generator": network, "discriminator": network, "data": data})
        cache.CHUNK_PICTURES = 8

    def work(self, folder: Path):
        os.environ["PPGAN_CACHE"] = str(folder / "cache")
        prepare.prepare(self.config)

    again = work

    def state(self, folder: Path) -> dict:
        return {str(path.relative_to(folder)): digest(path) for path in files_in(folder / "cache")}

    def intact(self, folder: Path) -> bool:
        return True  # the checksums are compared when the cache is read


CLASSIFIER = {
    "method": {"name": "classifier"},
    "classifier": {"name": "softmax"},
    "optim": {"c": {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}},
}
SCENARIOS = {
    "gan": lambda folder: Training(folder, conftest.SMALL),
    "classifier": lambda folder: Training(folder, CLASSIFIER),
    "export": Export,
    "prepare": Prepare,
}


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def without(record: dict) -> dict:
    """A record without clocks and what depends on them."""
    clocks = ("time", "images_per_second", "seconds", "sha256")
    return {key: value for key, value in record.items() if key not in clocks}


def child(work, folder: Path) -> int:
    """Do work in a forked process; returns its exit code: 2 for an error of one line, 1 for another exception."""
    number = os.fork()
    if number == 0:
        code = 1
        try:
            sys.stdout = sys.stderr = open(folder / "console", "a")  # noqa: SIM115
            work()
            code = 0
        except UserError as error:
            print(f"error: {error}")
            code = 2
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def watch(on_call):
    """Have on_call(name) called before each of CALLS."""

    def watched(plain, name, *arguments, **options):
        on_call(name)
        return plain(*arguments, **options)

    for module, name in CALLS:
        setattr(module, name, functools.partial(watched, getattr(module, name), name))


def recording(work, file: Path):
    """Do work and write down the place of each call."""
    places = []
    watch(lambda name: places.append(f"{name} {place()}"))
    work()
    with open(file, "w") as stream:
        json.dump(places, stream)


def place() -> str:
    """Where in the package the present call comes from."""
    frame, names = sys._getframe(3), []
    while frame:
        path = Path(frame.f_code.co_filename)
        if "ppgan_lite" in path.parts:
            names.append(f"{path.stem}.{frame.f_code.co_name}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(names[:3])


def disturbed(work, number: int, what: str):
    """Do work; before call `number`, the process is killed, or (the first time) the call fails."""
    calls = 0

    def on_call(name):
        nonlocal calls
        calls += 1
        if calls == number:
            if what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    watch(on_call)
    work()


def differences(scenario, template: Path, folder: Path, undisturbed: dict, number: int, what: str) -> list[str]:
    """Disturb one call, start again, and compare; returns what is wrong, in words."""
    shutil.copytree(template, folder)
    code, wrong = child(lambda: disturbed(lambda: scenario.work(folder), number, what), folder), []
    if code not in ({"kill": (-signal.SIGKILL,), "error": (0, 2)}[what]):
        wrong.append(f"the disturbed process ended with {code}")
    if not scenario.intact(folder):
        wrong.append("something has its name that is not complete, or nothing has it")
    if code := child(lambda: scenario.again(folder), folder):
        wrong.append(f"the second process ended with {code}")
    state = scenario.state(folder)
    wrong += sorted(f"{name} differs" for name in undisturbed | state if undisturbed.get(name) != state.get(name))
    if wrong:
        wrong.append((folder / "console").read_text()[-2000:])
    else:
        shutil.rmtree(folder)
    return wrong


def main(name: str, folder: str, what: str, every: str = ""):
    folder = Path(folder)
    template = folder / "template"
    template.mkdir(parents=True)
    os.environ["PPGAN_CACHE"] = str(folder / "cache")
    # Paddle's tracing makes a folder there, called as the process is numbered; killed processes leave theirs, and where
    # the system gave a number again there would be a call less.
    os.environ["HOME"] = str(folder / "home")
    (folder / "home").mkdir()
    scenario = SCENARIOS[name](template)
    whole = shutil.copytree(template, folder / "whole")
    assert child(lambda: recording(lambda: scenario.work(whole), folder / "places"), folder) == 0, folder / "console"
    places, undisturbed = json.loads((folder / "places").read_text()), scenario.state(whole)
    last = {place: number for number, place in enumerate(places, 1)}
    numbers = range(1, len(places) + 1) if every else sorted(last.values())
    found = []
    for number in numbers:
        if wrong := differences(scenario, template, folder / str(number), undisturbed, number, what):
            found.append("\n".join([f"call {number} of {len(places)}: {places[number - 1]}", *wrong]))
    print(json.dumps({"calls": len(places), "disturbed": len(numbers), "differences": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
