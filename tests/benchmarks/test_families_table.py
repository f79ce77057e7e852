import sys

from conftest import ROOT

from ppgan_lite.report.markdown import UNITS
from ppgan_lite.report.records import read_records

sys.path.insert(0, str(ROOT / "benchmarks"))
import families_table

RECORDS = read_records(ROOT / "docs" / "results.json")
TABLE = """\
| family | config | digits | bits | distance | training | 64 digits | parameters |
| --- | --- | --- | --- | --- | --- | --- | --- |
| GAN | `dcgan_mnist` | | | | | 1.5 s | 2 M |
| new | `unknown` | | | | | | |
"""


def test_a_row_shows_the_figures_of_its_config():
    record = next(record for record in RECORDS if str(record.name) == "`dcgan_mnist`")
    distance = f"{record.newest.figures['frechet_distance']:.3g}"
    text = families_table.fill(TABLE, RECORDS, UNITS)
    (row,) = (line for line in text.splitlines() if "dcgan_mnist" in line)
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    picture, bits, distances, *others = cells[2:]
    assert picture == '<img src="images/systems/dcgan_mnist.png" width="168" alt="dcgan_mnist">'
    assert (bits, distances) == ("-", distance)
    assert others == [others[0], "1.5 s", "2 M"]
    assert others[0].endswith("min")
    assert families_table.fill(text, RECORDS, UNITS) == text
    assert "| new | `unknown` | | | | | | |" in text


def test_costs_are_those_of_the_run(small_run):
    costs = families_table.measure({"small": small_run})
    text = families_table.fill(TABLE, RECORDS, UNITS, {"dcgan_mnist": families_table.Cost(75.4, 1_234_567)})
    assert text.splitlines()[2].endswith("| 75\N{NO-BREAK SPACE}s | 1.23 M |")
    assert costs["small"].seconds > 0
    networks = families_table.open_trained(small_run, None)[1].networks
    assert costs["small"].parameters == sum(p.size for n in networks.values() for p in n.parameters())
