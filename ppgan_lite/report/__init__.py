"""The page of results: which GAN is best on which data, verdicts on published figures, and all metrics.

No figure on it is typed by hand: ours come from the records of runs, published ones and their sources from a YAML file.
The page depends only on these and on pictures that are already there: the same records give the same bytes.

- folders: from the folders of runs to records and small pictures (pictures).
- records: what the page needs of a run, kept in a JSON file after the folders are gone.
- names: what runs are called, after the configs that they are nearest to.
- groups: runs that differ only in their seed, and sections of groups that can be compared.
- claims: published figures, aims and questions, and the check of their file; answers: verdicts on questions.
- page: the page as a whole; ranking, translators, verdicts, section and curves: its parts.
- chinese: the summary in Chinese.
- markdown: how numbers, tables and links are written.
"""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from ppgan_lite.errors import EvaluationError, warn
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.report.chinese import render_chinese
from ppgan_lite.report.claims import Claims
from ppgan_lite.report.folders import find_records
from ppgan_lite.report.groups import sections_of
from ppgan_lite.report.markdown import PICTURES
from ppgan_lite.report.names import Configs, Name
from ppgan_lite.report.page import render
from ppgan_lite.report.records import Record, merge, read_records, write_records


def report(folders: list[Path], out: Path, claims_file: Path, configs_folder: Path, records_file: Path | None = None):
    """Write the page of all evaluated runs in and below some folders, and its summary in Chinese (NAME_cn.md).

    Args:
        folders: folders with runs, at any depth.
        out: the page; its pictures go to images/results/ next to it.
        claims_file: see `Claims`.
        configs_folder: the configs that runs are named after.
        records_file: a JSON file of records, of which the runs in `folders` replace their own; None: only the folders
            count.

    Raises:
        UserError: there are no evaluated runs; two cannot be compared; a claim or a record is wrong; a file cannot be
            written.
    """
    configs = Configs(configs_folder)
    claims = Claims.read(claims_file, configs)
    kept = read_records(records_file) if records_file else []
    fresh, pictures = find_records(folders, configs)
    records = [_to_show(record, claims.without_pictures) for record in merge(fresh, kept)]
    if not records:
        raise EvaluationError(f"{', '.join(map(str, folders)) or records_file}: no evaluated run in it or below")
    sections = sections_of(records)
    link = _linker(configs_folder, out)
    text, drawn = render(claims, sections, link)
    chinese = render_chinese(out.name, sections, link)
    folder = out.parent / PICTURES
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = {out: text, out.with_name(f"{out.stem}_cn.md"): chinese}
    for path, content in files.items():
        with writing(path) as stream:
            stream.write(content.encode())
    shown = {name: content for name, content in pictures.items() if name in _pictures_of(records)}
    for name, content in (shown | drawn).items():
        with writing(folder / name) as stream:
            stream.write(content)
    if records_file:
        write_records(records_file, records)
    _clean(folder, records, kept)
    print(f"{out} written (runs: {len(records)})")


def _linker(configs_folder: Path, out: Path) -> Callable[[Name], str]:
    """How a name is written in tables: with a link to its config if this is in the same repository as the page."""
    repository, page = configs_folder.resolve().parent, out.resolve()
    folder = None
    if page.is_relative_to(repository):
        folder = Path(os.path.relpath(configs_folder.resolve(), page.parent)).as_posix()

    def link(name: Name) -> str:
        config = f"[`{name.config}`]({folder}/{name.config}.yml)" if folder else f"`{name.config}`"
        changes = [f"<sub>{change.replace('=', ' = ')}</sub>" for change in name.changes]  # small, and may be wrapped
        return "<br>".join([config, *changes])

    return link


def _to_show(record: Record, without_pictures: tuple[str, ...]) -> Record:
    """The record as the page shows it: without its pictures if it is of one of these data sets."""
    title = record.data.title
    if not any(title == each or title.startswith(f"{each}, ") for each in without_pictures):
        return record
    return dataclasses.replace(record, picture=None, picture_step=None, picture_of_real=None)


def _clean(folder: Path, records: list[Record], kept: list[Record]):
    """Remove the pictures of replaced records; warn of missing pictures."""
    used = _pictures_of(records)
    with disk_errors(folder):
        for name in _pictures_of(kept) - used:
            (folder / name).unlink(missing_ok=True)
    for name in sorted(used):
        if not (folder / name).is_file():
            warn(f"{folder / name}: missing; the page shows it")


def _pictures_of(records: list[Record]) -> set[str]:
    return {name for record in records for name in (record.picture, record.picture_of_real) if name}
