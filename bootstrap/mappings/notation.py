"""The notation of a mapping, read and checked. Everything that is wrong with a file is said by name, in one line.

A *source* says where a value comes from: a column's name, `{column: …, split: …, …}` (see `Source`), or a list of
either. A single value is the first source that has one; a list (genres, people, alternate names …) is all of them.
"""

import difflib
import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec
import yaml

from schemas.types.catalog import Kind, OfferType, PersonRole, Quality

MAX_BYTES: Final = 256 * 1024
_UNKNOWN: Final = re.compile(r"unknown field `([^`]*)`")


class MappingError(Exception):
    """A mapping, or data that does not fit it: one line for people."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value comes from and what is done to it, in this order: `column` (of nested JSON with dots) or
    `constant`; `split` into several; `pattern` (its first group, or all of it); `values` (a table; what is not in it is
    left out, unless it has `"*"`); `date` (strptime format) or `unit` of a duration. Empty values do not count.
    """

    column: str | None = None
    constant: str | int | float | None = None
    split: str | None = None
    pattern: str | None = None
    values: dict[str, str | None] | None = None
    date: str | None = None
    unit: Literal["hours", "minutes", "seconds", "milliseconds", "h:m", "m:s"] | None = None
    optional: bool = False
    """The column may be missing from the data."""


Sources = str | Source | list[str | Source]


class FileShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the file is written. `format` is told by the ending where it is not given; `separator` by the header line."""

    format: Literal["csv", "jsonl", "json"] | None = None
    separator: str | None = None
    quote: str = '"'
    """Empty: quotes are characters like others."""
    encoding: str = "utf-8"
    columns: list[str] | None = None
    """Names of the columns of a file that has no header."""


class Scaled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ceiling`: the count that is 1; between, logarithmic. Without it the column is from 0 to 1 itself."""

    column: str
    ceiling: float | None = None


class OfferShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One offer of each item. `when`: only if these columns have these values. `provider`: the mapping's own name."""

    region: str
    type: OfferType = "subscription"
    provider: str | None = None
    quality: Quality = "unknown"
    price: Sources | None = None
    currency: str | None = None
    link: Sources | None = None
    starts_at: Sources | None = None
    ends_at: Sources | None = None
    when: dict[str, str | list[str]] = {}


class Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The canonical fields. `people` by role, `external_ids` by issuer, `age_ratings` by country, `images` by kind."""

    name: Sources
    original_name: Sources | None = None
    alternate_names: Sources | None = None
    year: Sources | None = None
    release_date: Sources | None = None
    runtime: Sources | None = None
    series_name: Sources | None = None
    season_number: Sources | None = None
    episode_number: Sources | None = None
    genres: Sources | None = None
    people: dict[PersonRole, Sources] = {}
    overview: Sources | None = None
    age_ratings: dict[str, Sources] = {}
    languages: Sources | None = None
    countries: Sources | None = None
    external_ids: dict[str, Sources] = {}
    images: dict[str, Sources] = {}
    popularity: Scaled | None = None


class FieldMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One data file of a provider. `kind` is a kind, or sources of which the first with a value gives it (in `values`,
    `"*"` stands for any value); `id` joins several columns by `:`."""

    id: str | list[str]
    kind: Kind | Source | list[Source]
    fields: Fields
    file: FileShape = FileShape()
    offers: list[OfferShape] = []
    ignore: list[str] = []
    """Columns that are known and not wanted."""

    def columns(self) -> dict[str, bool]:
        """Every column that is named, and whether the data must have it."""
        found: dict[str, bool] = {}
        for source in self._sources():
            if source.column is not None:
                found[source.column] = found.get(source.column, False) or not source.optional
        return found

    def _sources(self) -> Iterator[Source]:
        yield from sources_of(self.id)
        if not isinstance(self.kind, str):
            yield from sources_of(self.kind)
        for name in self.fields.__struct_fields__:
            value = getattr(self.fields, name)
            if isinstance(value, Scaled):
                yield Source(column=value.column)
            elif isinstance(value, dict):
                for each in value.values():
                    yield from sources_of(each)
            elif value is not None:
                yield from sources_of(value)
        for offer in self.offers:
            yield from (Source(column=name) for name in offer.when)
            for value in (offer.price, offer.link, offer.starts_at, offer.ends_at):
                yield from sources_of(value)


def sources_of(given: Sources | list[str] | list[Source] | None) -> tuple[Source, ...]:
    if given is None:
        return ()
    each = given if isinstance(given, list) else [given]
    return tuple(Source(column=one) if isinstance(one, str) else one for one in each)


def load(path: Path) -> FieldMapping:
    """Raises MappingError: which file, and what is wrong with it."""
    return parse(read_yaml(path), str(path))


def read_yaml(path: Path) -> Any:
    """Plain data. No tags, no anchors, no key twice. Raises MappingError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise MappingError(f"{path}: {len(data):,} bytes; a mapping has at most {MAX_BYTES:,}")
    try:
        return yaml.load(data.decode("utf-8-sig"), Loader=_Plain)  # noqa: S506 - a SafeLoader that refuses more
    except UnicodeDecodeError as error:
        raise MappingError(f"{path}: not UTF-8 (byte {error.start})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise MappingError(f"{path}{where}: {getattr(error, 'problem', None) or error}") from None
    except RecursionError:
        raise MappingError(f"{path}: nested too deeply") from None


def parse(raw: object, where: str) -> FieldMapping:
    """Raises MappingError that names the field and, for a misspelt one, the one that was probably meant."""
    try:
        mapping = msgspec.convert(raw, FieldMapping)
    except msgspec.ValidationError as error:
        raise MappingError(f"{where}: {_explained(str(error))}") from None
    for source in mapping._sources():
        _check(source, where)
    return mapping


def _check(source: Source, where: str) -> None:
    if (source.column is None) == (source.constant is None):
        raise MappingError(f"{where}: a source has either a column or a constant: {msgspec.to_builtins(source)}")
    if source.split == "":
        raise MappingError(f"{where}: split of {source.column} is empty; it is the text between two values")
    try:
        re.compile(source.pattern or "")
    except re.error as error:
        raise MappingError(f"{where}: pattern {source.pattern!r}: {error}") from None


def _explained(problem: str) -> str:
    found = _UNKNOWN.search(problem)
    if not found:
        return problem
    known = {name for shape in _SHAPES for name in shape.__struct_fields__} | set(get_args(PersonRole))
    near = difflib.get_close_matches(found[1], known, n=1)
    return problem + (f" (did you mean {near[0]}?)" if near else "")


_SHAPES: Final = (FieldMapping, Fields, FileShape, OfferShape, Source, Scaled)


class _Plain(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call] # no types shipped
            raise yaml.constructor.ConstructorError(
                None, None, f"alias *{event.anchor}: write it out instead", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(name, str):
                if name in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{name} stands here twice", key.start_mark)
                seen.add(name)
        return super().construct_mapping(node, deep)
