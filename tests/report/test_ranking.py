"""Which GAN? The tables that answer it."""

import pytest
from report_place import FNN, Place, part, ranked, result, rows


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_the_best_at_the_budget_comes_first_and_other_lengths_have_their_own_table(place):
    place.add("a", "dcgan_mnist", [result(3000, frechet_distance=7.0)])
    place.add("b", "dcgan_mnist_article", [result(3000, frechet_distance=3.0), result(4000, frechet_distance=2.0)])
    place.add("c", "gan_mnist_cpu", [result(3000, frechet_distance=5.0)])
    place.add("d", "lsgan_mnist_cpu", [result(6000, frechet_distance=1.0)])
    text = place.report()
    assert "Budget: 3,000 steps, on cpu, threads: 2.\n" in text
    assert [cells[:2] + cells[3:4] for cells in ranked(text)] == [
        ["`dcgan_mnist_article`", "3.000", "3,000 x 128"],
        ["`gan_mnist_cpu`", "5.000", "3,000 x 64"],
        ["`dcgan_mnist`", "7.000", "3,000 x 128"],
        ["`lsgan_mnist_cpu`", "1.000", "6,000 x 64"],
        ["`dcgan_mnist_article`", "2.000", "4,000 x 128"],
    ]
    assert part(text, "Which GAN?").index("Other lengths:") > text.index("| 7.000 |") - text.index("\n## Which GAN?")
    assert [cells[2:4] for cells in rows(text, "-", "real images")] == [["0.2500", "0.9375"]]


def test_runs_of_one_time_are_compared_whatever_their_steps(place):
    def add(name, config, steps, minutes):
        speed = {"step": steps, "images_per_second": steps * 64 / (60 * minutes)}
        place.add(name, config, [result(steps, frechet_distance=minutes)], ["data.batch_size=64"], metrics=[speed])

    add("a", "dcgan_mnist", 3000, 33)
    add("b", "gan_mnist_cpu", 5000, 30)
    add("c", "lsgan_mnist_cpu", 2000, 28)
    add("d", "dcgan_mnist_article", 3000, 9)
    text = place.report().replace("\xa0", " ")
    assert "Budget: 28 min to 33 min, on cpu, threads: 2.\n" in text
    times = [cells[4] for cells in ranked(text)]
    assert times == ["28 min", "30 min", "33 min", "9 min"]  # by distance, then the one of another length
    assert part(text, "Which GAN?").index("Other lengths:") < part(text, "Which GAN?").index("| 9 min |")


def test_classifiers_are_ranked_by_accuracy(place):
    place.add_classifier("a", 0.8)
    place.add_classifier("b", 0.9, config="classifier_cnn_fashion_mnist")
    found = [cells[:4] for cells in ranked(place.report())]
    assert found == [
        ["`classifier_cnn_fashion_mnist`", "0.9000", "0.9000", "1,200 x 100"],
        [f"`{FNN}`", "0.8000", "0.9000", "1,200 x 100"],
    ]


def test_health_names_the_alarms_and_how_many_seeds_have_them(place):
    alarm = {"step": 300, "diagnosis": "collapse", "since": 100, "words": "all alike"}
    watched = {"step": 100, "health/diversity": 0.9}
    for seed in (0, 1):
        log = [watched, alarm, {**alarm, "step": 900}] if seed else [watched]
        place.add(f"s{seed}", "dcgan_mnist", [result()], [f"train.seed={seed}"], metrics=log)
    place.add("a", "dcgan_mnist_article", [result()], metrics=[watched])
    place.add("b", "gan_mnist_cpu", [result()])
    text = place.report()
    assert {cells[0]: cells[-1] for cells in ranked(text)} == {
        "`dcgan_mnist`": "[collapse (1 of 2 seeds)](#failures)",
        "`dcgan_mnist_article`": "ok",
        "`gan_mnist_cpu`": "not watched",
    }
    assert part(text, "Failures").count("collapse, since 100: all alike") == 2


def test_the_summary_in_chinese_has_the_same_figures(place):
    alarm = {"step": 300, "diagnosis": "collapse", "since": 100, "words": "all alike"}
    place.add("a", "dcgan_mnist", [result()], metrics=[alarm, {"step": 300, "images_per_second": 128.0}], preview=5)
    place.report()
    text = place.out.with_name("RESULTS_cn.md").read_text()
    assert "### mnist 上的生成器\n" in text
    (cells,) = [cells for cells in rows(text) if cells[1] == "`dcgan_mnist`"]
    assert cells[2:] == ["5.500", "0.5625", "9,360 x 128", "2 小时 36 分", "1", "[collapse](RESULTS.md#failures)"]
