"""Run exported networks on the cases of export.py with the code of infer.py, and print the results as JSON.

python -m ppgan_lite.commands.parity_worker FOLDER CASES ENGINE NETWORK...

A separate process, which loads no network of this suite, only the exported files.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from ppgan_lite import runtime
from ppgan_lite.commands import infer

TIMED_RUNS = 5  # most timed runs of the last case
TIMED_SECONDS = 5  # and no further one after so many seconds


def check(folder: Path, name: str, cases: list[Path], engine: str) -> dict:
    """The largest difference of any output, the largest value, and the time for the last case; or the error."""
    try:
        network = infer.Network(folder, name, engine, device="cpu")
        differences, largest = [], []
        for path in cases:
            inputs, expected, most = _read(path)
            largest.append(most)
            batch = len(next(iter(inputs.values())))
            differences.append(_largest_difference(network(inputs, batch), expected))
        seconds = _timed_runs(network, inputs, batch)
    except Exception as error:  # engines may raise anything; the error is the result
        return {"error": str(error).strip().partition("\n")[0] or repr(error)}
    return {
        "max_abs_difference": float(np.max(differences)),
        "max_abs_output": max(largest),
        "milliseconds": 1000 * median(seconds),
    }


def _timed_runs(network: infer.Network, inputs: dict, batch: int) -> list[float]:
    """The seconds of up to TIMED_RUNS runs."""
    seconds = []
    while len(seconds) < TIMED_RUNS and sum(seconds) < TIMED_SECONDS:
        start = time.perf_counter()
        network(inputs, batch)
        seconds.append(time.perf_counter() - start)
    return seconds


def _read(path: Path) -> tuple[dict, dict, float]:
    """Inputs and outputs by name, and the largest value that the outputs were made from."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    largest, split = float(arrays.pop("largest")), {kind: {} for kind in ("input", "output")}
    for key, array in arrays.items():
        kind, name = key.split(" ", 1)
        split[kind][name] = array
    return split["input"], split["output"], largest


def _largest_difference(outputs: dict, expected: dict) -> float:
    """Largest difference of any output: infinity if a shape differs, NaN if an output has a NaN."""
    if any(outputs[name].shape != values.shape for name, values in expected.items()):
        return float("inf")
    return float(np.max([np.abs(outputs[name] - values).max() for name, values in expected.items()]))


def main():
    """Check networks with one engine; print a line for each as soon as it is done."""
    folder, cases, engine, *names = sys.argv[1:]
    with runtime.writable_home():
        for name in names:
            files = sorted(Path(cases).glob(f"{name} *.npz"))
            print(json.dumps(check(Path(folder), name, files, engine)), flush=True)


if __name__ == "__main__":
    main()
