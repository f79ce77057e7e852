"""Fill the table of docs/FAMILIES.md and of its Chinese page: what models of each family can do, and what they cost.

  python benchmarks/families_table.py --runs output

A row is found by its config, in the second column. The samples and figures are those of docs/results.json: run it after
tools/report.py. How long 64 pictures take is measured here, for all runs in turn, so let nothing else run meanwhile.
"""

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import systems_table
from systems_table import ROOT, STRIPS

from ppgan_lite.cli import parser as cli
from ppgan_lite.device import seed_paddle
from ppgan_lite.methods.samplers import arrays_of
from ppgan_lite.report.chinese import CHINESE
from ppgan_lite.report.groups import Group, sections_of
from ppgan_lite.report.markdown import UNITS, duration
from ppgan_lite.report.records import Record, read_records
from ppgan_lite.runs.trained import open_trained

PAGES = {"docs/FAMILIES.md": UNITS, "docs/FAMILIES_cn.md": CHINESE.units}
ROW = re.compile(r"(\|[^|\n]*\| `(\w+)` \|)" + 4 * r"[^|\n]*\|" + r"([^|\n]*\|[^|\n]*\|)")
NUM, ROUNDS = 64, 3


@dataclass(frozen=True)
class Cost:
    """What a model costs: seconds for `NUM` pictures, and parameters, those of D and of encoders too."""

    seconds: float
    parameters: int


def fill(text: str, records: list[Record], units: tuple[str, ...], costs: dict[str, Cost] | None = None) -> str:
    """The text of a page with its table filled.

    Args:
        text: the page.
        records: all records of docs/results.json.
        units: of durations, in the page's language.
        costs: by config; None: the page's last two columns stay.
    """
    sections = sections_of(records)

    def row(match):
        start, config, kept = match.groups()
        _, group = systems_table.find(config, sections)
        if group is None:
            return match[0]
        cells = [f'<img src="images/systems/{config}.png" width="168" alt="{config}">', *_figures(group, units)]
        if costs:
            cost = costs[config]
            kept = f" {_seconds(cost.seconds, units)} | {cost.parameters / 1e6:.2f} M |"
        return f"{start} {' | '.join(cells)} |{kept}"

    return ROW.sub(row, text)


def _figures(group: Group, units) -> list[str]:
    """Bits per dimension, the Frechet distance, and the time to train."""
    bits, distance = (group.values(figure, group.step) for figure in ("bits_per_dim", "frechet_distance"))
    sign = "≤ " if any(record.likelihood.startswith("bound") for record in group.records) else ""
    time_to_train = duration(group.seconds(group.step), units)
    return [f"{sign}{fmean(bits):.3f}" if bits else "-", f"{fmean(distance):.3g}", time_to_train]


def _seconds(seconds: float, units) -> str:
    return f"{seconds:.2g}{units[0]}" if seconds < 99 else duration(seconds, units)


def measure(runs: dict[str, Path]) -> dict[str, Cost]:
    """What the trained models of runs cost; run's config -> its folder."""
    methods = {config: open_trained(folder, None)[1] for config, folder in runs.items()}
    seconds = {config: [] for config in methods}
    for _ in range(ROUNDS + 1):  # the first is for warming up
        for config, method in methods.items():
            seconds[config].append(_time_to_draw(method))
    return {config: Cost(median(seconds[config][1:]), _num_parameters(method)) for config, method in methods.items()}


def _time_to_draw(method) -> float:
    seed_paddle(0, 0, 2)
    sampler = next(iter(method.samplers().values()))
    start = time.perf_counter()
    sampler.in_batches(arrays_of(sampler.draw(NUM)))
    return time.perf_counter() - start


def _num_parameters(method) -> int:
    return sum(parameter.size for network in method.networks.values() for parameter in network.parameters())


def main():
    """Measure the runs and write the pages."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs, each named as its config")
    args = parser.parse_args()
    records = read_records(ROOT / "docs" / "results.json")
    configs = [match[2] for match in ROW.finditer((ROOT / "docs" / "FAMILIES.md").read_text(encoding="utf-8"))]
    costs = measure({config: args.runs / config for config in configs})
    sections = sections_of(records)
    for config in configs:
        _, group = systems_table.find(config, sections)
        systems_table.strip(group.records[0]).save(STRIPS / f"{config}.png", optimize=True)
    for name, units in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        (ROOT / name).write_text(fill(text, records, units, costs), encoding="utf-8")


if __name__ == "__main__":
    main()
