"""How probable test images are: our runs next to published figures."""

import pytest
from report_place import Place, part, result

from ppgan_lite.runs.results import Figure

REFERENCES = [
    {"data": "mnist", "metric": "bits_per_dim", "value": 0.8, "what": "a long training", "source": "book"},
    {"data": "cifar10", "metric": "bits_per_dim", "value": 2.9, "what": "other data", "source": "book"},
    {"data": "mnist", "metric": "nats", "value": 80, "what": "another measure", "source": "book"},
]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def likely(how, **figures):
    made = result(3000, protocol={"likelihood": how})
    made.figures.update({name: Figure(value) for name, value in figures.items()})
    return made


def test_runs_and_published_figures_share_a_table_the_best_first(place):
    place.add("a", "vae_mnist", [likely("bound, 4 draws", bits_per_dim=2.0, train_bits_per_dim=1.5)])
    place.add("b", "pixelcnn_mnist", [likely("exact", bits_per_dim=0.75, train_bits_per_dim=0.7)])
    place.add("c", "dcgan_mnist", [result(3000)])
    place.claim(references=REFERENCES)
    text = place.report()
    section = part(text, "Likelihood")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    assert [cells[1] for cells in lines[2:]] == ["0.7500", "*0.8000*", "2.000"]
    assert [cells[3] for cells in lines[2:]] == ["exact", "[book](#sources)", "bound, 4 draws"]
    assert lines[3][0] == "*a long training*"
    assert "other data" not in section
    assert "another measure" not in section
    assert "likelihood exact" not in text  # it is no part of what the data set's runs share


def test_without_a_likelihood_there_is_no_table(place):
    place.add("c", "dcgan_mnist", [result(3000)])
    assert "## Likelihood" not in place.report()
