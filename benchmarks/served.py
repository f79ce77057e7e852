"""Run a network in one engine, as a contender of ppgan_lite/commands/benchmark.py.

python benchmarks/served.py FOLDER NETWORK ENGINE BATCH THREADS

FOLDER holds `run` and `exported`; ENGINE is `eager` (the suite's own network) or an engine of infer.py.
"""

import sys
from pathlib import Path

import numpy as np
from protocol import serve

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def eager(folder: Path, name: str):
    """The run's network in evaluation mode, as a function from array to array."""
    from ppgan_lite import runtime

    paddle = runtime.load_paddle()
    from ppgan_lite.runs.trained import open_trained

    network = open_trained(folder, step=None)[1].networks[name]
    network.eval()

    def run(array):
        with paddle.no_grad():
            return network(paddle.to_tensor(array)).numpy()

    return run


def main():
    """Run the network as often as each line of standard input asks for, and answer with the times."""
    folder, name, engine, batch, threads = Path(sys.argv[1]), *sys.argv[2:4], *map(int, sys.argv[4:])
    from ppgan_lite.commands import infer

    (port,) = infer.read_signature(folder / "exported")["networks"][name]["inputs"]
    array = np.random.default_rng(0).uniform(-1, 1, [batch, *port["shape"][1:]]).astype(port["dtype"])
    if engine == "eager":
        run = eager(folder / "run", name)
    else:
        network = infer.Network(folder / "exported", name, engine, device="cpu", threads=threads)
        run = lambda array: network({port["name"]: array}, batch)  # noqa: E731

    def step():
        run(array)
        return ()

    serve(step)


if __name__ == "__main__":
    main()
