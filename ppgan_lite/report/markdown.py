"""How numbers, tables, links and lists are written on the page."""

import re
from statistics import fmean

PICTURES = "images/results"  # next to the page
SPACE = "\N{NO-BREAK SPACE}"
UNITS = (f"{SPACE}s", f"{SPACE}min", f"{SPACE}h ", f"{SPACE}min")  # seconds, minutes, hours, minutes after hours


def table(heads: list[str], rows: list[list]) -> str:
    """A table; an empty cell is a dash."""
    lines = [heads, ["---"] * len(heads), *([str(cell) or "-" for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(lines: list[str]) -> list[str]:
    """A block with a list; none without lines."""
    return ["\n".join(f"- {line}" for line in lines)] if lines else []


def link_to(heading: str, words: str | None = None) -> str:
    """A link to a heading of the same page, with its text or other words."""
    anchor = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")  # as GitHub has it
    return f"[{words or heading}](#{anchor})"


def cited(source: str) -> str:
    """The short name of a source, as a link."""
    return f"[{source}](#sources)"


def spaced(name: str) -> str:
    """The name of a figure in words: of b_to_a/l1, b to a: L1."""
    words = name.replace("_", " ").replace("/", ": ").replace("frechet", "Frechet")
    return re.sub(r"\b(l1|psnr|ssim)\b", lambda match: match[0].upper(), words)


def number(value: float) -> str:
    """A figure with four digits."""
    return f"{value:#.4g}".rstrip(".")


def numbers(values) -> str:
    """Whole numbers, like steps."""
    return ", ".join(f"{value:,}" for value in values)


def spread(values: list[float]) -> str:
    """The mean, and the lowest and the highest value if they differ; nothing without values."""
    if not values:
        return ""
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{number(fmean(values))} ({low} to {high})"


def duration(seconds: float | None, units=UNITS) -> str:
    """Seconds, minutes, or hours and minutes; nothing where they are not known."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f}{units[0]}"
    return f"{minutes}{units[1]}" if minutes < 60 else f"{minutes // 60}{units[2]}{minutes % 60:02}{units[3]}"


def image(name: str, words: str, width: int) -> str:
    """A picture of `PICTURES`, that a click enlarges."""
    return f'<img src="{PICTURES}/{name}" width="{width}" alt="{words}">'
