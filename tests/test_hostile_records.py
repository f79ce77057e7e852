"""Records that were edited, damaged or forged, with a right checksum or without: one line, or read as they are."""

import copy
import json
import shutil
import time

import numpy as np
import pytest
import safetensors.numpy
from conftest import ROOT, SMALL
from hostile import thorough
from hypothesis import given
from hypothesis import strategies as st

from ppgan_lite.commands import api
from ppgan_lite.commands.evaluate import _keep
from ppgan_lite.commands.export import _check_out
from ppgan_lite.commands.infer import InferError
from ppgan_lite.config.load import check_config
from ppgan_lite.engine.observer import Observer
from ppgan_lite.errors import ExportError, UserError, one_line
from ppgan_lite.files import seal, sha256, unseal
from ppgan_lite.report.chinese import render_chinese
from ppgan_lite.report.claims import Claims
from ppgan_lite.report.folders import find_records
from ppgan_lite.report.groups import sections_of
from ppgan_lite.report.names import Configs
from ppgan_lite.report.page import render
from ppgan_lite.report.records import merge, read_records, write_records
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.results import Figure, Result
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import open_trained

LONGEST = 30  # seconds for one example: all take milliseconds, but the machine may be busy
STEP = 12
QUIET = check_config({**SMALL, "train": {**SMALL["train"], "log_to": []}})
searching = thorough(25)  # examples per record and kind of change

NUMBERS = [0, 1, -1, 2**31, 2**63, 10**400, 1.5, 1e308, -1e308, float("inf"), float("nan")]
WORDS = ["", "x", "9" * 5000, "x" * 100_000, "1e5", "nan", "image", "label", "point", "best", "float64", "float16"]
PATHS = ["..", "../x", "/etc/passwd", "/dev/zero", "CON", "a\nb", "\x1b[2J", "\x00", "\udc80", "\U0001f600"]
KEYS = ["name", "step", "shape", "loss/g", "a/b/c", "diagnosis", "../x", "/x"]
SCALARS = st.one_of(
    st.sampled_from([None, True, False, *NUMBERS, *WORDS, *PATHS]), st.integers(), st.floats(), st.text(max_size=5)
)
NAMES = st.text(max_size=4) | st.sampled_from(KEYS)
VALUES = st.one_of(
    SCALARS,
    st.recursive(SCALARS, lambda x: st.lists(x, max_size=3) | st.dictionaries(NAMES, x, max_size=3), max_leaves=5),
    st.integers(1, 90).map(lambda depth: json.loads("[" * depth + "]" * depth)),
)


def result(step):
    """A result as the evaluation of a generator gives it."""
    figures = {"frechet_distance": Figure(5.5, real=0.25), "classifier_score": Figure(8.5, real=9.75, error=0.125)}
    return Result(step, {"features": "x", "num_real": 44, "ema": False}, figures, 1.5)


def places(tree):
    """(container, key) of every value in a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield tree, key
        yield from places(value)


@st.composite
def changed(draw, tree):
    """A tree with one to three of its values replaced, removed, renamed, added or exchanged."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(tree))
        if not found:
            break
        (container, key), (other, other_key) = (found[draw(st.integers(0, len(found) - 1))] for _ in range(2))
        what = draw(st.sampled_from(["replace", "replace", "remove", "rename", "add", "exchange"]))
        if what == "remove":
            del container[key]
        elif what == "exchange":
            container[key] = copy.deepcopy(other[other_key])
        elif what == "add" and isinstance(container, dict):
            container[draw(NAMES)] = copy.deepcopy(draw(VALUES))
        elif what == "add":
            container.insert(key, copy.deepcopy(draw(VALUES)))
        elif what == "rename" and isinstance(container, dict):
            container[draw(NAMES)] = container.pop(key)
        else:
            container[key] = copy.deepcopy(draw(VALUES))
    return tree


@st.composite
def spoilt(draw, content):
    """A content with some bytes changed, removed, repeated or added."""
    for _ in range(draw(st.integers(1, 3))):
        start, stop = sorted(draw(st.integers(0, len(content))) for _ in range(2))
        harms = [b"", bytes(stop - start), content[start:stop] * 2, b"\xef\xbb\xbf", b"[" * 100_000, b"\r\n"]
        middle = draw(st.sampled_from(harms) | st.binary(max_size=4))
        content = content[:start] + middle + content[stop:]
    return content


def in_json(tree):
    return json.dumps(tree).encode()


def survives(action) -> bool:
    """Do something: it must succeed, or raise an error that a user can read in a line, in bounded time.

    Returns whether it succeeded.
    """
    start, succeeded = time.monotonic(), False
    try:
        action()
        succeeded = True
    except (UserError, InferError) as error:
        words = str(error)
        assert words == words.replace("\n", "")
        assert 10 < len(one_line(words)) < 1500
    assert time.monotonic() - start < LONGEST
    return succeeded


@pytest.fixture(scope="module")
def configs():
    return Configs(ROOT / "configs")


@pytest.fixture(scope="module")
def method(small_run):
    return open_trained(small_run, None)[1]


@pytest.fixture
def run(small_run, tmp_path):
    """A copy of the small run with results and a best checkpoint."""
    folder = shutil.copytree(small_run, tmp_path / "run")
    shutil.rmtree(folder / "checkpoints" / "step_00000004")
    shutil.rmtree(folder / "log")
    shutil.copytree(folder / "checkpoints" / "step_00000008", folder / "best" / "step_00000008")
    (folder / "evaluations").mkdir(exist_ok=True)
    for step in (8, STEP):
        result(step).write(folder / "evaluations" / f"step_{step:08d}.json")
    result(8).write(folder / "best" / "result.json")
    return folder


class Watched(Observer):
    """What a resumed training does with the log."""

    def __init__(self, run, method):
        from ppgan_lite.runs.health import GeneratorHealth

        self.run, self.config, self.say = run, QUIET, print
        self._health = GeneratorHealth(np.zeros([4, 1, 8, 8], "uint8"), QUIET.method.WATCHES)
        self._observe_log()


def use_results(folder, method, configs):
    results = Run.open_existing(folder).results
    for each in [*results.read(), *results.comparable()]:
        print(each.table(), each.describe_protocol(), each.distance)
    _keep(results, result(STEP))


def use_api(folder, method, configs):
    run = api.load(folder)
    print(run, run.metrics())


def use_report(folder, method, configs):
    find_records([folder], configs)


def use_checkpoint(folder, method, configs):
    open_trained(folder, None)


def use_resume(folder, method, configs):
    run = Run.open_existing(folder)
    saved = checkpoint.load_newest(run.checkpoints, on_damage=print)
    run.check_same(QUIET, saved.config, run.source)
    saved.restore(method)
    with run:
        run.resume(QUIET, "cpu", saved.step)
        Watched(run, method)
        run.results.keep_best(result(STEP), method, QUIET)


def lines(content):
    return [json.loads(line) for line in content.splitlines()]


def in_lines(tree):
    return b"".join(in_json(line) + b"\n" for line in tree)


RECORDS = {  # file -> how it is read and written, and what reads it
    "run.json": (json.loads, in_json, [use_checkpoint, use_api, use_report, use_resume]),
    "metrics.jsonl": (lines, in_lines, [use_api, use_report, use_resume]),
    f"checkpoints/step_{STEP:08d}/manifest.json": (unseal, seal, [use_checkpoint, use_resume]),
    f"evaluations/step_{STEP:08d}.json": (unseal, seal, [use_report, use_resume, use_results]),
    "best/result.json": (unseal, seal, [use_resume]),
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("change", ["values", "bytes"])
def test_a_hostile_record_of_a_run(name, change, run, tmp_path, method, configs):
    shutil.copytree(run, tmp_path / "kept")
    content, (read, write, uses) = (run / name).read_bytes(), RECORDS[name]
    strategy = changed(read(content)).map(write) if change == "values" else spoilt(content)

    @searching
    @given(strategy)
    def check(hostile):
        (run / name).write_bytes(hostile)
        for use in uses:
            survived = survives(lambda use=use: use(run, method, configs))
        if survived:  # what comes last changes the run
            shutil.rmtree(run)
            shutil.copytree(tmp_path / "kept", run)
        assert {path.name for path in tmp_path.iterdir()} == {"run", "kept"}

    check()


DTYPES = ["float64", "float16", "int64", "uint8", "bool", "uint32", "int8"]


@searching
@given(data=st.data())
def test_hostile_tensors_with_the_right_checksums(data, small_run, method, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "hostile_tensors" / f"step_{STEP:08d}"
    shutil.rmtree(folder.parent, ignore_errors=True)
    shutil.copytree(small_run / "checkpoints" / folder.name, folder)
    manifest = unseal((folder / "manifest.json").read_bytes())
    name = data.draw(st.sampled_from(sorted(manifest["files"])))
    content = (folder / name).read_bytes()
    if data.draw(st.booleans()):
        arrays = safetensors.numpy.load(content)
        key = data.draw(st.sampled_from(sorted(arrays)))
        array = arrays.pop(key)
        shape = data.draw(st.sampled_from([array.shape, array.shape[::-1], (0,), (array.size,), (), (2**16,)]))
        dtype = data.draw(st.sampled_from(["float32", *DTYPES]))
        key = data.draw(st.sampled_from([key, key, key, "x", "../x", "a\nb", ""]))
        content = safetensors.numpy.save(arrays | {key: np.resize(array, shape).astype(dtype)})
    else:
        content = data.draw(spoilt(content))
    (folder / name).write_bytes(content)
    manifest["files"][name] = sha256(content)
    (folder / "manifest.json").write_bytes(seal(manifest))
    before = {key: tensor.numpy() for key, tensor in method.networks["g"].state_dict().items()}
    survives(lambda: checkpoint.load(folder).restore(method))
    after = {key: tensor.numpy() for key, tensor in method.networks["g"].state_dict().items()}
    assert {key: (array.dtype, array.shape) for key, array in before.items()} == {
        key: (array.dtype, array.shape) for key, array in after.items()
    }


@pytest.mark.parametrize("change", ["values", "bytes"])
def test_a_hostile_signature(change, small_export, tmp_path):
    folder = shutil.copytree(small_export, tmp_path / "exported")
    (folder / "mine.json").write_text("{}")
    content = (folder / "signature.json").read_bytes()
    strategy = changed(unseal(content)).map(seal) if change == "values" else spoilt(content)

    def use():
        survives(lambda: api.load(folder))
        survives(lambda: api.load(folder).sample(2))
        with pytest.raises(ExportError, match="has files that are not part of an export"):
            _check_out(folder, overwrite=True)

    @searching
    @given(strategy)
    def check(hostile):
        (folder / "signature.json").write_bytes(hostile)
        use()

    check()


@pytest.mark.parametrize("change", ["values", "bytes"])
def test_a_hostile_file_of_records(change, configs, tmp_path):
    tree = json.loads((ROOT / "docs" / "results.json").read_bytes())
    kinds = ("classifiers", "generators")
    first = [next(record for record in tree["records"] if record["kind"] == kind) for kind in kinds]
    content = in_json({"format": 1, "records": first})
    claims = {"sources": {}, "figures": [], "not_comparable": [], "aims": [], "comparisons": [], "criteria": []}
    (tmp_path / "claims.yml").write_text(json.dumps(claims))
    claims = Claims.read(tmp_path / "claims.yml", configs)
    strategy = changed(json.loads(content)).map(in_json) if change == "values" else spoilt(content)

    def use():
        records = merge([], read_records(tmp_path / "results.json"))
        sections = sections_of(records)
        text = render(claims, sections, str)[0] + render_chinese("RESULTS.md", sections, str)
        assert text.encode(errors="backslashreplace")
        write_records(tmp_path / "again.json", records)
        read_records(tmp_path / "again.json")

    @searching
    @given(strategy)
    def check(hostile):
        (tmp_path / "results.json").write_bytes(hostile)
        survives(use)

    check()
