"""Make two trainings fail, and show what each remedy of the PyTorch blog does: docs/REMEDIES.md and its picture.

  python benchmarks/remedies.py --runs output/remedies
  python benchmarks/remedies.py --runs output/remedies --steps 200

Ten short trainings on MNIST, a few minutes each on two cores. Runs that are there already are not trained again.
"""

import io
import json
import subprocess
import sys
from pathlib import Path

from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ppgan_lite.cli import parser as cli  # noqa: E402
from ppgan_lite.config.load import load_config  # noqa: E402
from ppgan_lite.files import writing  # noqa: E402
from ppgan_lite.pictures.grid import GAP  # noqa: E402
from ppgan_lite.runs.results import Result  # noqa: E402

CONFIG = ROOT / "configs" / "gan_mnist_cpu.yml"
PAGE, PICTURE = ROOT / "docs" / "REMEDIES.md", ROOT / "docs" / "images" / "remedies.png"
ALWAYS = ["train.preview_every=50", "data.offline=null"]  # diversity is told by previews
NUM_IMAGES = 2000  # by which a run is measured
METRICS = ("frechet_distance", "precision", "recall", "coverage")
SHOWN_ROWS, SHOWN_COLUMNS = 5, 6  # of the preview's 8 and 16
CELL = 28 + GAP  # pixels of an image in the preview

# what goes wrong: the keys that make it so
FAILURES = {
    "too strong a D": ["generator.ngf=4", "optim.d.lr=2.0e-3"],  # ten times G's rate, and eight times its width
    "a z of one number": ["method.z_dim=1", "generator.ngf=16", "discriminator.ndf=16"],
}
# what is done about it: keys, which come behind those of the failure
REMEDIES = {
    "nothing": [],
    "label smoothing": ["method.real_target=0.9"],
    "two time scales": ["optim.d.lr=4.0e-4", "optim.g.lr=1.0e-4"],
    "spectral normalisation": ["discriminator.norm=spectral"],
    "Wasserstein, gradient penalty": [
        "method={name: wgan_gp, z_dim: Z_DIM, d_updates: 1, gp_weight: 10.0}",
        "discriminator.norm=none",
    ],
}


def overrides(failure: str, remedy: str) -> list[str]:
    """The keys that make a failure, and those that shall mend it."""
    z_dim = "1" if "method.z_dim=1" in FAILURES[failure] else "100"
    return [*FAILURES[failure], *(key.replace("Z_DIM", z_dim) for key in REMEDIES[remedy])]


def train(folder: Path, changed: list[str], steps: int):
    """Train and measure a run, unless the same is there."""
    changed = [*changed, f"train.steps={steps}", f"train.save_every={steps}", *ALWAYS]
    same = (folder / "config.yml").exists() and load_config(folder / "config.yml") == load_config(CONFIG, changed)
    if not (same and (folder / "evaluations").is_dir()):
        keys = [part for override in changed for part in ("-o", override)]
        run_tool("train", "-c", CONFIG, *keys, "--run-dir", folder, "--overwrite")
        run_tool("evaluate", "--run", folder, "--num", NUM_IMAGES)


def run_tool(name: str, *arguments):
    """Run one of tools/."""
    command = [sys.executable, ROOT / "tools" / f"{name}.py", *arguments]
    subprocess.run([str(part) for part in command], check=True)  # noqa: S603 (our own program)


def read(folder: Path) -> dict:
    """What is shown of a run: its samples, its figures, and what health said."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    told = [f"{record['diagnosis']} at {record['step']:,}" for record in records if "diagnosis" in record]
    diversity = [record["health/diversity"] for record in records if "health/diversity" in record]
    result = Result.read(max((folder / "evaluations").glob("step_*.json")))
    return {
        "samples": max((folder / "samples").glob("step_*.png")),
        "figures": {metric: result.figures[metric].value for metric in METRICS},
        "diversity": diversity[-1],
        "health": ", ".join(told) or ("no alarm" if "accuracy/d_real" in records[0] else "D not watched"),
    }


def draw(runs: dict[str, dict[str, dict]]) -> bytes:
    """A PNG: a row for each failure, a column for each remedy, samples with their distance above."""
    drawing = Figure(figsize=(3 * len(REMEDIES), 3.1 * len(FAILURES)), layout="constrained")
    panels = drawing.subplots(len(FAILURES), len(REMEDIES))
    for axes_row, (failure, of_failure) in zip(panels, runs.items(), strict=True):
        for axes, (remedy, run) in zip(axes_row, of_failure.items(), strict=True):
            pixels = image.imread(run["samples"])
            axes.imshow(pixels[: SHOWN_ROWS * CELL, : SHOWN_COLUMNS * CELL], cmap="gray", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.set_title(f"{remedy}\nFrechet distance {run['figures']['frechet_distance']:.3g}", fontsize=10)
        axes_row[0].set_ylabel(failure, fontsize=12)
    stream = io.BytesIO()
    FigureCanvasAgg(drawing).print_png(stream)
    grey = io.BytesIO()  # a third of the size
    Image.open(stream).convert("L").save(grey, "PNG", optimize=True)
    return grey.getvalue()


def page(runs: dict[str, dict[str, dict]], steps: int) -> str:
    """The page's text."""
    lines = [
        "# What the blog's remedies do",
        "",
        f"Written by `benchmarks/remedies.py`: {CONFIG.name} for {steps:,} steps, with the keys below, measured by "
        f"{NUM_IMAGES:,} images. One seed each: small differences mean nothing. Two time scales are the blog's rates, "
        "which take the place of the failure's. Health judges D by logistic losses only, so not the Wasserstein runs, "
        "which here take one update of D for one of G. Pictures are previews, with batch statistics; figures are by "
        "running statistics.",
        "",
        "![Samples of failing runs, and of the same with each remedy](images/remedies.png)",
    ]
    for failure, of_failure in runs.items():
        lines += ["", f"## {failure[0].upper()}{failure[1:]}", "", f"Made by {keys(FAILURES[failure])}.", ""]
        heads = ["remedy", "keys", *(metric.replace("_", " ") for metric in METRICS), "diversity", "health"]
        lines += [f"| {' | '.join(heads)} |", f"| {' | '.join(['---'] * len(heads))} |"]
        for remedy, run in of_failure.items():
            numbers = [f"{value:.3g}" for value in [*run["figures"].values(), run["diversity"]]]
            cure = overrides(failure, remedy)[len(FAILURES[failure]) :]
            lines.append(f"| {' | '.join([remedy, keys(cure) or '-', *numbers, run['health']])} |")
    return "\n".join(lines) + "\n"


def keys(changed: list[str]) -> str:
    """Overrides as Markdown."""
    return ", ".join(f"`{override}`" for override in changed)


def main():
    """Train what is missing, and write the page."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--steps", type=cli.whole_number(1), default=1000, help="of each run (default: 1000)")
    args = parser.parse_args()
    runs = {failure: {} for failure in FAILURES}
    for failure in FAILURES:
        for remedy in REMEDIES:
            folder = args.runs / f"{failure} {remedy}".replace(",", "").replace(" ", "_")
            train(folder, overrides(failure, remedy), args.steps)
            runs[failure][remedy] = read(folder)
    for path, content in ((PICTURE, draw(runs)), (PAGE, page(runs, args.steps).encode())):
        with writing(path) as stream:
            stream.write(content)
    print(f"{PAGE} written")


if __name__ == "__main__":
    main()
