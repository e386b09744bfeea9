"""The named statements of `queries.sql` (`-- name: …` before each)."""

import re
from pathlib import Path
from typing import Final

_HEADING: Final = re.compile(r"^-- name: ([a-z_]+)$", re.MULTILINE)


def read(path: Path) -> dict[str, str]:
    _, *parts = _HEADING.split(path.read_text())
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
