"""For the tests of the page of results: run folders written by hand, and the page made from them."""

import json
import re

import numpy as np
import yaml
from conftest import ROOT

from ppgan_lite.config.load import load_config, to_yaml
from ppgan_lite.pictures.grid import grid, save_png
from ppgan_lite.report import report
from ppgan_lite.runs.results import Figure, Result

CONFIGS = ROOT / "configs"
EPOCH = 468  # steps, with 60,000 images in batches of 128
GENERATOR = {  # metric -> value, of real images
    "frechet_distance": (5.5, 0.25),
    "kernel_distance": (0.125, 0.0),
    "classifier_score": (8.5, 9.75),
    "precision": (0.75, 0.875),
    "recall": (0.625, 0.8125),
    "density": (0.6875, 1.0625),
    "coverage": (0.5625, 0.9375),
    "class_kl": (0.03125, 0.001),
    "nearer_to_train": (0.5078, 0.5),
    "ms_ssim": (0.1875, 0.17),
    "total_variation": (0.22, 0.2),
    "high_frequency_energy": (0.011, 0.01),
}
NO_CLAIMS = {"sources": {}, "figures": [], "not_comparable": [], "aims": [], "comparisons": [], "criteria": []}
FNN = "classifier_fnn_fashion_mnist"


def result(step=20 * EPOCH, data="mnist", protocol=(), **values):
    """A generator's result, or with `accuracy` a classifier's."""
    if "accuracy" in values:
        figures = {name: Figure(value) for name, value in values.items()}
    else:
        figures = {name: Figure(values.get(name, value), real) for name, (value, real) in GENERATOR.items()}
    whole = {"features": f"evaluator_{data}", "data": data, "data_sha256": "ab" * 32, "num_fake": 10000}
    return Result(step, {**whole, **dict(protocol)}, figures, 1.0)


def figure_claim(**changes):
    claim = {"group": {"config": FNN}, "metric": "accuracy", "epoch": 2, "value": 0.8664, "tolerance": 0.015}
    return {**claim, "source": "book", **changes}


COMPARISON = {
    "title": "Noisier",
    "source": "book",
    "group": {"config": "dcgan_mnist", "with": {"generator.upsample": "transposed"}},
    "than": {"config": "dcgan_mnist"},
    "metrics": ["total_variation", "high_frequency_energy"],
}
CRITERION = {
    "title": "Learns",
    "source": "book",
    "group": {"config": "dcgan_mnist_article"},
    "epochs": 20,
    "limits": [
        {"metric": "frechet_distance", "op": "at most", "value": 15},
        {"metric": "coverage", "op": "at least", "value": 0.5},
    ],
}


class Place:
    """A folder of runs, and the page made from them."""

    def __init__(self, folder):
        self.folder, self.runs, self.out = folder, folder / "output", folder / "docs" / "RESULTS.md"
        self.pictures, self.claims = folder / "docs" / "images" / "results", folder / "docs" / "claims.yml"
        self.records = folder / "docs" / "results.json"
        self.out.parent.mkdir(parents=True)
        self.claim()

    def add(self, name, config, results, overrides=(), metrics=(), data="mnist", stands_in_for=None, preview=None):
        """The folder of a run of a config, as training and evaluating it leave it."""
        folder = self.runs / name
        for child in ("evaluations", "samples"):
            (folder / child).mkdir(parents=True)
        (folder / "config.yml").write_text(to_yaml(load_config(CONFIGS / f"{config}.yml", list(overrides))))
        source = {"name": data, "origin": "/secret/place", "sha256": "ab" * 32, "num_images": 60000}
        session = {"started": "now", "from_step": 0, "device": "cpu", "runtime": {"OMP_NUM_THREADS": "2", "X": None}}
        record = {
            "data": {**source, "stands_in_for": stands_in_for},
            "image_shape": [1, 28, 28],
            "class_names": list("0123456789"),
            "sessions": [{**session, "versions": {"python": "3.11.7", "paddlepaddle": "3.3.1"}}],
        }
        (folder / "run.json").write_text(json.dumps(record))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in metrics))
        for each in results:
            each.write(folder / "evaluations" / f"step_{each.step:08d}.json")
        if preview is not None:
            draw(folder / "samples" / f"step_{preview:08d}.png", preview)
        return folder

    def add_classifier(self, name, accuracy=0.87, overrides=(), metrics=(), steps=(1200,), config=FNN):
        found = [result(step, "fashion_mnist", accuracy=accuracy, train_accuracy=0.9) for step in steps]
        return self.add(name, config, found, overrides, metrics, "fashion_mnist")

    def claim(self, **lists):
        self.claims.write_text(yaml.safe_dump({**NO_CLAIMS, "sources": {"book": {"text": "A book"}}, **lists}))

    def report(self, records=False):
        report([self.runs], self.out, self.claims, CONFIGS, self.records if records else None)
        return self.out.read_text()

    def answer(self, **questions):
        """The verdicts on questions, and the part of the page with them."""
        self.claim(**questions)
        text = part(self.report(), "Ablations")
        return re.findall(r"\): \*\*([^*]+)\*\*\.", text), text


def draw(path, shade):
    """A grid of 13 rows of 16 images of 28 pixels, as previews have it."""
    images = np.full((208, 1, 28, 28), shade % 256 / 127.5 - 1, "float32")
    save_png(path, grid(images, 16), {"Step": str(shade)})


def part(text, heading):
    """The part of a page below a heading of the second level."""
    return text.partition(f"\n## {heading}\n\n")[2].partition("\n## ")[0]


def rows(text, *starts):
    """The cells of the rows of all tables that start with some cells."""
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    plain = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{MULTIPLICATION SIGN}": "x"})
    found = [[cell.translate(plain).strip() for cell in cells] for cells in found]
    return [cells for cells in found if tuple(cells[: len(starts)]) == starts]


def ranked(text):
    """The rows of the tables of "Which GAN?", without thumbnails, heads and real images."""
    found = [
        cells
        for cells in rows(part(text, "Which GAN?"))
        if cells[0].replace("&nbsp;", "") not in ("samples", "config", "---")
    ]
    return [cells[1:] if len(cells) == 8 else cells for cells in found if cells[1] != "real images"]


def run_row(text, title):
    """Config, seed, step, time, and of a generator health of the run with a title."""
    (cells,) = rows(text, f"`{title}`")
    return cells[1:]
