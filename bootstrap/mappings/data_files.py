"""Rows of a data file that a mapping describes: CSV with any separator, JSON lines, a JSON list."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec

from bootstrap.mappings.notation import FileShape, MappingError
from bootstrap.mappings.rows import Row

MAX_LINE: Final = 4 * 1024 * 1024
"""Characters. A longer line is no row but a file that is something else."""
_SEPARATORS: Final = (",", "\t", ";", "|")
_FORMATS: Final = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json"}


def header(path: Path, shape: FileShape) -> list[str] | None:
    """The columns; None where each row has its own (JSON). Raises MappingError, as `read` does."""
    if format_of(path, shape) != "csv" or shape.columns is not None:
        return shape.columns
    with _opened(path, shape) as file:
        lines = _lines(path, file)
        return next(csv.reader(lines, **_dialect(path, shape, lines)), [])


def read(path: Path, shape: FileShape) -> Iterator[tuple[int, Row]]:
    """Line (of a JSON list: number of the item) from 1, and row. Raises MappingError while iterating: which file, which
    line, what is wrong; nothing after that line is read."""
    kind = format_of(path, shape)
    if kind == "csv":
        yield from _csv(path, shape)
    elif kind == "jsonl":
        with _opened(path, shape) as file:
            for at, line in enumerate(_lines(path, file), start=1):
                if line.strip():
                    yield at, _object(path, at, line)
    else:
        with _opened(path, shape) as file:
            try:
                found = msgspec.json.decode(file.read())
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise MappingError(f"{path}: {error}") from None
        if not isinstance(found, list):
            raise MappingError(f"{path}: a JSON file is a list of items, not {type(found).__name__}")
        for at, one in enumerate(found, start=1):
            if not isinstance(one, dict):
                raise MappingError(f"{path}: item {at} is no object")
            yield at, one


def format_of(path: Path, shape: FileShape) -> str:
    found = shape.format or _FORMATS.get(path.suffix.lower())
    if found is None:
        raise MappingError(f"{path}: say file.format in the mapping (csv, jsonl or json): the ending does not")
    return found


def sniffed(line: str) -> str:
    """The separator that a header line has most of; a comma where it has none."""
    counts = Counter(character for character in line if character in _SEPARATORS)
    return max(_SEPARATORS, key=lambda one: (counts[one], -_SEPARATORS.index(one)))


def _csv(path: Path, shape: FileShape) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(MAX_LINE)
    with _opened(path, shape) as file:
        lines = _lines(path, file)
        reader = csv.reader(lines, **_dialect(path, shape, lines))
        try:
            columns = shape.columns or next(reader, [])
            if twice := [name for name, count in Counter(columns).items() if count > 1]:
                raise MappingError(f"{path}:1: column {twice[0]!r} stands there twice")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(columns):
                    problem = f"{len(cells)} columns where the header has {len(columns)} (is the separator right?)"
                    raise MappingError(f"{path}:{reader.line_num}: {problem}")
                yield reader.line_num, dict(zip(columns, cells, strict=True))
        except csv.Error as error:
            raise MappingError(f"{path}:{reader.line_num}: {error}") from None


def _dialect(path: Path, shape: FileShape, lines: "_Peekable") -> dict[str, Any]:
    separator = shape.separator or ("\t" if path.suffix.lower() == ".tsv" else sniffed(lines.peek()))
    if len(separator) != 1:
        raise MappingError(f"{path}: a separator is one character, not {separator!r}")
    if not shape.quote:
        return {"delimiter": separator, "quoting": csv.QUOTE_NONE}
    return {"delimiter": separator, "quotechar": shape.quote}


def _opened(path: Path, shape: FileShape) -> TextIO:
    encoding = "utf-8-sig" if shape.encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else shape.encoding
    try:
        return path.open(encoding=encoding, newline="")
    except LookupError:
        raise MappingError(f"{path}: no encoding {shape.encoding!r}") from None
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror or error}") from None


class _Peekable(Iterator[str]):
    """Lines, none longer than MAX_LINE (one without an end would fill the memory), and a look at the first."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path, self._file, self._at = path, file, 0
        self._next: str | None = None

    def peek(self) -> str:
        if self._next is None:
            self._next = next(self, "")
            self._at -= bool(self._next)
        return self._next

    def __next__(self) -> str:
        if self._next:
            line, self._next = self._next, None
            self._at += 1
            return line
        try:
            line = self._file.readline(MAX_LINE + 1)
        except UnicodeDecodeError as error:
            where = f"{self._path}:{self._at + 1}"
            raise MappingError(f"{where}: not {error.encoding}: {error.reason} (file.encoding says it)") from None
        if not line:
            raise StopIteration
        self._at += 1
        if len(line) > MAX_LINE:
            raise MappingError(f"{self._path}:{self._at}: a line of more than {MAX_LINE:,} characters")
        if "\0" in line:
            raise MappingError(f"{self._path}:{self._at}: a NUL character: this is no text (or UTF-16: file.encoding)")
        return line


def _lines(path: Path, file: TextIO) -> _Peekable:
    return _Peekable(path, file)


def _object(path: Path, at: int, line: str) -> Row:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MappingError(f"{path}:{at}: {error}") from None
    if not isinstance(found, dict):
        raise MappingError(f"{path}:{at}: a line is one JSON object, not {type(found).__name__}")
    return found


def columns_of(rows: Iterator[tuple[int, Row]], most: int = 1000) -> list[str]:
    """Columns that the first rows have, in order of appearance."""
    return list(dict.fromkeys(name for _, row in islice(rows, most) for name in row))
