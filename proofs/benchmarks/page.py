"""The tables of `docs/performance.md`: made from recorded runs (`docs/performance.json`), compared by a test."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from proofs.figures import Figure, short

PAGE: Final = "docs/performance.md"


class Recorded(Struct, omit_defaults=True):
    """One benchmark's figures, the day they were taken, and the command when it is not `mg bench` and its name."""

    day: str
    figures: list[Figure]
    command: str = ""


def read(path: Path) -> dict[str, Recorded]:
    """By the benchmark's name. Empty without the file."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Recorded]) if path.exists() else {}


def add(path: Path, name: str, figures: list[Figure], command: str = "") -> None:
    """Puts a run into the file, in place of the last one of its name."""
    run = Recorded(datetime.now(UTC).date().isoformat(), figures, command)
    runs = dict(sorted({**read(path), name: run}.items()))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(runs), indent=1) + b"\n")


def section(name: str, run: Recorded) -> str:
    """What the page must contain of one benchmark."""
    lines = [f"`{run.command or f'mg bench {name}'}`, {run.day}:", ""]
    lines += ["| figure | value | bar | | samples |", "| --- | ---: | --- | --- | ---: |"]
    for each in run.figures:
        unit = f" {each.unit}" if each.unit else ""
        held = "" if not each.bar else "holds" if each.holds else "**missed**"
        lines.append(f"| {each.name} | {short(each.value)}{unit} | {each.bar} | {held} | {each.samples:,} |")
    return "\n".join(lines)
