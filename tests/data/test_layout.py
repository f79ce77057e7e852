import unicodedata

import pytest

from ppgan_lite.data.layout import TEST_FOLDERS, TRAIN_FOLDERS, as_text, held_out, lay_out, stem


def layout(*paths, one_class=False, test_share=0.0):
    return lay_out(sorted(path if isinstance(path, bytes) else path.encode() for path in paths), test_share, one_class)


def classes(*names, count=2):
    return [f"{name}/{number}.png" for name in names for number in range(count)]


@pytest.mark.parametrize("train", TRAIN_FOLDERS)
@pytest.mark.parametrize("test", TEST_FOLDERS)
@pytest.mark.parametrize("case", [str.lower, str.title, str.upper])
def test_folders_of_splits_are_known_in_any_case(train, test, case):
    found = layout(*classes(f"{case(train)}/a", f"{case(train)}/b", f"{case(test)}/a"))
    assert found.class_names == ("a", "b")
    assert (found.training.sum(), found.testing.sum()) == (4, 2)
    assert not (found.training & found.testing).any()
    assert found.remarks == []


def test_folders_that_differ_in_case_only_are_one_split():
    found = layout(*classes("Train/a", "train/b", "TEST/a", "test/b"))
    assert (found.class_names, found.training.sum(), found.testing.sum()) == (("a", "b"), 4, 4)


def test_pictures_outside_the_splits_are_counted_and_named():
    found = layout(*classes("train/a", "train/b", "test/a", "val/a"), "cover.png")
    assert (found.training.sum(), found.testing.sum()) == (4, 2)
    assert found.remarks == ["3 pictures outside test/ and train/ are not used (cover.png, ...)"]


@pytest.mark.parametrize(
    "names",
    [
        ("trainA", "trainB", "testA", "testB"),
        ("traina", "testa"),
        ("train", "dogs"),
        ("test_images", "cats"),
        ("train2017", "val2017"),
        ("my-trainset", "my-testset"),
        ("TRAINING DATA", "x"),
    ],
)
def test_classes_that_look_like_splits_are_remarked(names):
    found = layout(*classes(*names))
    assert found.class_names == tuple(sorted(names))
    (remark,) = found.remarks
    assert "look like splits, but are classes here" in remark
    assert "for two domains (trainA/, trainB/), set data.name=unpaired" in remark
    assert sorted(names)[-1] in remark or "dogs" in names


@pytest.mark.parametrize("names", [("trainers", "valley"), ("contest", "tests"), ("cat", "dog"), ("value", "attest")])
def test_other_classes_are_not(names):
    assert layout(*classes(*names)).remarks == []


def test_splits_inside_the_classes_are_remarked():
    (remark,) = layout(*classes("cat/train", "cat/test", "dog/train", "dog/test")).remarks
    assert remark == "folders test/ inside the classes are not the test split: use test/CLASS/, not CLASS/test/"


def test_a_lone_folder_for_testing_is_remarked():
    (remark,) = layout(*classes("data/test/a", "data/test/b")).remarks
    assert remark == "all pictures are in test/: they are trained on, too"


@pytest.mark.parametrize(("top", "shown"), [("", "preview.png"), ("train/", "train/preview.png")])
def test_a_loose_picture_is_named_as_the_reason_for_one_class(top, shown):
    found = layout(*classes(f"{top}cats", f"{top}dogs"), f"{top}preview.png", *classes("test/cats") * bool(top))
    assert found.class_names is None
    assert found.remarks == [
        f"1 picture is in no class folder ({shown}), so the folders cats, dogs are not classes or splits: "
        "all pictures are one class"
    ]


def test_a_loose_picture_next_to_the_folder_with_the_splits_is_named():
    (remark,) = layout(*classes("data/train/a", "data/train/b", "data/test/a"), "cover.png", "icon.png").remarks
    assert remark.startswith("2 pictures are in no class folder (cover.png, ...), so the folders data are not classes")


def test_there_is_no_remark_without_folders_or_where_classes_do_not_matter():
    assert layout("a.png", "b.png").remarks == []
    assert layout(*classes("x/a", "x/b"), "c.png", one_class=True).remarks == []


def test_class_folders_of_several_systems_are_the_same():
    composed, decomposed = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))
    found = layout(*classes(f"train/{composed}", "train/Tea", f"test/{decomposed}", f"train/{decomposed}"))
    assert found.class_names == (composed, "Tea")
    assert found.labels[found.testing].tolist() == [0, 0]
    assert sorted(found.labels[found.training].tolist()) == [0, 0, 0, 0, 1, 1]


def test_the_order_of_labels_is_that_of_the_folders_bytes():
    """As before names were compared in NFC: in NFD é is before f, in NFC after z."""
    assert layout(*classes(unicodedata.normalize("NFD", "é"), "f")).class_names == ("é", "f")
    assert layout(*classes("é", "f")).class_names == ("f", "é")


def test_test_pictures_in_no_class_have_label_minus_1():
    found = layout(*classes("train/a", "train/b", "test/b", "test/owl"), "test/1.png")
    assert found.labels[found.testing].tolist() == [-1, 1, 1, -1, -1]


def test_class_names_can_be_printed_and_recorded():
    assert as_text(b"\xff\xfe") == r"\xff\xfe"
    assert as_text("a\nb\x1b[2J\u2028".encode()) == r"a\nb\x1b[2J\u2028"
    assert as_text("玫瑰 tench, Tinca tinca 👩‍🌾".encode()) == "玫瑰 tench, Tinca tinca 👩‍🌾"
    found = layout(b"\xff/1.png", b"\xfe\n/2.png")
    assert found.class_names == (r"\xfe\n", r"\xff")
    assert all(name.isprintable() for name in found.class_names)


# ---- pairs ----


def test_the_stem_is_the_path_below_some_folders_without_the_suffix():
    assert [stem(b"x/train/cat/1.tar.png", depth) for depth in range(4)] == [
        "x/train/cat/1.tar",
        "train/cat/1.tar",
        "cat/1.tar",
        "1.tar",
    ]
    assert stem(unicodedata.normalize("NFD", "bär.JPG").encode(), 0) == "bär"


@pytest.mark.parametrize(
    ("paths", "depth"),
    [
        (["1.png", "2.png"], 0),
        (["x/1.png", "x/2.png"], 1),
        (["x/train/1.png", "x/test/1.png"], 2),
        (["train/cat/1.png", "test/dog/1.png"], 1),
    ],
)
def test_the_depth_is_below_the_folders_of_splits(paths, depth):
    assert layout(*paths).depth == depth


def test_a_name_alone_decides_whether_it_is_held_out():
    names = [str(number).encode() for number in range(200)]
    mask = held_out(names, 0.3)
    assert 40 < mask.sum() < 80
    assert (held_out(names[50:60], 0.3) == mask[50:60]).all()
