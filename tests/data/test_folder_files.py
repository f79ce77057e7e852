import os
import socket

import pytest

from ppgan_lite.data.folder_files import scan
from ppgan_lite.data.listing import list_files, list_pictures


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode())
    return folder


def link(path, target):
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("needs a file system with symbolic links")


def found(folder):
    names, facts, passed = scan(str(folder))
    assert all(len(values) == len(names) for values in facts.values())
    return sorted(names), passed


def test_folders_linked_to_each_other_are_each_read_once(tmp_path):
    """There are 12! paths through them."""
    folders = [tmp_path / f"class{i:02d}" for i in range(12)]
    touch(tmp_path, *(f"{folder.name}/1.png" for folder in folders))
    for folder in folders:
        for other in folders:
            if folder != other:
                link(folder / f"to_{other.name}", other)
    names, passed = found(tmp_path)
    assert names == [f"class{i:02d}/1.png" for i in range(12)]
    assert passed.total == 12 * 11
    assert "132 links to folders that are read already" in str(passed)


def test_a_folder_has_its_own_name_rather_than_that_of_a_link(tmp_path):
    touch(tmp_path, "zebra/1.png", "cat/2.png")
    link(tmp_path / "alias", tmp_path / "zebra")
    names, passed = found(tmp_path)
    assert names == ["cat/2.png", "zebra/1.png"]
    assert "(alias)" in str(passed)


def test_of_two_links_to_a_folder_the_first_is_read(tmp_path):
    touch(tmp_path / "store", "a/1.png", "b/deep/2.png")
    root = tmp_path / "root"
    root.mkdir()
    for name, target in (("dog", "b"), ("kitty", "a"), ("cat", "a")):
        link(root / name, tmp_path / "store" / target)
    names, passed = found(root)
    assert names == ["cat/1.png", "dog/deep/2.png"]
    assert str(passed) == "1 links to folders that are read already, or that contain this one (kitty)"
    assert list_pictures(str(root), test_share=0).class_names == ("cat", "dog")


def test_a_link_to_a_folder_above_is_not_followed(tmp_path):
    touch(tmp_path, "root/a/1.png", "elsewhere/2.png")
    link(tmp_path / "root" / "a" / "up", tmp_path)
    link(tmp_path / "root" / "all", "/")
    assert found(tmp_path / "root")[0] == ["a/1.png"]


def test_a_root_that_is_a_link_is_read(tmp_path):
    touch(tmp_path, "real/a/1.png")
    link(tmp_path / "root", tmp_path / "real")
    assert found(tmp_path / "root")[0] == ["a/1.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_everything_that_is_passed_over_is_counted(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(touch(tmp_path, "a/1.png", "b/2.JFIF", ".x/3.png", "__MACOSX/4.png", "@eaDir/5.jpg", "n.txt"))
    os.mkfifo("pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
    link(tmp_path / "dangling", tmp_path / "nothing")
    (found,) = [list_pictures(str(tmp_path), test_share=0)]
    assert found.class_names == ("a", "b")
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        f"warning: {tmp_path}: 7 other files are not read as pictures: "
        "3 hidden (.x), 2 pipes, sockets or devices (pipe.png), "
        "1 .txt (n.txt), 1 without suffix (dangling)\n"
    )


def test_other_files_are_a_line_but_no_warning(tmp_path, capfd):
    touch(tmp_path, "a/1.png", ".DS_Store", "README.md", "a/x.txt", "a/y.txt", *(f"{i}.k{i}" for i in range(9)))
    list_pictures(str(tmp_path), test_share=0)
    out, err = capfd.readouterr()
    assert err == ""
    assert out == (
        f"{tmp_path}: 13 other files are not read as pictures: "
        "2 .txt (a/x.txt), 1 .k0 (0.k0), 1 .k1 (1.k1), 1 .k2 (2.k2), 8 more\n"
    )


def test_names_from_outside_stay_on_one_line(tmp_path, capfd):
    touch(tmp_path, "a/1.png", "x\nerror: forged\x1b[2J.heic")
    list_pictures(str(tmp_path), test_share=0)
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_without_permission_is_one_line(tmp_path):
    touch(tmp_path, "a/1.png")
    (tmp_path / "a").chmod(0)
    with pytest.raises(Exception, match="cannot be listed: Permission denied"):
        list_files(str(tmp_path))
