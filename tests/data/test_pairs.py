import itertools
import zipfile

import numpy as np
import pytest
from picture_folder import write_pictures
from PIL import Image

from ppgan_lite.data import pairs
from ppgan_lite.data.loader import batches
from ppgan_lite.data.options import Pairs
from ppgan_lite.errors import DataError

SIZE = 12
MODES = [("none", 0), ("none", 2), ("memory", 0), ("disk", 0), ("disk", 2)]


def picture(number, side):
    """uint8 [12, 12, 3]: number, row and column in the channels; b is the negative of a."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    a = np.stack([np.full_like(rows, 3 * number), 20 * rows, 20 * columns], 2).astype("uint8")
    return a if side == "a" else 255 - a


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_pair(path, number):
    save(path, np.concatenate([picture(number, "a"), picture(number, "b")], 1))


def options(root=None, **keys):
    keys = {"size": SIZE, "cache": "none", "workers": 0, "test_share": 0.0, "batch_size": 4} | keys
    return Pairs(
        name="pairs", root=root and str(root), **{key: str(v) if "root" in key else v for key, v in keys.items()}
    )


def shown(images):
    """The numbers of the pictures in `images`, float32 [N, 3, H, W], of a or of b."""
    numbers = np.rint((images[:, 0, 0, 0] + 1) * 127.5).astype(int)
    return [(number if number < 128 else 255 - number) // 3 for number in numbers.tolist()]


def check_pairs(batch):
    """The pictures belong together, pixel by pixel."""
    np.testing.assert_allclose(batch["a"], -np.asarray(batch["b"]), atol=1e-6)


@pytest.fixture
def side_by_side(tmp_path):
    for number in range(11):
        write_pair(tmp_path / "pairs" / f"{number:02d}.png", number)
    return tmp_path / "pairs"


@pytest.fixture
def two_folders(tmp_path):
    """The keys of two folders, with suffixes and folders of their own: b/photos/ has all pictures b."""
    for number in range(11):
        save(tmp_path / "a" / f"{number:02d}.png", picture(number, "a"))
        save(tmp_path / "b" / "photos" / f"{number:02d}.bmp", picture(number, "b"))
    return {"root_a": tmp_path / "a", "root_b": tmp_path / "b"}


@pytest.fixture(params=["side_by_side", "two_folders"])
def roots(request):
    found = request.getfixturevalue(request.param)
    return found if request.param == "two_folders" else {"root": found}


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    monkeypatch.setenv("PPGAN_CACHE", str(tmp_path / "caches"))


# ---- items ----


@pytest.mark.parametrize(("cache", "workers"), MODES)
def test_the_right_pairs_in_every_mode(roots, cache, workers):
    chosen = options(**roots, cache=cache, workers=workers)
    dataset = pairs.build(chosen)
    assert (len(dataset), dataset.spec, dataset.domains, dataset.source.name) == (11, chosen.spec(), {}, "pairs")
    batch = dataset.batch([4, 0, 10, 4])
    assert batch.keys() == {"a", "b"}
    for field in "ab":
        assert (batch[field].dtype, shown(batch[field])) == ("float32", [4, 0, 10, 4])
        np.testing.assert_array_equal(dataset.pixels(field, [3])[0], picture(3, field).transpose(2, 0, 1))
    check_pairs(batch)
    for streamed in itertools.islice(batches(dataset, 4, seed=0), 4):
        check_pairs({field: images.numpy() for field, images in streamed.items()})


def test_halves_are_cropped_and_resized_each_on_its_own(tmp_path):
    whole = np.zeros((40, 120, 3), "uint8")  # halves of 60x40
    whole[:, 10:50] = (200, 0, 0)  # the centred square of a
    whole[:, 70:110] = (0, 100, 0)  # and of b
    save(tmp_path / "root" / "1.png", whole)
    dataset = pairs.build(options(tmp_path / "root", size=16))
    assert dataset.pixels("a", [0]).shape == (1, 3, 16, 16)
    assert np.unique(dataset.pixels("a", [0]).reshape(3, -1), axis=1).T.tolist() == [[200, 0, 0]]
    assert np.unique(dataset.pixels("b", [0]).reshape(3, -1), axis=1).T.tolist() == [[0, 100, 0]]
    assert pairs.build(options(tmp_path / "root", size=16, channels=1)).batch([0])["b"].shape == (1, 1, 16, 16)


def test_the_source_names_the_folders_and_covers_both(two_folders, side_by_side):
    source = pairs.build(options(**two_folders)).source
    assert source.title == "pairs a and b"
    assert source.origin == f"{two_folders['root_a']} and {two_folders['root_b']}"
    assert pairs.build(options(side_by_side)).source.title == "pairs pairs"
    assert pairs.build(options(**two_folders, cache="memory")).source == source
    digests = {source.sha256, pairs.build(options(**two_folders, size=16)).source.sha256}
    for field in ("root_a", "root_b"):
        path = next(path for path in two_folders[field].rglob("05.*"))
        save(path.with_suffix(".tif"), picture(5, "a"))
        path.unlink()
        digests.add(pairs.build(options(**two_folders)).source.sha256)
    assert len(digests) == 4


# ---- flips and windows ----


@pytest.mark.parametrize("cache", ["none", "memory"])
def test_both_pictures_are_mirrored_and_cut_alike(roots, cache):
    dataset = pairs.build(options(**roots, size=9, load_size=SIZE, flip=True, cache=cache))
    assert (dataset.margin, dataset.flip) == (3, True)
    looks = set()
    for batch in itertools.islice(batches(dataset, 4, seed=0), 30):
        arrays = {field: images.numpy() for field, images in batch.items()}
        assert arrays["a"].shape == (4, 3, 9, 9)
        check_pairs(arrays)
        for image in np.rint((arrays["a"] + 1) * 127.5 / 20).astype(int):
            columns = image[2, 0].tolist()
            looks.add((image[1, 0, 0], min(columns), columns[0] > columns[-1]))
    assert {row for row, _, _ in looks} == {column for _, column, _ in looks} == {0, 1, 2, 3}
    assert len(looks) > 20  # of 4 x 4 x 2
    # to look at, the centre: rows and columns 1 to 9
    np.testing.assert_array_equal(dataset.pixels("b", [2])[0], picture(2, "b")[1:10, 1:10].transpose(2, 0, 1))
    np.testing.assert_allclose(dataset.batch([2])["b"] * 127.5 + 127.5, dataset.pixels("b", [2]), atol=1e-4)


@pytest.mark.parametrize("start", [1, 2, 5])
def test_resuming_at_any_batch(roots, start):
    dataset = pairs.build(options(**roots, size=9, load_size=SIZE, flip=True))
    whole = [batch["a"].numpy() for batch in itertools.islice(batches(dataset, 4, seed=5), 7)]
    later = [batch["a"].numpy() for batch in itertools.islice(batches(dataset, 4, 5, start), 7 - start)]
    np.testing.assert_array_equal(later, whole[start:])


def test_test_pictures_are_decoded_at_their_size(roots):
    dataset = pairs.build(options(**roots, size=9, load_size=SIZE, test_share=0.5), "test")
    assert dataset.margin == 0
    (whole,) = dataset.stream([[0]])
    np.testing.assert_array_equal(whole["a"], dataset.batch([0])["a"])
    assert whole["a"].shape == (1, 3, 9, 9)


# ---- splits ----


def test_folders_are_splits(tmp_path):
    for split, numbers in (("train", [1, 2, 3]), ("val", [4, 5])):
        for number in numbers:
            write_pair(tmp_path / "root" / split / f"{number}.png", number)
            save(tmp_path / "a" / split / f"{number}.png", picture(number, "a"))
            save(tmp_path / "b" / split.upper() / f"{number}.png", picture(number, "b"))
    for chosen in (options(tmp_path / "root"), options(root_a=tmp_path / "a", root_b=tmp_path / "b")):
        for split, numbers in (("train", [1, 2, 3]), ("test", [4, 5])):
            batch = pairs.build(chosen, split).batch(np.arange(len(numbers)))
            assert shown(batch["a"]) == shown(batch["b"]) == numbers


def test_without_folders_names_decide_for_both_pictures(two_folders, side_by_side):
    in_split = {}
    for split in ("train", "test"):
        dataset = pairs.build(options(**two_folders, test_share=0.4), split)
        batch = dataset.batch(np.arange(len(dataset)))
        check_pairs(batch)
        in_split[split] = shown(batch["a"])
    assert sorted(in_split["train"] + in_split["test"]) == list(range(11))
    assert 1 < len(in_split["test"]) < 10
    for path in two_folders["root_b"].rglob("03.*"):  # another kind of file, with the same pixels
        save(path.with_suffix(".png"), picture(3, "b"))
        path.unlink()
    dataset = pairs.build(options(**two_folders, test_share=0.4), "test")
    assert shown(dataset.batch(np.arange(len(dataset)))["a"]) == in_split["test"]


def test_subfolders_count_as_a_part_of_the_name(tmp_path):
    for number, name in enumerate(("cat/1", "dog/1", "dog/2")):
        save(tmp_path / "a" / f"{name}.png", picture(number, "a"))
        save(tmp_path / "b" / f"{name}.BMP", picture(number, "b"))
    batch = pairs.build(options(root_a=tmp_path / "a", root_b=tmp_path / "b")).batch([0, 1, 2])
    assert shown(batch["a"]) == shown(batch["b"]) == [0, 1, 2]


def test_a_folder_and_a_zip_file(two_folders, tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        for path in two_folders["root_b"].rglob("*.bmp"):
            file.write(path, f"photos/{path.name}")
    dataset = pairs.build(options(root_a=two_folders["root_a"], root_b=tmp_path / "b.zip"))
    batch = dataset.batch(np.arange(11))
    check_pairs(batch)
    assert shown(batch["a"]) == list(range(11))


# ---- two domains ----


@pytest.mark.parametrize("cache", ["none", "disk"])
def test_without_pairs_no_pair_is_in_both_domains(roots, cache):
    chosen = options(**roots, paired=False, cache=cache, flip=True, size=9, load_size=SIZE)
    dataset = pairs.build(chosen)
    assert (dataset.spec, list(dataset.domains), len(dataset)) == (chosen.spec(), ["a", "b"], 6)
    a, b = (set(shown(dataset.domains[f].batch(np.arange(len(dataset.domains[f])))["image"])) for f in "ab")
    assert (len(a), len(b), a | b) == (6, 5, set(range(11)))
    drawn = {"a": [], "b": []}
    for batch in itertools.islice(batches(dataset, 4, seed=0), 6):
        for field in drawn:
            drawn[field] += shown(batch[field].numpy())
    assert (set(drawn["a"]), set(drawn["b"])) == (a, b)
    paired = pairs.build(options(**roots, paired=False, test_share=0.5), "test")
    assert paired.domains == {}
    check_pairs(paired.batch(np.arange(len(paired))))


def test_one_pair_is_no_two_domains(tmp_path):
    write_pair(tmp_path / "root" / "1.png", 1)
    with pytest.raises(DataError, match="data.paired=false needs at least two pairs"):
        pairs.build(options(tmp_path / "root", paired=False))


# ---- bad files ----


@pytest.mark.parametrize("which", ["a", "b"])
@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_a_bad_file_takes_its_partner_along(two_folders, capfd, cache, which):
    path = next(two_folders[f"root_{which}"].rglob("04.*"))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=rf"04.png: {which}: .*skip") as caught:
        pairs.build(options(**two_folders, cache=cache)).batch(np.arange(11))
    assert "\n" not in str(caught.value)
    dataset = pairs.build(options(**two_folders, cache=cache, on_bad_image="skip"))
    batch = dataset.batch(np.arange(len(dataset)))
    check_pairs(batch)
    assert shown(batch["a"]) == [0, 1, 2, 3, *([5] if cache == "none" else []), *range(5, 11)]
    assert "04.png: " in capfd.readouterr().err


@pytest.mark.parametrize("cache", ["none", "memory"])
def test_unequal_sizes_are_named(two_folders, cache):
    save(two_folders["root_a"] / "02.png", np.zeros((12, 16, 3), "uint8"))
    with pytest.raises(DataError, match=r"02.png: of unequal size: a has 16x12, b has 12x12 pixels.*; remove"):
        pairs.build(options(**two_folders, cache=cache)).batch(np.arange(11))
    dataset = pairs.build(options(**two_folders, cache=cache, on_bad_image="skip"))
    check_pairs(dataset.batch(np.arange(len(dataset))))


@pytest.mark.parametrize("shape", [(12, 25), (12, 12), (24, 12)])
def test_files_without_two_pictures_are_named(side_by_side, shape):
    save(side_by_side / "07.png", np.zeros((*shape, 3), "uint8"))
    expected = rf"1 of 11 files .*07.png: {shape[1]}x{shape[0]} pixels: not two pictures of one size side by side"
    with pytest.raises(DataError, match=expected):
        pairs.build(options(side_by_side, cache="memory"))
    assert len(pairs.build(options(side_by_side, cache="memory", on_bad_image="skip"))) == 10


def test_lone_pictures_are_named_and_counted(two_folders):
    for number in (1, 3, 5, 7, 9):
        (two_folders["root_b"] / "photos" / f"{number:02d}.bmp").unlink()
    save(two_folders["root_b"] / "photos" / "more.bmp", picture(0, "b"))
    expected = (
        rf"^data.root_a and data.root_b: 5 of 11 pictures in {two_folders['root_a']} have no partner "
        r"\(01.png, 03.png, 05.png and 2 more\); 1 of 7 pictures in .*b have no partner \(photos/more.bmp\); remove"
    )
    for split in ("train", "test"):
        with pytest.raises(DataError, match=expected):
            pairs.build(options(**two_folders, on_bad_image="skip"), split)


def test_a_pair_in_different_splits_is_two_lone_pictures(tmp_path):
    for side, splits in (("a", ["train", "test"]), ("b", ["test", "train"])):
        for number, split in enumerate(splits):
            save(tmp_path / side / split / f"{number}.png", picture(number, side))
    with pytest.raises(DataError, match=r"2 of 2 .* \(test/1.png, train/0.png\); 2 of 2"):
        pairs.build(options(root_a=tmp_path / "a", root_b=tmp_path / "b"))


def test_two_partners_are_named(two_folders):
    save(two_folders["root_a"] / "06.bmp", picture(6, "a"))
    with pytest.raises(DataError, match=r"data.root_a: .*: 06.bmp and 06.png have the same name but for the suffix"):
        pairs.build(options(**two_folders))


def test_splits_in_one_folder_only(two_folders, tmp_path):
    for split in ("train", "test"):
        write_pictures(tmp_path / "split" / split, 2)
    with pytest.raises(DataError, match=rf"data.root_b: .*: no folders train/ and test/, which {tmp_path}/split has"):
        pairs.build(options(root_a=tmp_path / "split", root_b=two_folders["root_b"]))


def test_no_pairs_in_a_split(roots):
    with pytest.raises(DataError, match=r"none of its 11 pictures is in the test split"):
        pairs.build(options(**roots), "test")


@pytest.mark.parametrize("option", ["root_a", "root_b"])
def test_a_missing_folder_is_named_by_its_option(two_folders, tmp_path, option):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("not a zip file")
    for name, reason in (("empty", "no pictures"), ("text.zip", "neither a folder nor"), ("none", "no such folder")):
        with pytest.raises(DataError, match=rf"^data.{option}: .*{name}: {reason}"):
            pairs.build(options(**two_folders | {option: tmp_path / name}))


# ---- real pictures ----


def test_facades():
    chosen = options("facades", cache="memory", size=64, load_size=72, flip=True)
    try:
        dataset, test = pairs.build(chosen), pairs.build(chosen, "test")
    except DataError as error:
        if "no such folder" not in str(error):
            raise
        pytest.skip("needs facades/ with train/ and test/ below PPGAN_DATA")
    assert (len(dataset), len(test), dataset.source.title) == (400, 106, "pairs facades")
    batch = next(batches(dataset, 4, seed=0))
    assert batch["a"].shape == batch["b"].shape == [4, 3, 64, 64]
    # b is a map of few colours: its pixels next to each other are equal more often than a photo's
    flat = {field: (np.diff(test.pixels(field, np.arange(20)).astype(int)) == 0).mean() for field in "ab"}
    assert flat["a"] < 0.3 < flat["b"]
