"""CIFAR from small archives in the layout and pickle format of the published ones, and from a zip file of JPEGs."""

import gzip
import hashlib
import http.server
import io
import lzma
import os
import pickle
import struct
import tarfile
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ppgan_lite.config.build import build_dataset
from ppgan_lite.data import cifar, download, options
from ppgan_lite.errors import DataError

TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FINE = tuple(f"fine {i}" for i in range(100))
CLASSES = TEN[:3]


class Python2Pickler(pickle._Pickler):
    """Pickles like Python 2 and numpy 1, which wrote the published files: protocol 2, all strings are bytes."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_string(self, text):
        content = text.encode("latin1") if isinstance(text, str) else text
        short = len(content) < 256
        self.write((b"U" + bytes([len(content)]) if short else b"T" + struct.pack("<i", len(content))) + content)
        self.memoize(text)

    dispatch[str] = dispatch[bytes] = save_string


def python2(tree) -> bytes:
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(tree)
    return stream.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def pixels(num, seed):
    return np.random.default_rng(seed).integers(0, 256, (num, 3072), dtype="uint8")


def cifar10_files(num=4):
    batches = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    files = {
        name: {
            "batch_label": f"training batch {seed} of 5",
            "labels": [(seed + i) % 10 for i in range(num)],
            "data": pixels(num, seed),
            "filenames": [f"{i}.png" for i in range(num)],
        }
        for seed, name in enumerate(batches)
    }
    files["batches.meta"] = {"num_cases_per_batch": num, "label_names": list(TEN), "num_vis": 3072}
    # neither in the published nor in alphabetical order
    return {f"cifar-10-batches-py/{name}": files[name] for name in sorted(files, key=lambda name: name[::-1])}


def cifar100_files(num=6):
    files = {
        name: {
            "filenames": [f"{i}.png" for i in range(num)],
            "batch_label": f"{name} batch 1 of 1",
            "fine_labels": [99 - i for i in range(num)],
            "coarse_labels": [i % 20 for i in range(num)],
            "data": pixels(num, seed),
        }
        for seed, name in enumerate(("train", "test"))
    }
    files["meta"] = {"fine_label_names": list(FINE), "coarse_label_names": [f"coarse {i}" for i in range(20)]}
    return {f"cifar-100-python/{name}": tree for name, tree in files.items()}


def packed(files) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        folder = tarfile.TarInfo(next(iter(files)).split("/")[0])
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            content = content if isinstance(content, bytes) else python2(content)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Puts an archive below a data root in place of the published one; there is no other copy, and no mirror."""
    monkeypatch.setattr(download, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(cifar, "MIRRORS", ("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"))
    monkeypatch.delenv("PPGAN_DATA", raising=False)
    (tmp_path / "root").mkdir()

    def put(content, name="cifar10", md5=None):
        archive = replace(cifar.ARCHIVES[name], md5=md5 or hashlib.md5(content).hexdigest())
        monkeypatch.setitem(cifar.ARCHIVES, name, archive)
        path = tmp_path / "root" / "cifar" / archive.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return put


@pytest.fixture
def jpegs(tmp_path):
    """A root with a small zip file of JPEGs in the layout of cifar10_images.zip."""
    path = tmp_path / "jpegs" / "cifar10-jpeg" / "cifar10_images.zip"
    path.parent.mkdir(parents=True)
    write_jpegs(path)
    return tmp_path / "jpegs"


def write_jpegs(path, num_train=40, num_test=34, damaged=False):
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as file:
        for split, num in (("test", num_test), ("train", num_train)):
            for label, name in enumerate(CLASSES):
                for i in range(num):
                    stream = io.BytesIO()
                    colour = rng.integers(0, 60, 3) + 80 * label
                    Image.new("RGB", (32, 32), tuple(map(int, colour))).save(stream, "JPEG", quality=95)
                    content = stream.getvalue()
                    file.writestr(f"{split}/{name}/{i:04}.jpg", content[: 40 if damaged else None])


def build(root, name="cifar10", split="train", **keys):
    return cifar.build(options.DATASETS[name](name=name, batch_size=8, root=str(root), **keys), split)


def refusal(root, **keys) -> str:
    with pytest.raises(DataError) as caught:
        build(root, **keys)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_pickles_are_as_python_2_wrote_them():
    content = python2({"data": pixels(2, 0), "labels": [3]})
    assert content.startswith(b"\x80\x02}q")
    assert b"U\x04data" in content
    assert b"cnumpy.core.multiarray\n_reconstruct\n" in content
    assert b"T\x00\x18\x00\x00" in content  # 6,144 bytes
    np.testing.assert_array_equal(pickle.loads(content, encoding="latin1")["data"], pixels(2, 0))


@pytest.mark.parametrize(("split", "seeds"), [("train", range(5)), ("test", [5])])
def test_cifar10(place, tmp_path, split, seeds):
    path = place(packed(cifar10_files()))
    dataset = build(tmp_path / "root", split=split, flip=True)
    expected = np.concatenate([pixels(4, seed) for seed in seeds]).reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(dataset.images, expected)
    np.testing.assert_array_equal(dataset.labels, [(seed + i) % 10 for seed in seeds for i in range(4)])
    assert dataset.labels.dtype == np.int64
    assert dataset.spec["label"].names == TEN
    assert (dataset.spec["image"].shape, dataset.flip) == ((3, 32, 32), True)
    assert (dataset.source.name, dataset.source.origin) == ("cifar10", str(path.parent))
    assert dataset.source.stands_in_for is None


@pytest.mark.parametrize(("split", "seed"), [("train", 0), ("test", 1)])
def test_cifar100_has_its_fine_classes(place, tmp_path, split, seed):
    place(packed(cifar100_files()), "cifar100")
    dataset = build(tmp_path / "root", "cifar100", split)
    np.testing.assert_array_equal(dataset.images.reshape(6, 3072), pixels(6, seed))
    np.testing.assert_array_equal(dataset.labels, [99, 98, 97, 96, 95, 94])
    assert dataset.spec["label"].names == FINE
    assert (dataset.source.name, dataset.flip) == ("cifar100", False)


def unpack(monkeypatch, folder, name="cifar10", files=None):
    """Write an archive's files below `folder`, in place of the published ones."""
    files = {name: python2(tree) for name, tree in (files or cifar10_files()).items()}
    contents = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setitem(cifar.ARCHIVES, name, replace(cifar.ARCHIVES[name], contents=contents))
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.mark.parametrize(
    ("below", "root"),
    [(".", "."), (".", "cifar-10-batches-py"), ("cifar", "."), ("cifar", "cifar"), ("cifar-10-python", ".")],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_unpacked_folder_is_the_same_data(place, tmp_path, monkeypatch, split, below, root):
    expected = build(place(packed(cifar10_files())).parent, split=split)
    unpack(monkeypatch, tmp_path / "files" / below)
    dataset = build(tmp_path / "files" / root, split=split)
    assert dataset.source.sha256 == expected.source.sha256
    assert dataset.source.origin == str(tmp_path / "files" / below / "cifar-10-batches-py")
    np.testing.assert_array_equal(dataset.labels, expected.labels)


@pytest.mark.parametrize("name", ["cifar-10-python.tar", "cifar-10-python.tgz", "CIFAR-10-Python.tar.gz"])
def test_the_archive_may_be_unpacked_renamed_or_the_root_itself(place, tmp_path, monkeypatch, name):
    path = place(packed(cifar10_files()))
    expected = build(tmp_path / "root")
    unpack(monkeypatch, tmp_path / "elsewhere")
    content = path.read_bytes()
    path.unlink()
    path = tmp_path / "root" / name
    path.write_bytes(gzip.decompress(content) if name.endswith(".tar") else content)
    for root in (path.parent, path):
        assert build(root).source.sha256 == expected.source.sha256


@pytest.mark.parametrize("where", ["folder", "archive"])
def test_every_unpacked_file_is_verified(place, tmp_path, monkeypatch, where):
    place(b"").unlink()
    unpack(monkeypatch, tmp_path / "root")
    path = tmp_path / "root" / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(pickle.dumps({"data": Malicious(), "labels": []}, 2))
    if where == "archive":
        with tarfile.open(tmp_path / "root" / "cifar-10-python.tar", "w") as archive:
            archive.add(path.parent, path.parent.name)
    assert "data_batch_3: wrong checksum: damaged, or not the published file" in refusal(tmp_path / "root")


@pytest.mark.parametrize("kind", ["link", "device", "hole", "missing"])
def test_entries_of_an_unpacked_archive_must_be_plain_files(place, tmp_path, monkeypatch, kind):
    place(b"").unlink()
    path = tmp_path / "root" / "cifar-10-python.tar"
    with tarfile.open(path, "w") as archive:
        for name in cifar10_files() if kind != "missing" else ["a/b"]:
            info = tarfile.TarInfo(name)
            if kind == "hole":  # 64 TB of zeros in GNU's format for sparse files
                info.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 46)}
            else:
                info.type = {"link": tarfile.SYMTYPE, "device": tarfile.CHRTYPE, "missing": tarfile.REGTYPE}[kind]
                info.linkname = "/etc/passwd"
            archive.addfile(info)
    assert "does not have the layout of the published archive (KeyError(" in refusal(tmp_path / "root")


def test_the_batches_that_are_there_are_used_with_a_warning(place, tmp_path, monkeypatch, capsys):
    place(b"").unlink()
    unpack(monkeypatch, tmp_path)
    folder = tmp_path / "cifar-10-batches-py"
    for number in (1, 3, 4):
        (folder / f"data_batch_{number}").unlink()
    dataset = build(tmp_path, offline="cifar10_jpeg")
    np.testing.assert_array_equal(dataset.images.reshape(8, 3072), np.concatenate([pixels(4, 1), pixels(4, 4)]))
    part = "data_batch_2, data_batch_5 of 5 batches, 8 images"
    assert (dataset.source.name, dataset.source.stands_in_for, dataset.source.part) == ("cifar10", None, part)
    assert str(dataset.source) == f"cifar10 ({part} from {folder})"
    assert capsys.readouterr().err == f"warning: cifar10: not all of its images are in {folder}: {part}\n"
    test = build(tmp_path, split="test")
    assert (len(test), test.source.part, capsys.readouterr().err) == (4, None, "")


def test_a_set_without_any_training_batch_is_named(place, jpegs, monkeypatch, capsys):
    place(b"").unlink()
    unpack(monkeypatch, jpegs)
    for number in range(1, 6):
        (jpegs / "cifar-10-batches-py" / f"data_batch_{number}").unlink()
    message = (
        f"found batches.meta in {jpegs / 'cifar-10-batches-py'}, "
        "but not data_batch_1, data_batch_2, data_batch_3, data_batch_4, data_batch_5"
    )
    assert message in refusal(jpegs)
    assert build(jpegs, offline="cifar10_jpeg").source.stands_in_for == "cifar10"
    assert message in " ".join(capsys.readouterr().err.replace("*", " ").split())


def test_unpacked_files_may_be_compressed_by_xz(place, tmp_path, monkeypatch):
    expected = build(place(packed(cifar10_files())).parent)
    unpack(monkeypatch, tmp_path / "files")
    for path in sorted((tmp_path / "files" / "cifar-10-batches-py").glob("data_batch_[234]")):
        path.with_name(path.name + ".xz").write_bytes(lzma.compress(path.read_bytes()))
        path.unlink()
    assert build(tmp_path / "files").source.sha256 == expected.source.sha256
    content = path.with_name(path.name + ".xz").read_bytes()
    path.with_name(path.name + ".xz").write_bytes(content[:-9])
    assert f"{path}.xz: damaged: Compressed file ended" in refusal(tmp_path / "files")
    path.with_name(path.name + ".xz").write_bytes(lzma.compress(b"other"))
    assert "data_batch_4: wrong checksum: damaged, or not the published file" in refusal(tmp_path / "files")


def test_the_published_contents_are_complete():
    for archive in cifar.ARCHIVES.values():
        assert archive.contents.keys() == {*archive.files("train"), *archive.files("test")}


def test_real_unpacked_files(tmp_path, monkeypatch):
    folder = os.path.join(os.environ.get("PPGAN_DATA", ""), "cifar10")
    if not os.path.isfile(os.path.join(folder, "test_batch.xz")):
        pytest.skip("needs cifar10/ with test_batch.xz and batches.meta below PPGAN_DATA")
    monkeypatch.setattr(download, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(cifar, "MIRRORS", ())
    monkeypatch.delenv("PPGAN_DATA")
    for name in ("batches.meta", "test_batch.xz"):
        (tmp_path / name).symlink_to(os.path.join(folder, name))
    dataset = build(tmp_path, split="test")
    assert (len(dataset), dataset.spec["label"].names) == (10_000, TEN)
    np.testing.assert_allclose(dataset.images.mean((0, 2, 3)) / 255, [0.49421, 0.48513, 0.45041], atol=1e-5)
    assert "but not data_batch_1, data_batch_2, data_batch_3" in refusal(tmp_path)


def test_the_published_checksums_are_paddles():
    from paddle.vision.datasets import cifar as paddles

    for name, url, md5 in [
        ("cifar10", paddles.CIFAR10_URL, paddles.CIFAR10_MD5),
        ("cifar100", paddles.CIFAR100_URL, paddles.CIFAR100_MD5),
    ]:
        archive = cifar.ARCHIVES[name]
        assert (cifar.MIRRORS[0] + archive.file, archive.md5) == (url, md5)


def test_an_archive_with_a_wrong_checksum_is_not_opened(place, tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "_unpickle", lambda *arguments: pytest.fail("opened"))
    path = place(packed(cifar10_files()), md5="0" * 32)
    assert refusal(tmp_path / "root", offline="cifar10_jpeg") == (
        f"{path}: wrong checksum: damaged, or not the published file; delete it to download it again"
    )


def test_a_truncated_archive_is_named(place, tmp_path):
    content = packed(cifar10_files())
    path = place(content[: len(content) // 2], md5=hashlib.md5(content).hexdigest())
    assert refusal(tmp_path / "root").startswith(f"{path}: wrong checksum: damaged, or not the published file")
    place(content[: len(content) // 2])
    assert refusal(tmp_path / "root").startswith(
        f"{path}: does not have the layout of the published archive (EOFError("
    )


class Malicious:
    def __reduce__(self):
        return os.system, ("echo > ran",)


def test_a_malicious_pickle_is_refused_and_runs_nothing(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attack = pickle.dumps({"data": Malicious(), "labels": []}, 2)
    path = place(packed(cifar10_files() | {"cifar-10-batches-py/data_batch_3": attack}))
    assert refusal(tmp_path / "root") == f"{path}: refused: the pickle refers to posix.system, which is not plain data"
    assert not (tmp_path / "ran").exists()
    pickle.loads(attack)
    assert (tmp_path / "ran").exists(), "harmless, so nothing was tested"


def changed(**keys):
    name = "cifar-10-batches-py/data_batch_1"
    files = cifar10_files()
    return files | {name: files[name] | keys}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "ReadError("),
        (packed({"a/b": b""}), "KeyError('cifar-10-batches-py/batches.meta')"),
        (packed(changed(data=pixels(4, 0).astype("f4"))), "TypeError("),
        (packed(changed(data=pixels(4, 0).astype("f8"))), "ValueError('arrays of type f8 are not supported')"),
        (packed(changed(data=pixels(3, 0))), "ValueError('cannot reshape"),
        (packed(changed(data=None)), "AttributeError("),
        (packed(changed(labels=[0, 1, 2, 10])), "ValueError('a label has no class name')"),
        (packed(changed(labels=[0, 1, 2, -1])), "ValueError('a label has no class name')"),
        (packed(cifar10_files() | {"cifar-10-batches-py/data_batch_5": b"\x80\x02}"}), "EOFError("),
    ],
    ids=["no archive", "other files", "f4", "f8", "too few", "no data", "label 10", "label -1", "half a pickle"],
)
def test_another_archive_is_refused_in_one_line(place, tmp_path, content, message):
    path = place(content)
    assert refusal(tmp_path / "root").startswith(
        f"{path}: does not have the layout of the published archive ({message}"
    )


def test_without_a_mirror_and_stand_in_is_an_error(place, tmp_path):
    place(b"").unlink()
    for name in ("cifar10", "cifar100"):
        message = refusal(tmp_path / "root", name=name)
        folder = tmp_path / "cache" / "cifar"
        assert message.startswith(f"{cifar.ARCHIVES[name].file}: not in {folder}, and not available from any mirror (")
        assert "9/b/: " in message


def test_it_is_downloaded_to_the_cache(place, tmp_path, monkeypatch):
    path = place(packed(cifar10_files()))
    content = path.read_bytes()
    path.unlink()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = content if self.path == "/good/cifar-10-python.tar.gz" else b"<html>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mirrors = [f"http://127.0.0.1:{server.server_port}/{kind}/" for kind in ("wrong", "good")]
    monkeypatch.setattr(cifar, "MIRRORS", mirrors)
    try:
        dataset = build(tmp_path / "root", offline="cifar10_jpeg")
    finally:
        server.shutdown()
    assert (dataset.source.name, len(dataset)) == ("cifar10", 20)
    assert (tmp_path / "cache" / "cifar" / "cifar-10-python.tar.gz").read_bytes() == content
    monkeypatch.setattr(cifar, "MIRRORS", ())
    assert build(tmp_path / "root").source == dataset.source


def test_jpegs_are_a_data_set(place, jpegs):
    for split, num in (("train", 120), ("test", 102)):
        chosen = options.CIFARJPEG(name="cifar10_jpeg", batch_size=8, root=str(jpegs), flip=True)
        dataset = cifar.build_jpeg(chosen, split)
        assert dataset.images.shape == (num, 3, 32, 32)
        assert dataset.spec["label"].names == CLASSES
        np.testing.assert_array_equal(np.bincount(dataset.labels), [num // 3] * 3)
        np.testing.assert_array_equal(np.clip(dataset.images.mean((1, 2, 3)) // 80, 0, 2), dataset.labels)
        assert str(dataset.source) == f"cifar10_jpeg ({num} images from {jpegs / 'cifar10-jpeg'})"
        assert dataset.flip


def test_the_jpegs_may_be_the_root_itself(place, jpegs, tmp_path):
    path = jpegs / "cifar10-jpeg" / "cifar10_images.zip"
    for root in (jpegs, path.parent, path):
        assert len(cifar.build_jpeg(options.CIFARJPEG(name="cifar10_jpeg", batch_size=8, root=str(root)))) == 120
    (tmp_path / "other" / "train").mkdir(parents=True)
    with pytest.raises(DataError, match="not found below data.root .*; found train in .*, but not cifar10_images.zip"):
        cifar.build_jpeg(options.CIFARJPEG(name="cifar10_jpeg", batch_size=8, root=str(tmp_path / "other")))


def test_a_damaged_jpeg_is_named(place, jpegs):
    path = jpegs / "cifar10-jpeg" / "cifar10_images.zip"
    write_jpegs(path, damaged=True)
    with pytest.raises(DataError) as caught:
        cifar.build_jpeg(options.CIFARJPEG(name="cifar10_jpeg", batch_size=8, root=str(jpegs)))
    assert str(caught.value).startswith(f"{path}: train/airplane/0000.jpg: ")
    assert "\n" not in str(caught.value)


def test_without_a_mirror_jpegs_stand_in_loudly(place, jpegs, capsys):
    dataset = build(jpegs, offline="cifar10_jpeg", flip=True)
    assert (dataset.source.name, dataset.source.stands_in_for) == ("cifar10_jpeg", "cifar10")
    assert (len(dataset), dataset.flip) == (120, True)
    banner = capsys.readouterr().err
    assert "NOT CIFAR10: CIFAR10 JPEG instead." in banner
    assert "put its files into a folder cifar/ and" in banner
    assert banner.count("*" * 100) == 2


def test_without_files_there_is_no_stand_in(place, tmp_path, capsys):
    message = refusal(tmp_path / "root", offline="cifar10_jpeg")
    assert "not available from any mirror" in message
    assert message.endswith(
        "; its stand-in cifar10_jpeg is not available either: "
        "cifar10-jpeg/cifar10_images.zip: not found below data.root or $PPGAN_DATA; copy it there"
    )
    assert capsys.readouterr().err == ""


def test_cifar100_has_no_stand_in():
    with pytest.raises(TypeError, match="offline"):
        options.DATASETS["cifar100"](name="cifar100", batch_size=8, offline="cifar10_jpeg")


def test_the_names_are_registered(small_tree, place, jpegs):
    from ppgan_lite.config.load import check_config

    small_tree["data"] = {"name": "cifar10_jpeg", "root": str(jpegs), "batch_size": 8}
    small_tree["generator"] = small_tree["discriminator"] = {"name": "dcgan64"}
    assert len(build_dataset(check_config(small_tree), "test")) == 102


def test_real_jpegs():
    root = os.environ.get("PPGAN_DATA")
    if not root or not os.path.isdir(os.path.join(root, "cifar10-jpeg")):
        pytest.skip("needs cifar10-jpeg/cifar10_images.zip below PPGAN_DATA")
    dataset = cifar.build_jpeg(options.CIFARJPEG(name="cifar10_jpeg", batch_size=8), "test")
    assert dataset.images.shape == (10_000, 3, 32, 32)
    assert dataset.spec["label"].names == TEN
    np.testing.assert_allclose(dataset.images.mean((0, 2, 3)) / 255, [0.4941, 0.4851, 0.4504], atol=2e-4)
