"""Compare the results of two checkouts bit for bit: does a change of the code change any training?

  python benchmarks/same_bits.py record CHECKOUT bits.json
  python benchmarks/same_bits.py compare before.json after.json

`record` makes every config of the checkout small, trains a few steps, draws samples, evaluates, and writes checksums of
what must not change: the files of checkpoints, metrics.jsonl (without times and speeds), the pixels of previews and
samples, and the figures of evaluations. `compare` prints a table, and exits with code 1 if anything differs.
"""

import contextlib
import hashlib
import io
import json
import os
import runpy
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

STEPS = 6
SMALL_WIDTHS = {"ngf": 4, "ndf": 4, "ncf": 4, "nf": 4, "hidden": 8, "widths": [8, 8], "num_features": 64}
TRAIN = f"train={{steps: {STEPS}, log_every: 1, preview_every: 3, save_every: 3, keep: 9, seed: 5, ema: EMA}}"
DIGITS = "data={name: rendered_digits, batch_size: 8, num_images: 660}"
NOISE = "data={name: fake, batch_size: 8, num_images: 660, size: 32}"
POINTS = "data={name: gaussians, batch_size: 8, num_images: 660, dims: DIMS}"
KINDS = ("checkpoints", "metrics", "previews", "samples", "evaluation")
CHANGING = ("images_per_second", "time")  # keys in metrics.jsonl that differ from run to run


def resolved(checkout: Path, name: str) -> dict:
    """A config of the checkout with all its defaults."""
    sys.path.insert(0, str(checkout))
    from ppgan_lite.config.load import load_config

    return load_config(checkout / "configs" / f"{name}.yml").to_dict()


def overrides(tree: dict) -> list[str]:
    """The overrides (-o) that make a resolved config small."""
    sections = [key for key, value in tree.items() if key not in ("method", "optim", "data", "train")]
    small = [f"{s}.{key}={w}" for s in sections for key, w in SMALL_WIDTHS.items() if key in tree[s]]
    small += ["method.warm_up=false"] if tree["method"]["name"] == "wgan" else []
    names = {tree[section]["name"] for section in sections}
    data = NOISE if names & {"dcgan64", "resnet32"} else DIGITS
    if tree["data"]["name"] == "gaussians":
        data = POINTS.replace("DIMS", str(tree["data"]["dims"]))
    is_gan = "discriminator" in sections or "autoencoder" in sections
    return [*small, data, TRAIN.replace("EMA", "0.9" if is_gan and tree["train"]["seed"] == 0 else "null")]


def tool(checkout: Path, name: str, *arguments) -> str | None:
    """Run a tool of a checkout in this process; returns its error message, or None."""
    errors = io.StringIO()
    sys.argv = [f"{name}.py", *map(str, arguments)]
    sys.path.insert(0, str(checkout / "tools"))
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(checkout / "tools" / f"{name}.py"), run_name="__main__")
    except SystemExit as end:
        return errors.getvalue().strip().rpartition("\n")[2] if end.code else None
    finally:
        sys.path.pop(0)
    return None


def one(checkout: Path, name: str) -> dict[str, str]:
    """The checksums of one config: kind -> checksum."""
    path = checkout / "configs" / f"{name}.yml"
    with tempfile.TemporaryDirectory() as folder:
        run, out = Path(folder) / "run", Path(folder) / "out.npz"
        options = [word for override in overrides(resolved(checkout, name)) for word in ("-o", override)]
        error = tool(checkout, "train", "-c", path, *options, "--run-dir", run, "--device", "cpu")
        if error:
            return {"error": error}
        manifests = sorted(run.glob("checkpoints/*/manifest.json"))
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        results = {
            "checkpoints": [json.loads(manifest.read_bytes())["files"] for manifest in manifests],
            "metrics": [{key: value for key, value in line.items() if key not in CHANGING} for line in lines],
            "previews": [pixels(picture) for picture in sorted(run.glob("samples/*.png"))],
        }
        error = tool(checkout, "sample", "--run", run, "--num", 5, "--out", out, "--device", "cpu")
        results["samples"] = error.replace(folder, "") if error else arrays(out)
        error = tool(checkout, "evaluate", "--run", run, "--num", 100, "--device", "cpu")
        evaluations = [json.loads(path.read_bytes()) for path in run.glob("evaluations/*.json")]
        results["evaluation"] = error or [[result["figures"], result["protocol"]] for result in evaluations]
    return {kind: checksum(value) for kind, value in results.items()}


def checksum(value) -> str:
    """The sha256 of plain values; an error message is returned as it is."""
    if isinstance(value, str):
        return value
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def pixels(path: Path) -> list:
    """A picture's size, checksum and metadata."""
    from PIL import Image

    with Image.open(path) as picture:
        return [path.name, picture.size, hashlib.sha256(picture.tobytes()).hexdigest(), dict(picture.text)]


def arrays(path: Path) -> dict:
    """The names of the arrays in an .npz file, with their types and checksums."""
    import numpy as np

    with np.load(path) as file:
        return {name: [str(file[name].dtype), hashlib.sha256(file[name].tobytes()).hexdigest()] for name in file.files}


def record(checkout: Path, out: Path):
    """Write the checksums of all configs; each config has its own process, two run at a time."""
    names = sorted(path.stem for path in (checkout / "configs").glob("*.yml"))

    def run(name: str) -> dict:
        command = [sys.executable, __file__, "one", str(checkout), name]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        result = subprocess.run(command, capture_output=True, text=True, env=environment)  # noqa: S603
        print(name, flush=True)
        return json.loads(result.stdout.splitlines()[-1]) if result.returncode == 0 else {"error": result.stderr[-300:]}

    with ThreadPoolExecutor(2) as pool:
        checksums = dict(zip(names, pool.map(run, names), strict=True))
    out.write_text(json.dumps(checksums, indent=1))


def compare(before: Path, after: Path) -> int:
    """Print how many configs are equal in each kind, and which are not; returns 1 if anything differs."""
    first, other = (json.loads(path.read_text()) for path in (before, after))
    both = sorted(first.keys() & other.keys())
    print(f"{len(both)} configs", "| what | equal | differ |", "| --- | --- | --- |", sep="\n")
    differ = {kind: [name for name in both if first[name].get(kind) != other[name].get(kind)] for kind in KINDS}
    for kind, names in differ.items():
        print(f"| {kind} | {len(both) - len(names)} | {', '.join(names) or 'none'} |")
    errors = {name: (first[name].get("error"), other[name].get("error")) for name in both}
    errors = {name: both for name, both in errors.items() if both != (None, None)}
    for name, (old, new) in errors.items():
        print(f"error in {name}: {old} / {new}")
    return int(any(differ.values()) or bool(errors))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:] or ["--help"]
    if command == "one":
        print(json.dumps(one(Path(arguments[0]), arguments[1])))
    elif command == "record":
        record(Path(arguments[0]).resolve(), Path(arguments[1]))
    elif command == "compare":
        sys.exit(compare(*map(Path, arguments)))
    else:
        print(__doc__)
