import hashlib
import http.server
import threading

import pytest

from ppgan_lite.data import download as module
from ppgan_lite.data.download import NoMirrorError, download, find, find_or_download
from ppgan_lite.errors import DataError, RunError

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT in /good/, wrong content in /wrong/, half of CONTENT in /torn/, no HTTP in /noise/; else 404."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        if kind == "noise":
            self.wfile.write(b"HELLO\r\n")
            return
        if kind not in ("good", "wrong", "torn"):
            self.send_error(404)
            return
        body = {"good": CONTENT, "wrong": b"x" + CONTENT, "torn": CONTENT}[kind]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if kind != "torn" else body[: len(body) // 2])

    def log_message(self, *args):
        self.server.requests.append(self.path)


@pytest.fixture(scope="module")
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def mirrors(server, *kinds):
    return [f"http://127.0.0.1:{server.server_port}/{kind}/" for kind in kinds]


@pytest.mark.parametrize("first", ["missing", "wrong", "torn", "noise"])
def test_after_a_failure_the_next_mirror_is_tried(server, tmp_path, first):
    folder = tmp_path / "cache" / "mnist"
    download("file.gz", mirrors(server, first, "good"), folder, SHA256)
    assert (folder / "file.gz").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["file.gz"]


def test_no_mirror_leaves_nothing(server, tmp_path):
    with pytest.raises(NoMirrorError, match="missing/: Not Found; .*wrong/: wrong checksum; .*torn/: "):
        download("file.gz", mirrors(server, "missing", "wrong", "torn"), tmp_path / "cache", SHA256)
    assert not (tmp_path / "cache").exists()


def test_after_a_success_no_other_mirror_is_tried(server, tmp_path):
    before = len(server.requests)
    download("file.gz", mirrors(server, "good", "wrong"), tmp_path, SHA256)
    assert server.requests[before:] == ["/good/file.gz"]


def test_a_cache_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file/mnist.*cannot be written"):
        download("file.gz", mirrors(server, "good"), tmp_path / "file" / "mnist", SHA256)


def test_the_checksum_may_be_of_another_kind_than_sha256(server, tmp_path):
    md5 = hashlib.md5(CONTENT).hexdigest()
    download("file.gz", mirrors(server, "wrong", "good"), tmp_path, md5, "md5")
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no $PPGAN_DATA."""
    monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.delenv("PPGAN_DATA", raising=False)
    return tmp_path / "cache"


def test_the_first_folder_with_all_files_is_found(cache, tmp_path, monkeypatch):
    root, shared = tmp_path / "root", tmp_path / "shared"
    monkeypatch.setenv("PPGAN_DATA", str(shared))
    for place in (cache, shared, root):
        (place / "x").mkdir(parents=True)
        (place / "x" / "a").touch()
    assert find("x", ["a", "b"], str(root)) is None
    for place in (cache, shared, root):
        (place / "x" / "b").touch()
        assert find("x", ["a", "b"], str(root)) == place / "x"
    assert find("x", ["a", "b"], None) == shared / "x"
    assert find("y", ["a"], str(root)) is None


@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("/none", "data.root: /none: no such folder; set it to the parent of x/, or to null"),
        ("a" * 300, f"{'a' * 300}: cannot search it for x/: [Errno "),
        ("~no-such-user", "~no-such-user: cannot search it for x/: Could not determine home directory."),
    ],
)
def test_a_folder_that_cannot_be_searched_is_named(cache, root, message):
    with pytest.raises(DataError) as caught:
        find("x", ["a"], root)
    assert str(caught.value).startswith(message)


def test_only_what_is_missing_is_downloaded(server, cache):
    (cache / "x").mkdir(parents=True)
    (cache / "x" / "a").write_text("here")
    before = len(server.requests)
    for _ in range(2):
        assert find_or_download("x", {"a": "0", "b": SHA256}, mirrors(server, "good"), None) == cache / "x"
    assert server.requests[before:] == ["/good/b"]
    assert ((cache / "x" / "a").read_text(), (cache / "x" / "b").read_bytes()) == ("here", CONTENT)
