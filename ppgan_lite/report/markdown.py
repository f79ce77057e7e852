"""How numbers, tables and lists are written on the page, and where its pictures lie."""

from statistics import fmean

PICTURES = "images/results"  # beside the page


def table(heads: list[str], rows: list[list]) -> str:
    """A table; an empty cell is a dash."""
    lines = [heads, ["---"] * len(heads), *([str(cell) or "-" for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def listed(title: str, lines: list[str]) -> list[str]:
    """The blocks of a list under a title; none without lines."""
    return [title, "\n".join(f"- {line}" for line in lines)] if lines else []


def cited(source: str) -> str:
    """The short name of a source, as a link."""
    return f"[{source}](#sources)"


def spaced(name: str) -> str:
    """The name of a metric in words."""
    return name.replace("_", " ")


def number(value: float) -> str:
    """A figure with four digits."""
    return f"{value:#.4g}".rstrip(".")


def numbers(values) -> str:
    """Whole numbers, like steps."""
    return ", ".join(f"{value:,}" for value in values)


def spread(values: list[float]) -> str:
    """The mean, and the lowest and the highest value where they differ."""
    if len(set(values)) < 2:
        return number(values[0]) if values else ""
    return f"{number(fmean(values))} ({number(min(values))} to {number(max(values))})"


def duration(seconds: float) -> str:
    """Seconds, minutes, or hours and minutes."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
