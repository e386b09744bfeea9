"""Providers' native files as raw items, ready to be sent through the webhook: what `mg catalog import` reads.

Nothing is cleaned here: an item's body is what the file says, so that the pipeline sees the provider's own dirt.
Every problem is a CatalogFileError that names the file and, where there is one, the line.
"""

import csv
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.processors.normalization.adapters import ADAPTERS

_PLATFORM_COLUMNS: Final = frozenset({"show_id", "type", "title", "release_year", "listed_in"})
_JUSTWATCH_COLUMNS: Final = frozenset({"id", "title", "type", "release_year", "genres"})
_MOVIELENS_COLUMNS: Final = frozenset({"item_id", "movie_title"})
_OMDB_COLUMNS: Final = frozenset({"ID", "Title"})
_MAX_CELL: Final = 1024 * 1024

PLATFORM_OF_FILE: Final = {
    "netflix": "netflix",
    "hbo": "hbo_max",
    "hbo_max": "hbo_max",
    "disney": "disney_plus",
    "disney_plus": "disney_plus",
    "hulu": "hulu",
    "apple": "apple_tv_plus",
    "apple_tv_plus": "apple_tv_plus",
}
"""JustWatch's files are named `<this>_titles.csv`."""

# One column from the review table: how many critics wrote about the film is its only measure of popularity.
_WITH_REVIEWS: Final = "SELECT omdb.*, tomatoes.Reviews FROM omdb LEFT JOIN tomatoes USING (ID) ORDER BY omdb.ID"
_WITHOUT_REVIEWS: Final = "SELECT * FROM omdb ORDER BY ID"


class CatalogFileError(Exception):
    """A file cannot be read: which, where, why."""

    def __init__(self, path: Path, problem: str, line: int | None = None) -> None:
        super().__init__(f"{path}:{line}: {problem}" if line else f"{path}: {problem}")
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class RawItem:
    """`body` is the item as the provider has it. `source_time` (UTC) is None where the file does not say."""

    native_id: str
    body: dict[str, Any]
    source_time: datetime | None = None


def read_native(provider: str, path: Path) -> Iterator[RawItem]:
    """Items of one file in its order. The kind of file is told by its ending; `.jsonl` (one raw item a line) and
    `.json` (a list of raw items) work for every provider. Raises CatalogFileError, while iterating."""
    if provider not in ADAPTERS:
        known = ", ".join(ADAPTERS)
        raise CatalogFileError(path, f"no provider {provider!r}; known are {known}, and any other with --mapping")
    if not path.is_file():
        raise CatalogFileError(path, "no such file")
    ending = path.suffix.lower()
    reader = _NATIVE.get((provider, ending)) or _READERS.get(ending)
    if reader is None:
        endings = [*(native for known, native in _NATIVE if known == provider), *_READERS]
        raise CatalogFileError(path, f"{provider} files end in {', '.join(endings)}")
    for line, body in reader(path):
        native_id = ADAPTERS[provider].native_id(body)
        if native_id is None:
            raise CatalogFileError(path, "the item has no id", line)
        yield RawItem(native_id, body, _source_time(provider, body))


Numbered = Iterator[tuple[int, dict[str, Any]]]
"""Line (of a database: row) from 1, and raw item."""


def _jsonl(path: Path) -> Numbered:
    with path.open("rb") as file:
        for at, line in enumerate(file, start=1):
            if line := line.removeprefix(b"\xef\xbb\xbf").strip():
                yield at, _object(path, at, line)


def _json(path: Path) -> Numbered:
    for at, raw in enumerate(_decoded(path, None, path.read_bytes(), list[msgspec.Raw]), start=1):
        yield at, _object(path, None, bytes(raw), f"item {at}: ")


def _movielens_items(path: Path) -> Numbered:
    """RecBole's atomic file: tabs, no quoting, `name:type` in the header."""
    return _rows(path, _MOVIELENS_COLUMNS, delimiter="\t", quoting=csv.QUOTE_NONE)


def _platform_csv(path: Path) -> Numbered:
    return _rows(path, _PLATFORM_COLUMNS)


def _justwatch_csv(path: Path) -> Numbered:
    platform = PLATFORM_OF_FILE.get(path.stem.lower().removesuffix("_titles"))
    if platform is None:
        names = ", ".join(f"{name}_titles.csv" for name in PLATFORM_OF_FILE)
        raise CatalogFileError(path, f"the platform of a JustWatch file is told by its name, one of {names}")
    for at, row in _rows(path, _JUSTWATCH_COLUMNS):
        yield at, {**row, "_platform": platform}


def _wikidata_db(path: Path) -> Numbered:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "omdb" not in tables:
                raise CatalogFileError(path, "has no table omdb")
            rows = database.execute(_WITH_REVIEWS if "tomatoes" in tables else _WITHOUT_REVIEWS)
            columns = [column[0] for column in rows.description]
            _check_header(path, columns, _OMDB_COLUMNS)
            for at, row in enumerate(rows, start=1):
                yield at, {name: value for name, value in zip(columns, row, strict=True) if value is not None}
    except sqlite3.Error as error:
        raise CatalogFileError(path, f"not a readable SQLite database: {error}") from error


def _rows(path: Path, required: frozenset[str], **dialect: Any) -> Numbered:
    csv.field_size_limit(_MAX_CELL)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, **dialect)
        try:
            columns = [name.partition(":")[0].strip() for name in next(reader, [])]
            _check_header(path, columns, required)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(columns):
                    problem = f"{len(cells)} columns where the header has {len(columns)}"
                    raise CatalogFileError(path, problem, reader.line_num)
                yield reader.line_num, dict(zip(columns, cells, strict=True))
        except csv.Error as error:
            raise CatalogFileError(path, str(error), reader.line_num) from error
        except UnicodeDecodeError as error:
            raise CatalogFileError(path, f"not UTF-8: {error.reason}", reader.line_num + 1) from error


def _check_header(path: Path, columns: list[str], required: frozenset[str]) -> None:
    if missing := sorted(required - set(columns)):
        raise CatalogFileError(path, f"not this provider's file: no column {', '.join(missing)}", 1)


def _object(path: Path, line: int | None, data: bytes, where: str = "") -> dict[str, Any]:
    found = _decoded(path, line, data, object, where)
    if not isinstance(found, dict):
        raise CatalogFileError(path, f"{where}a raw item is a JSON object, not {type(found).__name__}", line)
    return found


def _decoded(path: Path, line: int | None, data: bytes, shape: Any, where: str = "") -> Any:
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CatalogFileError(path, f"{where}{error}", line) from error


def _source_time(provider: str, body: Mapping[str, Any]) -> datetime | None:
    """Only Wikidata's rows say when they changed, to the day."""
    if provider != "wikidata" or not isinstance(changed := body.get("lastUpdated"), str):
        return None
    try:
        return datetime.combine(date.fromisoformat(changed[:10]), time(), UTC)
    except ValueError:
        return None


_READERS: Final[dict[str, Callable[[Path], Numbered]]] = {".jsonl": _jsonl, ".json": _json}
_NATIVE: Final[dict[tuple[str, str], Callable[[Path], Numbered]]] = {
    ("wikidata", ".db"): _wikidata_db,
    ("movielens", ".item"): _movielens_items,
    ("netflix", ".csv"): _platform_csv,
    ("disney_plus", ".csv"): _platform_csv,
    ("hulu", ".csv"): _platform_csv,
    **{
        (name, ".csv"): _platform_csv
        for name in ("prime_video", "hbo_max", "apple_tv_plus", "paramount_plus", "peacock")
    },
    ("justwatch", ".csv"): _justwatch_csv,
}
