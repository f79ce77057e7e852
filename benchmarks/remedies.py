"""Provoke two training failures and show what each remedy of the PyTorch blog does: docs/REMEDIES.md and its picture.

  python benchmarks/remedies.py --runs output/remedies
  python benchmarks/remedies.py --runs output/remedies --steps 200

Ten short trainings on MNIST, a few minutes each on two cores. Existing runs are not trained again.
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
ALWAYS = ["train.preview_every=50", "data.offline=null"]  # diversity is logged with previews
NUM_IMAGES = 2000  # generated images for measuring a run
METRICS = ("frechet_distance", "precision", "recall", "coverage")
SHOWN_ROWS, SHOWN_COLUMNS = 5, 6  # the preview has 8 and 16
CELL = 28 + GAP  # pixels of an image in the preview

# failure -> config keys that cause it
FAILURES = {
    "too strong a D": ["generator.ngf=4", "optim.d.lr=2.0e-3"],  # ten times G's rate, and eight times its width
    "a z of one number": ["method.z_dim=1", "generator.ngf=16", "discriminator.ndf=16"],
}
# remedy -> config keys, which follow the failure's
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
    """The keys of a failure and of a remedy for it."""
    z_dim = "1" if "method.z_dim=1" in FAILURES[failure] else "100"
    return [*FAILURES[failure], *(key.replace("Z_DIM", z_dim) for key in REMEDIES[remedy])]


def train(folder: Path, changed: list[str], steps: int):
    """Train and measure a run, unless the folder has the same run."""
    changed = [*changed, f"train.steps={steps}", f"train.save_every={steps}", *ALWAYS]
    is_same = (folder / "config.yml").exists() and load_config(folder / "config.yml") == load_config(CONFIG, changed)
    if not (is_same and (folder / "evaluations").is_dir()):
        keys = [part for override in changed for part in ("-o", override)]
        run_tool("train", "-c", CONFIG, *keys, "--run-dir", folder, "--overwrite")
        run_tool("evaluate", "--run", folder, "--num", NUM_IMAGES)


def run_tool(name: str, *arguments):
    """Run a program of tools/."""
    command = [sys.executable, ROOT / "tools" / f"{name}.py", *arguments]
    subprocess.run([str(part) for part in command], check=True)  # noqa: S603 (our own program)


def read(folder: Path) -> dict:
    """The part of a run that the page shows: its samples, figures and diagnoses."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    diagnoses = [f"{record['diagnosis']} at {record['step']:,}" for record in records if "diagnosis" in record]
    diversity = [record["health/diversity"] for record in records if "health/diversity" in record]
    result = Result.read(max((folder / "evaluations").glob("step_*.json")))
    return {
        "samples": max((folder / "samples").glob("step_*.png")),
        "figures": {metric: result.figures[metric].value for metric in METRICS},
        "diversity": diversity[-1],
        "health": ", ".join(diagnoses) or ("no alarm" if "accuracy/d_real" in records[0] else "D not watched"),
    }


def draw(runs: dict[str, dict[str, dict]]) -> bytes:
    """A PNG with a row for each failure and a column for each remedy: samples and their distance."""
    drawing = Figure(figsize=(3 * len(REMEDIES), 3.1 * len(FAILURES)), layout="constrained")
    panels = drawing.subplots(len(FAILURES), len(REMEDIES))
    for axes_row, (failure, remedy_runs) in zip(panels, runs.items(), strict=True):
        for axes, (remedy, run) in zip(axes_row, remedy_runs.items(), strict=True):
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
    """The text of the page."""
    lines = [
        "# Effects of the blog's remedies",
        "",
        f"Written by `benchmarks/remedies.py`: {CONFIG.name} for {steps:,} steps, with the keys below, measured with "
        f'{NUM_IMAGES:,} images. Each run has one seed, so small differences mean nothing. "Two time scales" sets the '
        "blog's learning rates in place of the failure's. Health watches D only with logistic losses, so not in the "
        "Wasserstein runs, which here update D once per update of G. The pictures are previews, with batch statistics; "
        "the figures are measured with running statistics.",
        "",
        "![Samples of failing runs, without and with each remedy](images/remedies.png)",
    ]
    for failure, remedy_runs in runs.items():
        lines += ["", f"## {failure[0].upper()}{failure[1:]}", "", f"Caused by {keys(FAILURES[failure])}.", ""]
        heads = ["remedy", "keys", *(metric.replace("_", " ") for metric in METRICS), "diversity", "health"]
        lines += [f"| {' | '.join(heads)} |", f"| {' | '.join(['---'] * len(heads))} |"]
        for remedy, run in remedy_runs.items():
            numbers = [f"{value:.3g}" for value in [*run["figures"].values(), run["diversity"]]]
            remedy_keys = overrides(failure, remedy)[len(FAILURES[failure]) :]
            lines.append(f"| {' | '.join([remedy, keys(remedy_keys) or '-', *numbers, run['health']])} |")
    return "\n".join(lines) + "\n"


def keys(changed: list[str]) -> str:
    """Overrides of a config as Markdown."""
    return ", ".join(f"`{override}`" for override in changed)


def main():
    """Train the missing runs and write the page."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--steps", type=cli.whole_number(1), default=1000, help="steps of each run (default: 1000)")
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
