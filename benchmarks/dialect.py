"""Count what makes our English hard to read: words and forms that the field's English does not use.

  python benchmarks/dialect.py
  python benchmarks/dialect.py CHECKOUT --lines told "comment begins with of"

Of Python files, comments and strings are searched (docstrings and messages among them); of Markdown and YAML, all but
code blocks. Chinese pages are left out.
"""

import argparse
import io
import re
import tokenize
from collections import Counter
from pathlib import Path

FOLDERS = ("ppgan_lite", "tools", "benchmarks", "configs", "docs", "tests")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "pyproject.toml")
CHINESE = ("_cn.md",)
PATTERNS = {
    "tell, told": r"\b(?:tell|tells|told|telling)\b",
    "whose": r"\bwhose\b",
    "beside, besides": r"\bbesides?\b",
    "anew": r"\banew\b",
    "part as a verb": r"\b(?:parted|parting|to part|(?:that|which|they|it|and|test) parts? (?:them|it|the|by|from))\b",
    "sentence begins with Of": r"(?:^|[.:!?] |\n\n\s*)Of (?!course)",
    "those that, that of": r"\b(?:those that|that of|those of)\b",
    "argument begins with of": r"(?m)^ {8,}[a-z_, ]+: (?:of|that|which|whether of) ",
    "comment begins with of": r"(?m)\S.*# (?:of|that|which|whose|in which|by which) ",
}


def texts(path: Path):
    """The searched texts of a file, each with its line number."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield 1, re.sub(r"(?ms)^```.*?^```", lambda block: "\n" * block[0].count("\n"), source)
        return
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line, column = token.start
        if token.type == tokenize.COMMENT:
            trailing = bool(lines[line - 1][:column].strip())
            yield line, f"x  {token.string}" if trailing else token.string.lstrip("# ")
        elif token.type in (tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)):
            yield line, re.sub(r"^[rbfu]*(\"\"\"|'''|\"|')|(\"\"\"|'''|\"|')$", "", token.string)


def occurrences(path: Path):
    """Each occurrence in a file: the pattern's name, the line number, the text around."""
    for start, text in texts(path):
        for name, pattern in PATTERNS.items():
            for match in re.finditer(pattern, text):
                around = text[max(0, match.start() - 40) : match.end() + 60].replace("\n", " ")
                yield name, start + text.count("\n", 0, match.start()), around


def files_of(checkout: Path, folder: str) -> list[Path]:
    """The files of a folder that are searched."""
    paths = [path for suffix in ("py", "md", "yml") for path in sorted((checkout / folder).rglob(f"*.{suffix}"))]
    return [path for path in paths if not path.name.endswith(CHINESE) and path.name != Path(__file__).name]


def main():
    """Print a table, or the lines of some patterns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, nargs="?", default=Path(__file__).parents[1])
    parser.add_argument("--lines", nargs="+", choices=PATTERNS, default=[], metavar="PATTERN", help=", ".join(PATTERNS))
    args = parser.parse_args()
    places = {folder: files_of(args.checkout, folder) for folder in FOLDERS}
    places["pages"] = [path for name in PAGES if (path := args.checkout / name).exists()]
    counts = Counter()
    for place, paths in places.items():
        for path in paths:
            for name, line, around in occurrences(path):
                counts[name, place] += 1
                if name in args.lines:
                    print(f"{path.relative_to(args.checkout)}:{line}: {around}")
    width = max(map(len, PATTERNS))
    print(" " * width, *(f"{place:>10}" for place in places), f"{'all':>6}")
    for name in PATTERNS:
        row = [counts[name, place] for place in places]
        print(name.ljust(width), *(f"{count:>10}" for count in row), f"{sum(row):>6}")


if __name__ == "__main__":
    main()
