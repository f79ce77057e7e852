"""Measure how many pictures per second the data path delivers, by cache and number of workers: a Markdown table.

  python benchmarks/data_path.py flowers-64
  python benchmarks/data_path.py FOLDER_OR_ZIP --size 128 --batch-size 64

The first epoch includes listing the files and all decoding before the first batch. Nothing trains at the same time, so
all cores are available. A first, unmeasured pass brings the files into the system's file cache; from a slow disk the
first epoch takes longer.
"""

import contextlib
import io
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ppgan_lite import runtime  # noqa: E402
from ppgan_lite.cli import parser as cli  # noqa: E402
from ppgan_lite.commands import benchmark  # noqa: E402
from ppgan_lite.data.options import Folder  # noqa: E402

LATER = 3  # epochs after the first
MODES = [(cache, workers) for cache in ("none", "memory", "disk") for workers in (0, 1, 2)]


def measure(options: Folder) -> tuple[float, float, float]:
    """Pictures per second in the first epoch and in later ones (median), and seconds to build the data set again."""
    from ppgan_lite.data import folder
    from ppgan_lite.data.loader import batches, batches_per_epoch

    start, rates = time.perf_counter(), []
    dataset = folder.build(options)
    num_batches = batches_per_epoch(len(dataset), options.batch_size)
    with contextlib.closing(batches(dataset, options.batch_size, seed=0)) as data:
        for _ in range(1 + LATER):
            for batch in itertools.islice(data, num_batches):
                batch["image"].numpy()
            rates.append(num_batches * options.batch_size / (time.perf_counter() - start))
            start = time.perf_counter()
    start = time.perf_counter()
    folder.build(options)
    return rates[0], median(rates[1:]), time.perf_counter() - start


def read_all(options: Folder):
    """Read all files once; returns the listing."""
    from ppgan_lite.data.listing import list_pictures

    listing = list_pictures(options.root, "train", options.test_share)
    for index in range(len(listing)):
        listing.read(index)
    return listing


def main():
    """Measure all modes and print the table."""
    parser = cli.Parser(__doc__)
    parser.add_argument("root", help="folder or zip file, like data.root")
    parser.add_argument(
        "--size", type=cli.whole_number(8), default=64, help="height and width of the pictures, pixels (default: 64)"
    )
    parser.add_argument("--batch-size", type=cli.whole_number(1), default=128, help="pictures per batch (default: 128)")
    args = parser.parse_args()
    runtime.load_paddle()

    keys = {"root": args.root, "size": args.size, "batch_size": args.batch_size, "flip": True, "on_bad_image": "skip"}
    listing = read_all(Folder("folder", **keys))
    kilobytes = listing.facts["size"].mean() / 1000
    print(
        f"{len(listing)} pictures of {listing.origin} ({kilobytes:.0f} kB each), to {args.size} pixels, in batches of "
        f"{args.batch_size}, on {benchmark.describe(benchmark.machine())}.\n"
    )
    print("| cache | workers | first epoch, pictures/s | later epochs, pictures/s | starting once more, s |")
    print("| --- | --- | --- | --- | --- |")
    for cache, workers in MODES:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            os.environ["PPGAN_CACHE"] = folder
            first, later, again = measure(Folder("folder", cache=cache, workers=workers, **keys))
        print(f"| {cache} | {workers} | {first:,.0f} | {later:,.0f} | {again:.1f} |", flush=True)


if __name__ == "__main__":
    cli.run_tool(main, debug=True)
