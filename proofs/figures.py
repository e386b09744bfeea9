"""What every measuring command reports: figures against bars, as a table, as JSON and as an exit code."""

import sys
from collections.abc import Sequence
from typing import Literal, Self, TextIO

import msgspec
from rich.console import Console
from rich.table import Table

Comparison = Literal["≥", "≤"]


class Figure(msgspec.Struct, frozen=True):
    """One measured value. `bar` says what it is held to ("≥ 100000"), empty when it is only for information.

    `samples` is how many measurements the value comes from.
    """

    name: str
    value: float
    unit: str
    bar: str
    holds: bool
    samples: int

    @classmethod
    def against(cls, name: str, value: float, unit: str, comparison: Comparison, limit: float, samples: int) -> Self:
        """A figure that must be at least, or at most, `limit`. NaN holds no bar: nothing was measured."""
        holds = value >= limit if comparison == "≥" else value <= limit
        return cls(name, value, unit, f"{comparison} {short(limit)}", holds, samples)

    @classmethod
    def information(cls, name: str, value: float, unit: str, samples: int) -> Self:
        return cls(name, value, unit, "", True, samples)


def short(value: float) -> str:
    """Three figures after the point at most, thousands apart, no trailing zeros."""
    text = f"{value:,.3f}" if abs(value) < 1000 else f"{value:,.0f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exit_code(figures: Sequence[Figure]) -> int:
    """0 only when something was measured and every bar holds."""
    return 0 if figures and all(figure.holds for figure in figures) else 1


def to_json(figures: Sequence[Figure]) -> bytes:
    """A list of `{name, value, unit, bar, holds, samples}`."""
    return msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n"


def print_table(figures: Sequence[Figure], title: str = "", file: TextIO | None = None) -> None:
    table = Table(title=title or None, title_justify="left")
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("bar", no_wrap=True)
    table.add_column("holds", no_wrap=True)
    table.add_column("samples", justify="right", no_wrap=True)
    for figure in figures:
        held = "" if not figure.bar else ("yes" if figure.holds else "[bold red]NO[/]")
        table.add_row(figure.name, short(figure.value), figure.unit, figure.bar, held, f"{figure.samples:,}")
    Console(file=file or sys.stdout, width=None if (file or sys.stdout).isatty() else 120).print(table)


def report(figures: Sequence[Figure], *, as_json: bool = False, title: str = "") -> int:
    """Prints the figures one way or the other and returns the command's exit code."""
    if as_json:
        sys.stdout.write(to_json(figures).decode())
    else:
        print_table(figures, title)
    return exit_code(figures)
