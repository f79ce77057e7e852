import contextlib
import gzip
import hashlib
import http.server
import os
import threading
import time
import urllib.error
import urllib.request

import pytest

from ppgan_lite.data import download as module
from ppgan_lite.data.download import NoMirrorError, download, find, find_or_download, path_in
from ppgan_lite.errors import DataError, RunError
from ppgan_lite.files import writing

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the first folder of the path; 404 if there is no method of this name."""

    def do_GET(self):
        getattr(self, self.path.split("/")[1], lambda: self.send_error(404))()

    def answer(self, body, length=None, **headers):
        self.send_response(200)
        for name, value in {"Content-Length": length or len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def good(self):
        self.answer(CONTENT)

    def wrong(self):
        self.answer(b"x" + CONTENT)

    def torn(self):
        self.answer(CONTENT[:1000], len(CONTENT))

    def noise(self):
        self.wfile.write(b"HELLO\r\n")

    def text(self):
        self.answer(b"x", "many")

    def negative(self):
        self.answer(b"x", -5)

    def login(self):
        self.answer(b"\n<!DOCTYPE html><html>log in</html>")

    def zipped(self):
        self.answer(gzip.compress(CONTENT), **{"Content-Encoding": "gzip"})

    def announced(self):
        self.answer(b"x", 10**12)

    def endless(self):
        self.send_response(200)
        self.end_headers()
        self.drip(bytes(10_000), 0)

    def slow(self):
        self.send_response(200)
        self.end_headers()
        self.drip(b"x", 0.05)

    def slow_headers(self):
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
        self.drip(b"x", 0.05)

    def drip(self, content, seconds):
        with contextlib.suppress(OSError):  # until the client has closed the connection
            while True:
                self.wfile.write(content)
                time.sleep(seconds)

    def to_good(self):
        self.redirect(f"http://127.0.0.1:{self.server.server_port}/good/file.gz")

    def to_file(self):
        self.redirect("file:///etc/passwd")

    def to_ftp(self):
        self.redirect("ftp://127.0.0.1/file.gz")

    def redirect(self, url):
        self.send_response(302)
        self.send_header("Location", url)
        self.end_headers()

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


FAILURES = {
    "missing": "Not Found",
    "wrong": "wrong checksum",
    "torn": "broke off after 1,000 of 256,000 bytes",
    "noise": "HELLO",
    "text": "wrong checksum",
    "negative": "wrong checksum",
    "login": "an HTML page in place of the file, perhaps of a login or a proxy",
    "zipped": "wrong checksum",
    "announced": "more than the 300,000 bytes of the file",
    "endless": "more than the 300,000 bytes of the file",
    "to_file": "",
    "to_ftp": "redirects to ftp://127.0.0.1/file.gz, which is not https",
}


@pytest.mark.parametrize("first", FAILURES)
def test_after_a_failure_the_next_mirror_is_tried(server, tmp_path, first):
    folder = tmp_path / "cache" / "mnist"
    download("file.gz", mirrors(server, first, "good"), folder, SHA256, limit=300_000)
    assert (folder / "file.gz").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["file.gz"]


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_is_described_in_one_line(server, tmp_path, kind):
    (mirror,) = mirrors(server, kind)
    with pytest.raises(NoMirrorError) as caught:
        download("file.gz", [mirror], tmp_path / "cache", SHA256, limit=300_000)
    (reason,) = caught.value.reasons
    assert reason.startswith(f"{mirror}: {FAILURES[kind]}")
    assert str(caught.value) == f"{caught.value.summary} ({reason})"
    assert "\n" not in reason
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("kind", ["slow", "slow_headers"])
def test_an_answer_that_drips_is_given_up(server, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.3)
    with pytest.raises(NoMirrorError, match="too slow: [0-9]+ bytes in 0 s"):
        download("file.gz", mirrors(server, kind), tmp_path, SHA256)


def test_redirects_lead_to_https_or_from_http_to_http(server, tmp_path):
    download("file.gz", mirrors(server, "to_good"), tmp_path, SHA256)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    request = urllib.request.Request("https://x/file.gz")
    with pytest.raises(urllib.error.URLError, match="redirects to http://x/file.gz, which is not https"):
        module._Redirects().redirect_request(request, None, 302, "Found", {}, "http://x/file.gz")
    assert (
        module._Redirects().redirect_request(request, None, 302, "Found", {}, "https://y/z").full_url == "https://y/z"
    )


@pytest.mark.parametrize("proxy", ["nonsense", "::::", "http://", "http://[::1", "http://127.0.0.1:9", "http://x:port"])
def test_a_proxy_that_cannot_be_used_is_one_line(tmp_path, monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(NoMirrorError) as caught:
        download("file.gz", ["http://mirror.invalid/"], tmp_path, SHA256)
    assert "\n" not in str(caught.value)


def test_what_a_killed_process_left_is_removed(server, tmp_path):
    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "file.gz") as stream:
        stream.write(b"half")
        (leftover,) = tmp_path.iterdir()
        raise KeyboardInterrupt
    leftover.write_bytes(b"half")
    download("file.gz", mirrors(server, "good"), tmp_path, SHA256)
    assert os.listdir(tmp_path) == ["file.gz"]


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
        ("~no-such-user", "~no-such-user: cannot search it for x/: the home folder is not known"),
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


SPELLINGS = [
    "a-images-idx3-ubyte.gz",
    "a-images-idx3-ubyte",
    "a-images.idx3-ubyte",
    "A-Images-IDX3-UByte.GZ",
    "a_images_idx3_ubyte",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("below", "root"),
    [
        ("x-y", "."),
        ("X_Y/raw", "."),
        ("xY/raw", "xY"),
        ("files", "files"),
        ("raw", "."),
        ("x-y", "x-y"),
        ("x/inner-z", "x"),
        ("any/Inner_Z", "any"),
    ],
)
def test_files_are_found_in_the_folder_itself_and_in_other_spellings(cache, tmp_path, spelling, below, root):
    folder = tmp_path / "root" / below
    folder.mkdir(parents=True)
    (folder / spelling).touch()
    (folder / "a-images-idx3-ubyte (1)").touch()
    found = find("x-y", [SPELLINGS[0]], str(tmp_path / "root" / root), ["inner-z"])
    assert found.samefile(folder)
    assert path_in(found, SPELLINGS[0]).name == spelling


def test_the_published_name_comes_first_and_folders_are_no_files(tmp_path):
    (tmp_path / "a-images-idx3-ubyte").mkdir()
    assert path_in(tmp_path, SPELLINGS[0]) is None
    for spelling in SPELLINGS[2:]:
        (tmp_path / spelling).touch()
    assert path_in(tmp_path, SPELLINGS[0]).name == "A-Images-IDX3-UByte.GZ"
    (tmp_path / SPELLINGS[0]).touch()
    assert path_in(tmp_path, SPELLINGS[0]).name == SPELLINGS[0]


def test_the_root_itself_comes_before_other_places(cache, tmp_path, monkeypatch):
    root, shared = tmp_path / "root", tmp_path / "shared"
    monkeypatch.setenv("PPGAN_DATA", str(shared))
    for folder in (shared, cache / "x", shared / "x", root, root / "x"):  # from the last choice to the first
        folder.mkdir(parents=True, exist_ok=True)
        root.mkdir(exist_ok=True)
        (folder / "a").touch()
        assert find("x", ["a"], str(root)) == folder


def test_the_root_may_be_one_of_the_files(cache, tmp_path):
    for name in ("a.gz", "b"):
        (tmp_path / name).touch()
    assert find("x", ["a.gz", "b"], str(tmp_path / "a.gz")) == tmp_path
    with pytest.raises(DataError, match="a.gz: not a folder; set it to the folder with a.gz, c$"):
        find("x", ["a.gz", "c"], str(tmp_path / "a.gz"))


def test_what_was_found_is_named(cache, tmp_path, monkeypatch):
    root, empty = tmp_path / "root", tmp_path / "empty"
    (root / "x").mkdir(parents=True)
    empty.mkdir()
    monkeypatch.setenv("PPGAN_DATA", str(empty))
    for number in range(9):
        (root / "x" / f"{number}.csv").touch()

    def reasons():
        with pytest.raises(NoMirrorError) as caught:
            find_or_download("x", {"a.gz": SHA256, "b.gz": SHA256}, [], str(root))
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith(
            "; put them into a folder x/ and set data.root or PPGAN_DATA to the parent of this folder"
        )
        return caught.value.reasons

    names = ", ".join(f"{number}.csv" for number in range(6))
    assert reasons() == [f"found {names} and 3 more in {root / 'x'}, but not a.gz, b.gz", f"{empty} is empty"]
    (root / "x" / "B").touch()
    monkeypatch.setenv("PPGAN_DATA", "/none")
    assert reasons() == [f"found B in {root / 'x'}, but not a.gz", "/none: no such folder"]


@pytest.fixture
def no_home(monkeypatch):
    """A user without a home folder, and the usual cache."""
    pwd = pytest.importorskip("pwd", reason="needs a system with pwd")

    def unknown(_):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "PPGAN_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_home_folder_files_are_found_but_not_downloaded(no_home, server, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a").touch()
    assert find("x", ["a"], str(tmp_path)) == tmp_path / "x"
    before = len(server.requests)
    with pytest.raises(NoMirrorError, match="b: not found, and cannot be downloaded .*home folder is not known.*HOME"):
        find_or_download("x", {"b": SHA256}, mirrors(server, "good"), None)
    assert len(server.requests) == before


def test_a_cache_that_cannot_be_written_is_as_no_mirror(cache, server):
    cache.write_text("")
    with pytest.raises(NoMirrorError, match="b: not found, and cannot be downloaded .*cannot be written.*PPGAN_DATA"):
        find_or_download("x", {"b": SHA256}, mirrors(server, "good"), None)
