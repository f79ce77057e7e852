import json
from dataclasses import dataclass

import pytest

from ppgan_lite.errors import ConfigError
from ppgan_lite.schema.tree import from_tree, parse_json, read_record, to_json
from ppgan_lite.schema.types import Measured, Whole, Word


@dataclass(frozen=True)
class Inner:
    name: Word
    values: dict[str, str | int | bool]
    size: Measured | None = None


@dataclass(frozen=True)
class Outer:
    step: Whole
    inner: tuple[Inner, ...] = ()


INNER = {"name": "a-1.b", "values": {"x": 1, "y": "z", "z": True}, "size": 2}


def test_a_record_becomes_its_dataclass_and_keys_of_another_version_are_left_out():
    record = read_record({"step": 5, "inner": [{**INNER, "more": [1]}], "more": {}}, Outer)
    assert record == Outer(5, (Inner("a-1.b", {"x": 1, "y": "z", "z": True}, 2.0),))
    assert type(record.inner[0].values["z"]) is bool


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../x"}, r"inner\[0\].name: must be text that matches"),
        ({"name": "x\n"}, r"inner\[0\].name: must be"),
        ({"name": ""}, r"inner\[0\].name: must be"),
        ({"name": 5}, r"inner\[0\].name: expected text"),
        ({"values": {"x": None}}, r"inner\[0\].values.x: expected text"),
        ({"values": {"x": 1.5}}, r"inner\[0\].values.x: expected text"),
        ({"size": 1e101}, r"inner\[0\].size: must be"),
        ({"size": float("inf")}, r"inner\[0\].size: expected a number"),
        ({"size": 10**400}, r"inner\[0\].size: expected a number"),
        ({"size": True}, r"inner\[0\].size: expected a number"),
        ({"more": json.loads("[" * 40 + "]" * 40)}, "more than 32 levels"),
        ({"name": "x" * 10**6}, r"inner\[0\].name: must be"),
        ({"name": ["x"] * 10**5}, r"inner\[0\].name: expected text"),
    ],
)
def test_what_is_wrong_with_a_record_is_said_in_a_few_words(change, words):
    with pytest.raises(ConfigError, match=f"^{words}") as error:
        read_record({"step": 5, "inner": [{**INNER, **change}]}, Outer)
    assert len(str(error.value)) < 450


@pytest.mark.parametrize("tree", [None, [], 5, "x"])
def test_what_is_no_record_at_all(tree):
    with pytest.raises(ConfigError, match="^not a record$"):
        read_record(tree, Outer)


def test_a_file_of_the_user_has_no_other_keys():
    with pytest.raises(ConfigError, match="more: unknown key"):
        from_tree({"step": 1, "more": 2}, "", Outer)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Expecting value"),
        (b"\xff\xff", "decode"),
        (b'{"x": NaN}', "NaN is not a number"),
        (b'{"x": -Infinity}', "-Infinity is not a number"),
        (b'{"x": 1, "x": 2}', "a key appears twice"),
        (b"1" * 5000, "limit"),
        (b"[" * 10**6, ""),
        (b'{"' + b"x" * 10**6, ""),
    ],
)
def test_what_is_no_json_is_said_in_a_few_words(content, words):
    with pytest.raises(ConfigError, match=f"^not JSON: .*{words}") as error:
        parse_json(content)
    assert len(str(error.value)) < 450


def test_json_has_every_name_that_a_file_can_have():
    tree = {"\u73ab\u7470": ["caf\udce9", "\x00\x1b", "\U0001f600"]}
    content = to_json(tree)
    assert content.decode("utf-8").startswith('{\n "\u73ab\u7470"')
    assert parse_json(content) == tree
