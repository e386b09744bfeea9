"""How `mg` shows things: plain lines for pipes, tables for people."""

import errno
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table


def say(line: str) -> None:
    """One line of progress; on stderr, so that --json stays clean. A log without room for it must not end who watches
    over a system."""
    try:
        click.echo(line, err=True)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def interactive() -> bool:
    return sys.stderr.isatty()


def moment(text: str) -> datetime:
    """What somebody typed, in UTC where it names no zone. Raises ValueError for what is no ISO 8601 time."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """A table on stdout; without frames when piped."""
    # No markup: `[rec]` is a film, and a broken event's detail may hold anything.
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False, emoji=False)
    made = Table(*headings, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*row)
    console.print(made)


def megabytes(size: int) -> str:
    return f"{size / 1_048_576:.0f} MB" if size else ""
