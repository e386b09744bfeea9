"""Named statements from `queries.sql` files.

    -- name: title_by_id
    -- The one row of a title.
    SELECT … FROM title_catalog WHERE title_id = %(title_id)s

A writer of a versioned read model names its table `title_catalog_v{v}`; the loader puts the whole number there. It is
the only substitution, and it only takes an int.
"""

import re
from functools import cache
from pathlib import Path

_HEADING = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\s*$", re.MULTILINE)
_ANY_HEADING = re.compile(r"^[ \t]*--[ \t]*name[ \t]*:.*$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


class Statements:
    """The statements of one file at one version of its read model; an unknown name is a KeyError naming the file."""

    def __init__(self, path: Path, version: int | None = None) -> None:
        self.path = path
        self.version = version
        self._statements = {
            name: text if version is None else text.replace("{v}", str(int(version)))
            for name, text in read(path).items()
        }

    def __getitem__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise KeyError(f"{self.path}: no statement named {name!r}") from None

    def names(self) -> tuple[str, ...]:
        return tuple(self._statements)


@cache
def read(path: Path) -> dict[str, str]:
    """Texts by name, without comments. Raises ValueError for text outside a statement, a name that is none or twice."""
    text = path.read_text()
    for heading in _ANY_HEADING.findall(text):
        if not _HEADING.fullmatch(heading):  # else it would pass for a comment, and two statements become one
            raise ValueError(f"{path}: {heading.strip()!r} must be '-- name: ' and lower case, digits and underscores")
    parts = _HEADING.split(text)
    if _COMMENT.sub("", parts[0]).strip():
        raise ValueError(f"{path}: text before the first '-- name: …' line")
    found: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in found:
            raise ValueError(f"{path}: {name!r} is defined twice")
        found[name] = _COMMENT.sub("", body).strip().rstrip(";")
    return found


def beside(module_file: str, version: int | None = None) -> Statements:
    """The `queries.sql` in the folder of the calling module: `sql.beside(__file__)`."""
    return Statements(Path(module_file).with_name("queries.sql"), version)
