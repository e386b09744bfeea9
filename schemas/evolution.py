"""Which changes of a schema keep old and new messages readable (Avro 1.12 specification, "Schema Resolution").

`full_transitive` means: every registered version reads every other. So a consumer may be older or newer than the
producer, and a compacted topic stays readable from its first message.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

from schemas import loader

_PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def unreadable(writer: loader.JSON, reader: loader.JSON) -> list[str]:
    """Why some message written with `writer` cannot be read with `reader`; empty when all can.

    Both are self-contained schemas. A union is judged strictly: every branch of the writer must be readable.
    """
    return list(_Resolution(writer, reader).problems(writer, reader, ""))


def incompatible(versions: Sequence[tuple[str, loader.JSON]]) -> list[str]:
    """Problems between any two of the labelled versions, in either direction."""
    return [
        f"messages of {written} cannot be read as {read}: {problem}"
        for (written, writer), (read, reader) in permutations(versions, 2)
        for problem in unreadable(writer, reader)
    ]


class _Resolution:
    """One comparison: remembers named types, since Avro defines each only once, and what is already compared."""

    def __init__(self, writer: loader.JSON, reader: loader.JSON) -> None:
        self._writer_names = dict(named_types(writer))
        self._reader_names = dict(named_types(reader))
        self._compared: set[tuple[str, str]] = set()

    def problems(self, writer: Any, reader: Any, path: str) -> Iterator[str]:
        writer = self._writer_names.get(writer, writer) if isinstance(writer, str) else writer
        reader = self._reader_names.get(reader, reader) if isinstance(reader, str) else reader
        if isinstance(writer, list):
            for branch in writer:
                yield from self.problems(branch, reader, path)
            return
        if isinstance(reader, list):
            # The reader takes the first branch that fits; the nearest miss is what is worth telling.
            tries = [list(self.problems(writer, branch, path)) for branch in reader]
            yield from min(tries, key=len)
            return
        kind, wanted = _kind(writer), _kind(reader)
        where = path or "the record"
        if kind != wanted:
            if wanted not in _PROMOTIONS.get(kind, ()):
                yield f"{where} is {kind}, the reader wants {wanted}"
        elif kind in ("record", "enum", "fixed"):
            pair = (loader.full_name(writer), loader.full_name(reader))
            if pair not in self._compared:
                self._compared.add(pair)
                yield from self._named(writer, reader, path)
        elif kind == "array":
            yield from self.problems(writer["items"], reader["items"], f"{path}[]")
        elif kind == "map":
            yield from self.problems(writer["values"], reader["values"], f"{path}{{}}")
        if _logical(writer) != _logical(reader):
            yield f"{where} means {_logical(writer)}, the reader wants {_logical(reader)}"

    def _named(self, writer: loader.JSON, reader: loader.JSON, path: str) -> Iterator[str]:
        where = path or "the record"
        if writer["name"] != reader["name"]:
            yield f"{where} is called {writer['name']}, the reader wants {reader['name']}"
        elif writer["type"] == "fixed":
            if writer["size"] != reader["size"]:
                yield f"{where} has {writer['size']} bytes, the reader wants {reader['size']}"
        elif writer["type"] == "enum":
            unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
            if unknown and "default" not in reader:
                yield f"{where} may be {', '.join(unknown)}, unknown to the reader, which has no default symbol"
        else:
            written = {field["name"]: field for field in writer["fields"]}
            for field in reader["fields"]:
                place = f"{path}.{field['name']}".lstrip(".")
                if field["name"] in written:
                    yield from self.problems(written[field["name"]]["type"], field["type"], place)
                elif "default" not in field:
                    yield f"{place} is not written and has no default: give it one"


def named_types(schema: Any) -> Iterator[tuple[str, loader.JSON]]:
    """Every record, enum and fixed defined inside a schema, by full name, outermost first."""
    if isinstance(schema, list):
        for branch in schema:
            yield from named_types(branch)
    elif isinstance(schema, dict):
        if schema["type"] in ("record", "enum", "fixed"):
            yield loader.full_name(schema), schema
        for field in schema.get("fields", ()):
            yield from named_types(field["type"])
        for part in ("items", "values"):
            yield from named_types(schema.get(part))


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _logical(schema: Any) -> str | None:
    found = schema.get("logicalType") if isinstance(schema, dict) else None
    return None if found is None else str(found)
