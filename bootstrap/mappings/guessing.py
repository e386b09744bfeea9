"""A first mapping for a file nobody has described: columns are told by their names and by what stands in them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bootstrap.mappings import data_files
from bootstrap.mappings.notation import FileShape, MappingError
from bootstrap.mappings.rows import Row
from streams.processors.normalization.countries import country_code
from streams.processors.normalization.durations import parse_duration
from streams.processors.normalization.fields import words

SAMPLE: Final = 500
"""Rows that are looked at."""
_MOST: Final = 0.8
"""Share of the filled cells that must look like a field to be taken for it."""

_KINDS: Final = {
    "movie": "movie", "movies": "movie", "film": "movie", "feature": "movie", "show": "series", "shows": "series",
    "tv show": "series", "tvshow": "series", "tv": "series", "series": "series", "tv series": "series",
    "tvseries": "series", "tvmovie": "movie", "miniseries": "series", "episode": "episode", "tvepisode": "episode",
    "season": "season", "track": "track", "song": "track", "album": "album",
}  # fmt: skip

# Field → names of columns, as words; the first that fits takes the column.
_NAMED: Final[Sequence[tuple[str, str]]] = (
    ("id", r"^(?:id|.* id|sku|key|uri|show id|item id)$"),
    ("kind", r"^(?:type|kind|content type|media type|category|title type)$"),
    ("name", r"^(?:title|name|movie title|track name|song name|song|track|primary title|movie|show)$"),
    ("original_name", r"^original (?:title|name)$"),
    ("alternate_names", r"^(?:aka|akas|alternate|alternative)(?: titles?| names?)?$"),
    ("year", r"^(?:year|release year|released year|start year|year of release)$"),
    ("release_date", r"^(?:released?|release date|date|premiere(?:d)?|air date|first air date)$"),
    ("runtime", r"^(?:runtime|duration|length|time|run time|runtime minutes|minutes)$"),
    ("season_number", r"^seasons? (?:number|no)$|^season$"),
    ("episode_number", r"^episode(?: number| no)?$"),
    ("series_name", r"^(?:series|series (?:name|title)|album|album name)$"),
    ("genres", r"^(?:genres?|listed in|categories|genre list)$"),
    ("overview", r"^(?:overview|description|synopsis|plot|summary|abstract)$"),
    ("languages", r"^(?:languages?|original language)$"),
    ("countries", r"^(?:countr(?:y|ies)|production countr(?:y|ies)|origin country)$"),
    ("people.director", r"^(?:directors?|director name|directed by)$"),
    ("people.writer", r"^(?:writers?|written by|screenplay)$"),
    ("people.actor", r"^(?:cast|actors?|stars?|starring|actor name)$"),
    ("people.artist", r"^(?:artists?|artist s name|artist name|performer)$"),
    ("people.composer", r"^(?:composers?|music by)$"),
    ("external_ids.imdb", r"^imdb(?: id)?$|^tconst$"),
    ("external_ids.tmdb", r"^tmdb(?: id)?$"),
    ("external_ids.wikidata", r"^wikidata(?: id)?$"),
    ("external_ids.isrc", r"^isrc$"),
    ("age_ratings.US", r"^(?:rating|age certification|certification|mpaa|rated|age)$"),
    ("images.poster", r"^(?:poster|image|cover|poster url|image url|thumbnail)$"),
)
_OTHER_DATE: Final = re.compile(r"added|updated|modified|created|last|birth|death")
_SINGLE: Final = frozenset({"id", "kind", "name", "year", "release_date", "runtime", "overview", "original_name"})
_SHAPES: Final[Sequence[tuple[str, Callable[[str], object]]]] = (
    ("external_ids.imdb", re.compile(r"^tt\d{7,9}$").match),
    ("external_ids.isrc", re.compile(r"^[A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5}$").match),
    ("external_ids.wikidata", re.compile(r"^Q\d{3,}$").match),
    ("year", re.compile(r"^(?:19|20)\d\d(?:\.0)?$").match),
    ("runtime", lambda text: not text.isdigit() and parse_duration(text)),
    ("images.poster", re.compile(r"^https://\S+\.(?:jpe?g|png|webp)", re.IGNORECASE).match),
    ("release_date", re.compile(r"^(?:19|20)\d\d-\d\d-\d\d").match),
    ("countries", lambda text: not text.isdigit() and all(map(country_code, words(text)))),
)  # fmt: skip


def guess(path: Path) -> tuple[dict[str, Any], list[str]]:
    """A mapping as plain data, and the columns that nothing is made of. Raises MappingError when the file cannot be
    read or nothing in it can be a name."""
    shape = FileShape()
    rows = [row for _, row in islice(data_files.read(path, shape), SAMPLE)]
    columns = data_files.header(path, shape) or list(dict.fromkeys(name for row in rows for name in row))
    if not rows:
        raise MappingError(f"{path}: no rows to look at")
    fields = _fields(columns, rows)
    name = fields.pop("name", None) or _wordiest(columns, rows, fields)
    if name is None:
        raise MappingError(f"{path}: no column that can be a name; there are: {', '.join(columns)}")
    kind = fields.pop("kind", None)
    key = fields.pop("id", None)
    mapping: dict[str, Any] = {
        "id": key
        or _identifying([*filter(None, (fields.get("people.artist"), fields.get("year"))), *columns], rows, name),
        "kind": _kind(kind, rows) if kind else _kind_of_all(fields),
        "fields": {"name": name, **_nested(fields)},
    }
    if data_files.format_of(path, shape) == "csv" and (found := _separator(path)) != ",":
        mapping["file"] = {"separator": found}
    taken = {name, kind, key, *fields.values()} | set(mapping["id"] if isinstance(mapping["id"], list) else ())
    return mapping, [column for column in columns if column not in taken]


def _separator(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return "\t" if path.suffix.lower() == ".tsv" else data_files.sniffed(file.readline(100_000))


def _fields(columns: Iterable[str], rows: Sequence[Row]) -> dict[str, str]:
    """Column by field. By name first, as long as the values do not say otherwise, then by values."""
    found: dict[str, str] = {}
    for column in columns:
        words_of = _words_of(column)
        for field, pattern in _NAMED:
            if field not in found and re.match(pattern, words_of) and _plausible(field, column, rows):
                found[field] = column
                break
    for column in columns:
        if column in found.values():
            continue
        for field, fits in _SHAPES:
            if field == "release_date" and _OTHER_DATE.search(_words_of(column)):
                continue
            if field not in found and _share(column, rows, fits) >= _MOST:
                found[field] = column
                break
    return found


def _words_of(column: str) -> str:
    """`releaseYear`, `http://x.example/ontology/release_year` and `Release Year` are written one way."""
    last = column.rstrip("/").rpartition("/")[2].rpartition("#")[2]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last)
    return " ".join(re.findall(r"[a-z0-9]+", spaced.lower()))


def _cells(column: str, rows: Sequence[Row]) -> list[str]:
    return [text for row in rows if (text := str(row.get(column) if row.get(column) is not None else "").strip())]


def _share(column: str, rows: Sequence[Row], fits: Callable[[str], object]) -> float:
    cells = _cells(column, rows)
    return sum(bool(fits(cell)) for cell in cells) / len(cells) if cells else 0.0


def _plausible(field: str, column: str, rows: Sequence[Row]) -> bool:
    if field == "id":
        cells = _cells(column, rows)
        return len(cells) == len(rows) == len(set(cells))
    if field == "kind":
        return _share(column, rows, lambda text: text.lower() in _KINDS) >= _MOST
    if field == "year":
        return _share(column, rows, re.compile(r"(?:18|19|20)\d\d").search) >= _MOST
    if field == "runtime":
        return _share(column, rows, lambda text: parse_duration(text) or re.match(r"^\d+:\d\d", text)) >= _MOST
    if field in {"season_number", "episode_number"}:
        return _share(column, rows, str.isdigit) >= _MOST
    return field in _SINGLE or bool(_cells(column, rows))


def _wordiest(columns: Iterable[str], rows: Sequence[Row], taken: Mapping[str, str]) -> str | None:
    """The column of short texts that repeats least."""
    best, most = None, 0
    for column in columns:
        cells = _cells(column, rows)
        texts = [cell for cell in cells if re.search(r"[^\W\d]", cell) and len(cell) <= 120]
        if column not in taken.values() and len(texts) >= _MOST * len(rows) and len(set(texts)) > most:
            best, most = column, len(set(texts))
    return best


def _identifying(columns: Sequence[str], rows: Sequence[Row], name: str) -> str | list[str]:
    """The first column without repetitions, else the name with what tells equal names apart."""
    for column in columns:
        cells = _cells(column, rows)
        if column != name and len(cells) == len(rows) == len(set(cells)) and max(map(len, cells)) <= 20:
            return column
    for column in columns:
        pairs = {(row.get(name), row.get(column)) for row in rows}
        if column != name and len(pairs) == len(rows) and len(_cells(column, rows)) == len(rows):
            return [name, column]
    return name


def _kind(column: str, rows: Sequence[Row]) -> dict[str, Any]:
    cells = dict.fromkeys(_cells(column, rows))
    return {"column": column, "values": {cell: _KINDS[cell.lower()] for cell in cells if cell.lower() in _KINDS}}


def _kind_of_all(fields: Mapping[str, str]) -> str:
    if "people.artist" in fields or "external_ids.isrc" in fields:
        return "track"
    return "episode" if "episode_number" in fields else "movie"


def _nested(fields: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, column in fields.items():
        group, _, inner = field.partition(".")
        if inner:
            found.setdefault(group, {})[inner] = column
        else:
            found[group] = column
    return found
