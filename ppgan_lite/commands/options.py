"""Print the keys of the config: of a method, network, data set, optimizer or section."""

import textwrap
from typing import NamedTuple

from ppgan_lite.config.load import example_config, usable_networks
from ppgan_lite.config.optim import OPTIMIZERS
from ppgan_lite.config.train import Train
from ppgan_lite.data.options import DATASETS
from ppgan_lite.errors import UserError
from ppgan_lite.methods.options import METHODS
from ppgan_lite.schema.check import nearest
from ppgan_lite.schema.describe import describe, summary

WIDTH = 100  # columns


def print_options(name: str | None):
    """Print the keys of everything called `name`, or, without one, all names.

    Raises:
        UserError: there is no such name.
    """
    tables = _tables()
    if name is None:
        texts = [
            "Names of options, by the sections of a config. train has no names: see `options train`.",
            *map(_list, tables),
        ]
    else:
        texts = _about(name, tables)
    print("\n\n".join(texts))


class Table(NamedTuple):
    """The classes of options that a section of a config can have, by `name`."""

    sections: tuple[str, ...]
    classes: dict[str, type]
    methods: tuple[str, ...]  # the only methods that have it; empty: most, or all

    @property
    def title(self) -> str:
        """The sections, and the methods where they matter."""
        return " or ".join(self.sections) + (f" of {', '.join(self.methods)}" if self.methods else "")


def _tables() -> list[Table]:
    """Every table once."""
    found = {}  # the classes of a table -> its sections and methods, each once and in order
    for name, method in METHODS.items():
        for section, classes in method.NETWORKS.items():
            sections, methods = found.setdefault(tuple(classes.items()), ({}, {}))
            sections[section] = methods[name] = None
    networks = [
        Table(tuple(sections), dict(classes), () if _is_usual(sections, methods, found) else tuple(methods))
        for classes, (sections, methods) in found.items()
    ]
    return [
        Table(("method",), METHODS, ()),
        *networks,
        Table(("optim",), OPTIMIZERS, ()),
        Table(("data",), DATASETS, ()),
    ]


def _is_usual(sections, methods, found: dict) -> bool:
    """Whether it goes without saying which methods have a table: no other table of its sections has more of them."""
    return all(len(methods) >= len(others) for its, others in found.values() if sections.keys() & its.keys())


def _about(name: str, tables: list[Table]) -> list[str]:
    """A text for each section and each class of options called `name`."""
    texts = [_list(table) for table in tables if name in table.sections]
    for table in tables:
        if name in table.classes:
            keys = [key for key in describe(table.classes[name]) if key.name != "name"]
            texts.append(_keys(f"{table.title}: {{name: {name}}}", table.classes[name], keys))
    if name in METHODS:
        texts.append(_sections(METHODS[name](name)))
    if name == "train":
        texts.append(_keys("train:", Train, describe(Train)))
    if not texts:
        names = ["train", *(word for table in tables for word in (*table.sections, *table.classes))]
        raise UserError(f"unknown name {name!r}; without a name this command lists all{nearest(name, names)}")
    return texts


def _list(table: Table) -> str:
    """The names of one table, with a line for each."""
    width = max(map(len, table.classes))
    lines = [
        textwrap.fill(summary(cls), WIDTH, initial_indent=f"  {name:<{width}}  ", subsequent_indent=" " * (width + 4))
        for name, cls in table.classes.items()
    ]
    return "\n".join([f"{table.title}:", *lines])


def _keys(title: str, cls: type, keys: list) -> str:
    """A class of options: its summary, and each key with its default, type and comment."""
    lines = [title, textwrap.fill(summary(cls), WIDTH)]
    starts = [f"{key.name}: {'(required)' if key.default is None else key.default}" for key in keys]
    width = max(map(len, starts), default=0)
    for start, key in zip(starts, keys, strict=True):
        for i, text in enumerate(filter(None, (key.type, key.comment))):
            first = f"  {start if i == 0 else '':<{width}}  "
            lines.append(textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first)))
    return "\n".join(lines if keys else [*lines, "  no keys but name"])


def _sections(method) -> str:
    """The other sections of a config of a method."""
    rows = {
        **{section: f"one of {', '.join(usable_networks(method, section))}" for section in method.NETWORKS},
        "optim": f"{', '.join(method.trains)}: each one of {', '.join(OPTIMIZERS)}",
        "data": f"a data set with the fields {', '.join(method.takes)}",
        "train": "the length of the run, and what it writes",
    }
    width = max(map(len, rows))
    lines = [f"  {section:<{width}}  {text}" for section, text in rows.items()]
    example = example_config(method.name)
    ends = [f"Example: -c {example}"] if example else []
    return "\n".join([f"With these defaults, a config of {method.name} also has the sections:", *lines, *ends])
