"""Configs as people, editors and attackers write them: each gives a `Config`, or one line that says what is wrong."""

import copy
import datetime
import os
import time

import pytest
import yaml
from conftest import ROOT
from hostile import thorough
from hypothesis import given
from hypothesis import strategies as st

from ppgan_lite.config.load import Config, load_config, to_yaml
from ppgan_lite.errors import ConfigError

LONGEST_MESSAGE = 400  # characters
LONGEST = 10  # seconds for one config: most take milliseconds, but the machine may be busy

PATHS = sorted((ROOT / "configs").glob("*.yml"))
TREES = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in PATHS]
FOLDER = ROOT / "configs" / "dcgan_folder.yml"

searching = thorough(100)  # examples per kind of change

WORDS = [
    *["", "null", "~", "true", "no", "on", "1e5", "0x10", "010", "1_000", "12:30:00", "2024-01-01", ".nan", "<<", "="],
    *["folder", "mnist", "gan", "wgan", "adam", "sgd", "dcgan28", "resnet32", "linear", "disk", "collapse", "spectral"],
    *[
        "a: b",
        "a # b",
        "@x",
        "*a",
        "&a",
        "!!int",
        "[",
        "{a: ",
        "'",
        '"',
        "\\",
        "%",
        "\t",
        "\n",
        "\x00",
        "\x1b[2J",
        "中文",
    ],
    *["\ud800", "\udcff", "\u2028", "D:\\new", "x" * 5000, "9" * 5000, "0x" + "f" * 5000, "-1", "1e999"],
]
SCALARS = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from([None, True, False, 0, 1, 2, 3.0, -1, 28, 32, 64, 2**32, 10**22, 10**4000, 1e308, 1e-320]),
    st.sampled_from([float("nan"), float("inf"), b"bytes", datetime.date(2024, 1, 1)]),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
)
VALUES = st.recursive(
    SCALARS,
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["name", "lr", *WORDS]), x, max_size=3),
    max_leaves=8,
)
LINES = st.sampled_from(
    [
        *["<<: *a", "x: &a [1]", "y: *a", "? [a]", "- 1", "---", "...", "%YAML 1.2", "%TAG ! x", "\tx: 1", "\ufeff"],
        *["!!map x", "!!python/object:os.system x", 'root: "C:\\Users"', "name: on", "1: x", "a: &a [*a, *a]"],
    ]
)


def outcome(path, overrides=()):
    """The config, or None where it is refused in one short line, both within LONGEST seconds."""
    start = time.monotonic()
    try:
        config = load_config(path, list(overrides))
    except ConfigError as error:
        message = str(error)
        assert "\n" not in message.replace(str(path), "")
        assert len(message) <= LONGEST_MESSAGE + len(str(path)), message
        config = None
    assert time.monotonic() - start < LONGEST
    return config


def assert_reads_back(config: Config | None, path):
    """A config that is taken is the same after it was written to a run's folder and read again."""
    if config is not None:
        path.write_text(to_yaml(config), encoding="utf-8")
        assert load_config(path) == config


@st.composite
def changed_trees(draw):
    """A config of ours, of which some keys and values are others."""
    tree = copy.deepcopy(draw(st.sampled_from(TREES)))
    shared = draw(VALUES)  # yaml writes an anchor and aliases where it stands more than once
    for _ in range(draw(st.integers(1, 3))):
        place, key = tree, draw(st.sampled_from(sorted(tree, key=str)))
        while isinstance(place[key], dict) and place[key] and draw(st.booleans()):
            place = place[key]
            key = draw(st.sampled_from(sorted(place, key=str)))
        if draw(st.integers(0, 9)) == 0:
            key = draw(st.sampled_from(WORDS) | st.integers())
        place[key] = draw(VALUES | st.just(shared))
    return tree


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "config.yml"


@given(tree=changed_trees())
@searching
def test_any_value_at_any_place_of_any_config_is_taken_or_refused_in_one_line(path, tree):
    path.write_bytes(yaml.safe_dump(tree).encode("utf-8", "surrogatepass"))
    assert_reads_back(outcome(path), path)


@given(
    text=st.sampled_from([path.read_text(encoding="utf-8") for path in PATHS]),
    places=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 30), SCALARS.map(str) | LINES), max_size=3),
    encoding=st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "utf-16-le", "gb18030"]),
)
@searching
def test_any_damage_to_the_text_of_any_config_is_taken_or_refused_in_one_line(path, text, places, encoding):
    for at, removed, added in places:
        at %= len(text)
        at = text.rfind("\n", 0, at) + 1 if removed % 2 else at  # at the beginning of a line, or anywhere
        text = text[:at] + added + text[at + removed // 2 :]
    path.write_bytes(text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace"))
    assert_reads_back(outcome(path), path)


KEYS = sorted({f"{section}.{key}" for tree in TREES for section, keys in tree.items() for key in keys})
OVERRIDES = st.builds(
    lambda key, equals, value: f"{key}{equals}{value}",
    st.sampled_from(
        [*KEYS, "data.root", "train.epochs", "train.stop_on", "optim.g.lr", "optim.d.name", "", ".", "a.b.c"]
    )
    | st.text(max_size=5),
    st.sampled_from(["=", "=", "=", "= ", ""]),
    SCALARS.map(str) | VALUES.map(repr) | st.sampled_from(["{name: folder, batch_size: 4}", "[collapse]", "!!map [a]"]),
)


@given(config=st.sampled_from(PATHS), overrides=st.lists(OVERRIDES, min_size=1, max_size=3))
@searching
def test_any_overrides_of_any_config_are_taken_or_refused_in_one_line(path, config, overrides):
    assert_reads_back(outcome(config, overrides), path)


def aliases(levels: int, first: str = "x") -> str:
    """A short text whose value has 3^levels values."""
    lines = [f"a0: &a0 [{first}, {first}]"]
    return "\n".join(lines + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]" for i in range(1, levels)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (aliases(40), "more than 10000 values (aliases, written *, count each time)"),
        (f"train: [{'x, ' * 200_000}]", "more than 10000 values"),
        ("a: &a [*a, *a]", "more than 20 levels of sections and lists"),
        ("&a {a: *a}", "more than 20 levels of sections and lists"),
        ("[" * 100_000, "more than 20 levels of sections and lists"),
        ("- " * 100_000, "more than 20 levels of sections and lists"),
        ("x" * 900_000, "expected sections (method, optim, data, ...), got 'xxx"),
        ("x" * 1_000_001, "cannot read the config file: has more than 1,000,000 bytes"),
        ("a: '\\d", "not valid YAML: found unexpected end of stream"),
        (
            'root: "D:\\data"',
            "in double quotes a backslash is an escape: use single quotes, or / in place of each backslash",
        ),
        (
            'root: "C:\\Users\\x"',
            "in double quotes a backslash is an escape: use single quotes, or / in place of each backslash",
        ),
        (
            "train:\n\tseed: 1",
            ":2:1: not valid YAML: found character '\\t' that cannot start any token; indent with spaces",
        ),
        (
            "a: 1\n---\nb: 1",
            ":2:1: not valid YAML: expected a single document in the stream but found another document",
        ),
        ("[a]: b", ":1:1: not valid YAML: a key must be a word"),
        ("<<: 5", ":1:5: not valid YAML: << needs a section"),
        ("a: !!python/object:os.system x", ":1:4: not valid YAML: remove the tag !!python/object:os.system"),
        ("a: !!int ''", ":1:4: not valid YAML: remove the tag !!int"),
        ("a: !!map [a]", ":1:4: not valid YAML: remove the tag !!map"),
        ("a: b\x1b[2J", ":1:5: not valid YAML: the character #x001b is not allowed"),
        ('a: "\\UFFFFFFFF"', "not valid YAML: a number or an escape that is too large"),
        (f"%YAML 1.{'9' * 5000}\n--- 1", "not valid YAML: a number or an escape that is too large"),
        ("", "expected sections (method, optim, data, ...), got nothing"),
    ],
)
def test_a_text_that_is_no_config_is_refused_at_once(path, text, message):
    path.write_text(text)
    start = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert time.monotonic() - start < LONGEST
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "gb18030"])
def test_a_file_in_another_encoding_is_to_be_saved_as_utf8(path, encoding):
    path.write_bytes((FOLDER.read_text() + "# 图片文件夹").encode(encoding))
    with pytest.raises(ConfigError, match="not a text file in UTF-8; save it as UTF-8"):
        load_config(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: f"%YAML 1.2\n---\n{text}...\n",
        lambda text: text.replace("d: {", "d: {<<: {lr: 0.1}, "),
    ],
)
def test_what_editors_add_changes_nothing(path, change):
    path.write_bytes(change(FOLDER.read_text()).encode())
    assert load_config(path) == load_config(FOLDER)


def test_a_pipe_and_a_device_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ConfigError, match="cannot read the config file: is not a regular file"):
            load_config(place)


def test_every_config_of_ours_reads_as_yaml_has_it(path):
    """The values that YAML's own rules give; those that it does not read as numbers (2e-4) are read as ours are."""
    for ours, tree in zip(PATHS, TREES, strict=True):
        config = load_config(ours)
        path.write_text(yaml.safe_dump(tree))
        assert load_config(path) == config, ours
        resolved = config.to_dict()
        for section, keys in tree.items():
            for key, value in keys.items():
                expected = resolved[section][key]
                assert (expected | value if isinstance(value, dict) else value) == expected, f"{ours}: {section}.{key}"
        assert yaml.safe_load(to_yaml(config)) == resolved
