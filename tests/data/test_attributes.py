import itertools
import os

import numpy as np
import pytest
from picture_folder import SIZE, make_bad, write_pictures
from zip_writers import pack

from ppgan_lite.data import attributes
from ppgan_lite.data.loader import batches
from ppgan_lite.data.options import Attributes
from ppgan_lite.errors import ConfigError, DataError

NUM = 13


def options(root, **keys):
    keys = {"size": SIZE, "cache": "none", "workers": 0, "test_share": 0.0, "batch_size": 4} | keys
    return Attributes(name="attributes", root=str(root), **keys)


def numbers(images):
    """The numbers of the pictures in `images`, float32 [N, 3, H, W] in [-1, 1], mirrored or not."""
    return [round(float(value + 1) * 127.5 / 4) for value in np.median(images[:, 0], (1, 2))]


def truth(number):
    """The attributes of picture `number`: whether it is even, and above 6."""
    return [number % 2 == 0, number > 6]


def write_list(folder, names, name="list.txt", header="even large"):
    """A list of pictures; the number of each is the start of its file's name."""
    signs = [[1 if has else -1 for has in truth(int(name.rpartition("/")[2][:3]))] for name in names]
    lines = [f"{name} {even:2d} {large:2d}" for name, (even, large) in zip(names, signs, strict=True)]
    (folder / name).write_text("\n".join([str(len(lines)), header, *lines, ""]))


@pytest.fixture
def pictures(tmp_path):
    folder = write_pictures(tmp_path / "pictures", NUM)
    write_list(folder, [f"{number:03d}.png" for number in reversed(range(NUM))])
    return folder


def has_its_attributes(batch):
    expected = [truth(number) for number in numbers(np.asarray(batch["image"]))]
    return np.asarray(batch["attributes"]).tolist() == expected


@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_every_picture_has_its_attributes(pictures, cache, capsys):
    dataset = attributes.build(options(pictures, list_file="list.txt", cache=cache))
    assert len(dataset) == NUM
    assert dataset.spec["attributes"].names == ("even", "large")
    assert dataset.spec["image"].shape == (3, SIZE, SIZE)
    batch = dataset.batch([5, 12, 0])
    assert batch["attributes"].dtype == np.float32
    assert numbers(batch["image"]) == [5, 12, 0]
    assert has_its_attributes(batch)
    assert dataset.pixels("image", [3]).shape == (1, 3, SIZE, SIZE)
    assert dataset.source.name == "attributes"
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize("workers", [0, 2])
def test_training_mirrors_and_cuts_pictures_but_keeps_their_attributes(pictures, workers):
    chosen = options(pictures, list_file="list.txt", flip=True, load_size=SIZE + 4, workers=workers)
    dataset = attributes.build(chosen)
    assert (dataset.margin, dataset.flip) == (4, True)
    edges = []
    stream = batches(dataset, 4, seed=0)
    for batch in itertools.islice(stream, 9):
        images = batch["image"].numpy()
        assert images.shape == (4, 3, SIZE, SIZE)
        assert has_its_attributes(batch)
        edges += [(round(float(left)), round(float(right))) for left, right in images[:, 0, 0, [0, -1]]]
    stream.close()
    # the white left edge, cut off or not, and in mirrored pictures on the right
    assert any(left == 1 for left, _ in edges)
    assert any(right == 1 for _, right in edges)
    assert attributes.build(chosen, "train").batch([0])["image"].shape == (1, 3, SIZE, SIZE)


def test_attributes_are_chosen_by_name(pictures):
    dataset = attributes.build(options(pictures, list_file="list.txt", attributes=("large",)))
    assert dataset.spec["attributes"].names == ("large",)
    assert dataset.batch([6, 7])["attributes"].tolist() == [[0], [1]]
    with pytest.raises(DataError, match=r"data\.attributes: 'larg' is not in .*even, large; did you mean large\?"):
        attributes.build(options(pictures, list_file="list.txt", attributes=("larg",)))


def test_splits_and_names_from_folders(tmp_path):
    names = [f"{split}/{number:03d}.png" for split in ("train", "test") for number in range(NUM)]
    for split in ("train", "test"):
        write_pictures(tmp_path / split, NUM)
    write_list(tmp_path, names)
    train, test = (attributes.build(options(tmp_path, list_file="list.txt"), split) for split in ("train", "test"))
    assert len(train) == len(test) == NUM
    assert has_its_attributes(train.batch(range(NUM)))
    assert has_its_attributes(test.batch(range(NUM)))
    assert train.source.sha256 != test.source.sha256


def test_a_zip_file_holds_pictures_and_list(pictures, tmp_path):
    files = {f"faces/{name}": (pictures / name).read_bytes() for name in os.listdir(pictures) if name != "list.txt"}
    path = pack(tmp_path / "a.zip", {"faces/Anno/list.txt": (pictures / "list.txt").read_bytes(), **files})
    dataset = attributes.build(options(path, list_file="faces/Anno/list.txt"))
    assert has_its_attributes(dataset.batch(range(NUM)))


def test_a_bad_picture_is_replaced_with_the_attributes_of_the_other(pictures):
    make_bad(pictures, 3)
    for cache, expected in (("none", [4, 4]), ("memory", [4, 5])):
        dataset = attributes.build(options(pictures, list_file="list.txt", on_bad_image="skip", cache=cache))
        batch = dataset.batch([3, 4])
        assert numbers(batch["image"]) == expected
        assert has_its_attributes(batch)


def test_pictures_without_a_name_and_names_without_a_picture(pictures, capsys):
    write_list(pictures, ["002.png", "008.png", "009.png", "099.png", "098.png"])
    dataset = attributes.build(options(pictures, list_file="list.txt"))
    assert len(dataset) == 3
    assert has_its_attributes(dataset.batch(range(3)))
    warnings = capsys.readouterr().err
    assert f"10 of {NUM} pictures are not in {pictures}/list.txt (000.png, ...); left out" in warnings
    assert f"{pictures}/list.txt: 2 of its 5 names are of no picture (099.png)" in warnings


def test_a_list_of_other_pictures(pictures):
    write_list(pictures, ["img/000.png", "001.jpg"])
    with pytest.raises(DataError) as caught:
        attributes.build(options(pictures, list_file="list.txt"))
    assert str(caught.value) == (
        f"data.list_file: {pictures}/list.txt: it names none of the {NUM} pictures: "
        "it has names such as img/000.png, not 000.png, ..."
    )


@pytest.mark.parametrize("folders", [("x", "y"), ("train", "test")])
def test_a_name_of_several_pictures(tmp_path, folders):
    for folder in folders:
        write_pictures(tmp_path / folder, 3)
    write_list(tmp_path, ["000.png", f"{folders[0]}/001.png", f"{folders[1]}/001.png", "002.png"])
    with pytest.raises(DataError) as caught:
        attributes.build(options(tmp_path, list_file="list.txt"))
    assert str(caught.value) == (
        f"data.list_file: {tmp_path}/list.txt: 2 of its 4 names belong to several pictures "
        f"(000.png: {sorted(folders)[0]}/000.png, ...); write the paths below {tmp_path} instead"
    )


def test_attributes_of_a_group_exclude_each_other(pictures):
    write_list(pictures, ["000.png", "009.png"], header="size=small size=large")
    dataset = attributes.build(options(pictures, list_file="list.txt"))
    assert dataset.batch([0, 1])["attributes"].tolist() == [[1, 0], [0, 1]]
    write_list(pictures, ["000.png", "001.png", "008.png"], header="size=small size=large")
    with pytest.raises(DataError) as caught:
        attributes.build(options(pictures, list_file="list.txt"))
    assert str(caught.value) == (
        "data.attributes: size=small, size=large exclude each other by their names, but 2 of 3 pictures have none or "
        "several of them (001.png, ...); choose all of this group, or rename them"
    )


def test_attributes_that_do_not_vary_are_named(pictures, capsys):
    write_list(pictures, ["000.png", "002.png", "008.png"])
    attributes.build(options(pictures, list_file="list.txt"))
    assert "the same for all training pictures, so not learned: even\n" in capsys.readouterr().err


def test_folders_are_classes(tmp_path):
    for split, num in (("train", 5), ("test", 2)):
        for name in ("cat", "dog"):
            write_pictures(tmp_path / split / name, num)
    train, test = (attributes.build(options(tmp_path), split) for split in ("train", "test"))
    assert train.spec["attributes"].names == test.spec["attributes"].names == ("class=cat", "class=dog")
    batch = train.batch([4, 5])
    assert numbers(batch["image"]) == [4, 0]
    assert batch["attributes"].tolist() == [[1, 0], [0, 1]]
    assert test.batch([1, 2])["attributes"].tolist() == [[1, 0], [0, 1]]


def test_one_class_is_refused(pictures):
    with pytest.raises(DataError) as caught:
        attributes.build(options(pictures))
    assert str(caught.value) == (
        f"data.root: {pictures}: its pictures are one class (pictures), so they have no attributes; put the pictures "
        "of each class into a folder of its own, with none outside them, or set data.list_file"
    )


def test_test_pictures_of_no_class_are_refused(tmp_path):
    for name in ("train/cat", "train/dog", "test/cat", "test/bird"):
        write_pictures(tmp_path / name, 2)
    with pytest.raises(DataError, match=r"2 of 4 test pictures are not in a class folder .*put them into test/CLASS/"):
        attributes.build(options(tmp_path), "test")


def test_the_checksum_covers_the_attributes(pictures):
    one = attributes.build(options(pictures, list_file="list.txt")).source
    assert one == attributes.build(options(pictures, list_file="list.txt")).source
    renamed = (pictures / "list.txt").read_text().replace("even", "odd")
    changed = (pictures / "list.txt").read_text().replace("000.png  1", "000.png -1")
    for text in (renamed, changed):
        (pictures / "list.txt").write_text(text)
        assert attributes.build(options(pictures, list_file="list.txt")).source.sha256 != one.sha256


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"attributes": ("x",)}, r"data\.attributes: they are chosen from a list; set data\.list_file, or remove them"),
        ({"attributes": ("x", "y", "x"), "list_file": "l"}, r"data\.attributes: a name appears twice: x, y, x"),
        ({"load_size": 9, "size": 10}, r"data\.load_size: 9 is less than data\.size: 10"),
    ],
)
def test_options_without_sense_are_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        options("here", **keys).check()


def test_a_real_list_in_a_zip_file():
    path = os.path.join(os.environ.get("PPGAN_DATA", ""), "utkface-128", "utkface128.zip")
    if not os.path.exists(path):
        pytest.skip("needs utkface-128/utkface128.zip below PPGAN_DATA")
    train, test = (attributes.build(options(path, list_file="list_attr.txt"), split) for split in ("train", "test"))
    assert (len(train), len(test)) == (2600, 400)
    assert train.spec["attributes"].names == test.spec["attributes"].names == ("Male", "Young", "Senior")
    found = test.batch(range(0, 400, 10))["attributes"]
    assert set(np.unique(found)) == {0, 1}
    assert not (found[:, 1:] == 1).all(1).any()  # nobody is young and senior
