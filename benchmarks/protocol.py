"""The contender's side of the protocol of ppgan_lite/commands/benchmark.py, shared by the programs here."""

import json
import resource
import sys
import time


def serve(step):
    """Read numbers of steps from standard input; take them and answer each with a line of JSON: times and memory.

    Args:
        step: takes one training step and returns its losses, scalar tensors.
    """
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            losses = [value.item() for value in step()]
            seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # bytes; ru_maxrss counts KiB on Linux
        print(json.dumps({"seconds": seconds, "losses": losses, "peak_bytes": peak}), flush=True)
