"""The tables of translators."""

import json

import numpy as np
import pytest
from PIL import Image
from report_place import CONFIGS, Place, part, result, rows

from ppgan_lite.pictures.grid import comparisons, save_png, stacked
from ppgan_lite.report import report
from ppgan_lite.runs.results import Figure, Result

PIX2PIX, CYCLEGAN, STARGAN = "pix2pix_outlines_cpu", "cyclegan_outlines_cpu", "stargan_digits_cpu"


def paired(step=6000, l1=0.25, directions=("b_to_a",)):
    baselines = {"input copied": 0.758, "mean picture": 0.328}
    figures = {}
    for direction in directions:
        figures[f"{direction}/l1"] = Figure(l1, error=0.01, baselines=baselines)
        figures[f"{direction}/kernel_distance"] = Figure(0.5, real=0.01, baselines={"input copied": 3.25})
    return Result(step, {"data": "derived", "pairs": True}, figures, 1.0)


def attributes(reached):
    figures = {
        "attribute_reached": Figure(reached, real=0.99, baselines={"input copied": 0.0}),
        "cycle_l1": Figure(0.05),
        "colour/attribute_reached": Figure(0.5, real=1.0),
    }
    return Result(3000, {"data": "coloured_digits"}, figures, 1.0)


class Translators(Place):
    """Run folders of translators."""

    def add_run(self, name, config, results, overrides=(), fields=("a", "b"), data="derived", **options):
        folder = self.add(name, config, results, overrides, data=data, **options)
        record = json.loads((folder / "run.json").read_text())
        del record["image_shape"], record["class_names"]
        record["fields"] = {field: {"kind": "image", "shape": [1, 32, 32], "names": []} for field in fields}
        if fields == ("image",):
            names = ["colour=red", "colour=blue"]
            record["fields"] |= {"attributes": {"kind": "attributes", "shape": [], "names": names}}
        (folder / "run.json").write_text(json.dumps(record))
        return folder

    def chinese(self):
        return self.out.with_name("RESULTS_cn.md").read_text()


@pytest.fixture
def place(tmp_path):
    return Translators(tmp_path)


def test_runs_stand_below_real_images_and_baselines_the_best_first(place):
    place.add_run("a", PIX2PIX, [paired(l1=0.3)])
    place.add_run("b", PIX2PIX, [paired(l1=0.2)], ["method.gan_weight=0"])
    text = part(place.report(), "Translators")
    assert "### Translators on derived, 32x32\n" in text
    assert "From b to a:" in text
    found = [cells[1:4] for cells in rows(text)]
    assert found == [
        ["config", "L1", "kernel distance"],
        ["---", "---", "---"],
        ["real images", "-", "0.01000"],
        ["input copied", "0.7580", "3.250"],
        ["mean picture", "0.3280", "-"],
        [f"`{PIX2PIX}`<br><sub>method.gan_weight = 0.0</sub>", "0.2000", "0.5000"],
        [f"`{PIX2PIX}`", "0.3000", "0.5000"],
    ]


def test_blurred_pictures_are_not_the_best_for_their_l1(place):
    for name, l1, distance, overrides in (("a", 0.2, 28.0, ["method.gan_weight=0"]), ("b", 0.3, 12.0, ())):
        found = paired(l1=l1)
        found.figures["b_to_a/frechet_distance"] = Figure(distance)
        place.add_run(name, PIX2PIX, [found], overrides)
    assert [cells[2] for cells in rows(part(place.report(), "Translators"), "-", f"`{PIX2PIX}`")] == ["0.3000"]
    names = [cells[1] for cells in rows(part(place.report(), "Translators"))[2:] if "`" in cells[1]]
    assert names == [f"`{PIX2PIX}`", f"`{PIX2PIX}`<br><sub>method.gan_weight = 0.0</sub>"]


def test_translators_with_and_without_pairs_share_a_table(place):
    found = paired()
    found.protocol["train_sha256"] = "12" * 32
    for name, config, sha256, num in (("a", PIX2PIX, "ab" * 32, 60000), ("b", CYCLEGAN, "cd" * 32, 30000)):
        folder = place.add_run(name, config, [found])
        record = json.loads((folder / "run.json").read_text())
        record["data"] |= {"origin": "outline of mnist from /secret/place", "sha256": sha256, "num_images": num}
        (folder / "run.json").write_text(json.dumps(record))
    text = place.report()
    assert text.count("### Translators on derived outline of mnist, 32x32") == 1
    assert len(rows(part(text, "Translators"), "-", f"`{PIX2PIX}`")) == 1
    assert "Trained on 30,000 or 60,000 images." in text
    assert "secret" not in text


def test_each_direction_has_a_table_and_the_summary_in_chinese_the_same_figures(place):
    place.add_run("a", CYCLEGAN, [paired(directions=("a_to_b", "b_to_a"))])
    text = part(place.report(), "Translators")
    assert text.index("From a to b:") < text.index("From b to a:")
    assert [cells[2] for cells in rows(text, "-", f"`{CYCLEGAN}`")] == ["0.2500", "0.2500"]
    chinese = place.chinese()
    assert "### derived, 32x32 上的图像翻译\n" in chinese
    assert [cells[2] for cells in rows(chinese) if cells[1] in ("复制输入", "平均图片")] == ["0.7580", "0.3280"] * 2


def test_attributes_have_one_table_with_a_column_for_each_group(place):
    place.add_run("a", STARGAN, [attributes(0.9)], fields=("image",), data="coloured_digits")
    place.add_run("b", STARGAN, [attributes(0.95)], ["method.d_updates=1"], ("image",), "coloured_digits")
    text = part(place.report(), "Translators")
    heads, _, real, copied, *runs = [cells[1:5] for cells in rows(text)]
    assert heads == ["config", "attribute reached", "cycle L1", "colour: attribute reached"]
    assert real == ["real images", "0.9900", "-", "1.000"]
    assert copied == ["input copied", "0.000", "-", "-"]
    assert [cells[1] for cells in runs] == ["0.9500", "0.9000"]


def test_the_rest_of_the_page_has_them_too(place):
    alarm = {"step": 300, "diagnosis": "copies_input", "since": 100, "words": "hardly changed"}
    folder = place.add_run("a", PIX2PIX, [paired(3000, 0.1), paired()], metrics=[alarm])
    (folder / "best" / "step_00003000").mkdir(parents=True)
    text = place.report(records=True)
    assert "copies input, since 100: hardly changed" in part(text, "Failures").replace("_", " ")
    assert "- L1: mean absolute difference from the true picture" in part(text, "All metrics")
    assert "[derived, 32x32](#translators-on-derived-32x32)" in text
    assert rows(text, "`output/a`")[0][-1] == "step 3,000"
    again = place.report(records=True)
    assert again == text
    for path in folder.rglob("*.json"):
        path.rename(path.with_suffix(".gone"))
    report([], place.out, place.claims, CONFIGS, place.records)  # from the records alone
    assert place.out.read_text() == text


def test_translators_leave_the_tables_of_other_methods_as_they_are(place):
    place.add("g", "dcgan_mnist", [result()])
    alone = part(place.report(), "Which GAN?")
    place.add_run("a", PIX2PIX, [paired()])
    assert part(place.report(), "Which GAN?") == alone


def test_claims_may_be_about_a_direction(place):
    place.add_run("a", PIX2PIX, [paired()])
    limits = [{"metric": "b_to_a/l1", "op": "at most", "value": 0.3}]
    place.claim(aims=[{"group": {"config": PIX2PIX}, "limits": limits}])
    text = part(place.report(), "Our own aims")
    assert "b to a: L1 0.2500 (at most 0.3)" in text
    assert "| aim met |" in text


def preview(folder, step=500):
    """Two grids of groups of three pictures, each group in a shade of its own."""
    shades = np.linspace(-1, 1, 32, dtype="float32")[:, None, None, None] * np.ones((1, 1, 32, 32), "float32")
    save_png(folder / "samples" / f"step_{step:08d}.png", stacked([comparisons([shades] * 3)] * 2), {})


def test_pictures_are_the_first_groups_of_each_direction(place):
    preview(place.add_run("a", CYCLEGAN, [paired(directions=("a_to_b", "b_to_a"))]))
    text = place.report()
    assert text.count('<img src="images/results/output-a.png" width="200"') == 1
    with Image.open(place.pictures / "output-a.png") as picture:
        # 2 groups of 3 pictures and 4 rows of them, twice
        assert picture.size == (8 + 2 * (3 * 34 - 2 + 8), 2 * (8 + 4 * 40))
        upper, lower = (picture.crop((0, top, picture.width, top + 168)).tobytes() for top in (0, 168))
    assert upper == lower


def test_data_of_people_is_shown_without_pictures(place):
    preview(place.add_run("a", CYCLEGAN, [paired(directions=("a_to_b", "b_to_a"))]))
    place.report(records=True)
    assert (place.pictures / "output-a.png").exists()
    place.claim(without_pictures=["derived"])
    text = place.report(records=True)
    assert "<img" not in text
    assert not (place.pictures / "output-a.png").exists()
    assert '"picture": null' in place.records.read_text()
    shown = rows(part(text, "Translators"), "-", f"`{CYCLEGAN}`")
    assert [cells[2] for cells in shown] == ["0.2500", "0.2500"]
