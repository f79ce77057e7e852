"""The page of results: tables, pictures and verdicts from the folders of runs, beside what others claim.

No figure on it is typed by hand: ours come from the runs' records, those of others, with their sources, from a YAML
file. The same runs give the same bytes.

- names: what runs are called, by the configs they are nearest to.
- measured: evaluated runs, in groups of one name, in sections that can be compared.
- claims: what others claim, and the check of the file it stands in.
- answers: a verdict on each question, with the figures it rests on.
- page, section, curves: the page, what is on it of each section, and its plot.
- markdown: how numbers, tables and lists are written.
"""

from pathlib import Path

from ppgan_lite.files import disk_errors, writing
from ppgan_lite.report.claims import Claims
from ppgan_lite.report.markdown import PICTURES
from ppgan_lite.report.measured import find_runs, sections_of
from ppgan_lite.report.names import Configs
from ppgan_lite.report.page import render


def report(folders: list[Path], out: Path, claims_file: Path, configs_folder: Path):
    """Write the page of all evaluated runs in and below some folders, and its pictures beside it.

    Args:
        folders: that hold runs, at any depth.
        out: the page; its pictures go to images/results/ beside it.
        claims_file: see `Claims`.
        configs_folder: of the configs that runs are named by.

    Raises:
        UserError: there are no evaluated runs; two cannot be compared; a claim is wrong; a file cannot be written.
    """
    configs = Configs(configs_folder)
    claims = Claims.read(claims_file, configs)
    sections = sections_of(find_runs(folders, configs))
    text, pictures = render(folders, claims_file, claims, sections)
    folder = out.parent / PICTURES
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for path, content in {out: text.encode(), **{folder / name: picture for name, picture in pictures.items()}}.items():
        with writing(path) as stream:
            stream.write(content)
    print(f"{out} written (runs: {sum(len(section.runs) for section in sections)})")
