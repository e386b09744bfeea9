"""A row of a provider's data and a mapping → an item in our own shape (`adapters/canonical.py`). Pure.

Only shapes are changed here: columns become fields, texts are split, dates and durations become ISO dates and minutes.
What a genre, a country or an id is, the normalization processor decides for all providers alike.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from bootstrap.mappings.notation import FieldMapping, MappingError, OfferShape, Scaled, Source, Sources, sources_of
from streams.processors.normalization.durations import parse_duration
from streams.processors.normalization.fields import identifier, text, words
from streams.processors.normalization.people import split_people
from streams.processors.normalization.popularity import log_scaled

Row = Mapping[str, Any]
"""Column → text (CSV), or any JSON value."""

_LONGEST: Final = 20_000
"""Characters of a cell that are looked at."""
_PER_MINUTE: Final = {"minutes": 1.0, "hours": 1 / 60, "seconds": 60.0, "milliseconds": 60_000.0}
_CLOCK: Final = re.compile(r"^(?:(\d{1,3}):)?(\d{1,3}):(\d{2})$")
_MONEY: Final = re.compile(r"\d+(?:[.,]\d{1,4})?")


def native_id(row: Row, mapping: FieldMapping) -> str | None:
    """None where a part of it is missing."""
    parts = [identifier(_cell(row, source)) for source in sources_of(mapping.id)]
    return ":".join(part for part in parts if part) if parts and all(parts) else None


def item_of(row: Row, mapping: FieldMapping, provider: str) -> dict[str, Any]:
    """The body of a delivery. Fields without a value are left out; `kind` is empty where no source gives one."""
    given = mapping.fields
    item: dict[str, Any] = {"id": native_id(row, mapping), "kind": _kind(row, mapping)}
    for name, value in (
        ("name", _first(row, given.name, keep=True)),
        ("originalName", _first(row, given.original_name, keep=True)),
        ("alternateNames", _all(row, given.alternate_names)),
        ("year", _year(row, given.year)),
        ("releaseDate", _first(row, given.release_date)),
        ("runtimeMinutes", _minutes(row, given.runtime)),
        ("seriesName", _first(row, given.series_name, keep=True)),
        ("seasonNumber", _first(row, given.season_number)),
        ("episodeNumber", _first(row, given.episode_number)),
        ("genres", _words(row, given.genres)),
        ("people", _people(row, given.people)),
        ("overview", _first(row, given.overview)),
        ("ageRatings", {c: one for c, each in given.age_ratings.items() if (one := _first(row, each))}),
        ("languages", _words(row, given.languages)),
        ("countries", _words(row, given.countries)),
        ("externalIds", {name: ids for name, each in given.external_ids.items() if (ids := _all(row, each))}),
        ("images", [{"kind": k, "url": url} for k, each in given.images.items() for url in _all(row, each)]),
        ("offers", [made for offer in mapping.offers if (made := _offer(row, offer, provider))]),
        ("popularity", _popularity(row, given.popularity)),
    ):
        if value not in (None, "", [], {}):
            item[name] = value
    return item


def check_columns(columns: list[str], mapping: FieldMapping) -> list[str]:
    """Columns of the data that the mapping says nothing about. Raises MappingError for those it needs and misses."""
    named = mapping.columns()
    missing = [name for name, needed in named.items() if needed and name not in columns]
    if missing:
        there = ", ".join(columns[:30])
        raise MappingError(f"no column {', '.join(missing)} in the data; there are: {there}")
    return [name for name in columns if name not in named and name not in mapping.ignore]


def _cell(row: Row, source: Source) -> Any:
    if source.constant is not None:
        return source.constant
    column = source.column or ""
    if column in row:
        return row[column]
    found: Any = row
    for part in column.split("."):
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list):
            found = [one.get(part) for one in found if isinstance(one, Mapping)]
        else:
            return None
    return found


def _values(row: Row, source: Source, keep: bool = False) -> Iterator[str]:
    """`keep`: a work may be called "None"."""
    cell = _cell(row, source)
    for each in cell if isinstance(cell, list) else (cell,):
        one = str(each).lower() if isinstance(each, bool) else each
        if not isinstance(one, str | int | float):
            continue
        written = (str(one) if isinstance(one, str) and keep else text(one)) or ""
        parts = _parts(written[:_LONGEST], source.split) if source.split else (written[:_LONGEST],)
        for part in parts:
            if (stripped := part.strip()) and (value := _shaped(stripped, source)):
                yield value


def _parts(written: str, separator: str) -> list[str]:
    if separator == "," and written.startswith("["):
        return words(written)
    return written.split(separator)


def _shaped(value: str, source: Source) -> str | None:
    if source.pattern is not None:
        found = _compiled(source.pattern).search(value[:1000])
        if found is None:
            return None
        value = (found[1] if found.re.groups else found[0]) or ""
    if source.values is not None:
        mapped = source.values.get(value, source.values.get(value.lower(), source.values.get("*", "")))
        if mapped == "":
            return None
        value = mapped or ""
    if source.date is not None and value:
        try:
            return datetime.strptime(value, source.date).date().isoformat()  # noqa: DTZ007 - a day, nobody's midnight
        except ValueError:
            return None
    return value


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _first(row: Row, given: Sources | None, keep: bool = False) -> str | None:
    return next((value for source in sources_of(given) for value in _values(row, source, keep)), None)


def _all(row: Row, given: Sources | None) -> list[str]:
    return list(dict.fromkeys(value for source in sources_of(given) for value in _values(row, source)))


def _words(row: Row, given: Sources | None) -> list[str]:
    """Without `split`, a text with commas is several."""
    found: dict[str, None] = {}
    for source in sources_of(given):
        for value in _values(row, source):
            found.update(dict.fromkeys(words(value) if source.split is None else [value]))
    return list(found)


def _people(row: Row, by_role: Mapping[Any, Sources]) -> list[dict[str, str]]:
    found = []
    for role, given in by_role.items():
        names: dict[str, None] = {}
        for source in sources_of(given):
            for value in _values(row, source):
                names.update(dict.fromkeys(split_people(value) if source.split is None else [value]))
        found += [{"name": name, "role": role} for name in names]
    return found


def _kind(row: Row, mapping: FieldMapping) -> str:
    if isinstance(mapping.kind, str):
        return mapping.kind
    return next((value for source in sources_of(mapping.kind) for value in _values(row, source)), "")


_IN_DATE: Final = re.compile(r"(?<!\d)(?:18|19|20)\d{2}(?!\d)")


def _year(row: Row, given: Sources | None) -> str | None:
    """A year by itself or within a date ("1999-01-01", "February 13, 2015")."""
    written = _first(row, given)
    if written is None:
        return None
    found = _IN_DATE.search(written[:100])
    return found[0] if found else None


def _minutes(row: Row, given: Sources | None) -> int | None:
    for source in sources_of(given):
        for value in _values(row, source):
            minutes = _duration(value, source.unit)
            if minutes is not None:
                return minutes
    return None


def _duration(value: str, unit: str | None) -> int | None:
    if unit in _PER_MINUTE:
        try:
            return round(float(value) / _PER_MINUTE[unit])
        except (ValueError, OverflowError):
            return None
    if found := _CLOCK.match(value):
        # 1:02:03 is hours, minutes, seconds; of two numbers the unit says which they are (of tracks m:s, the default).
        hours, first, second = (int(part or 0) for part in found.groups())
        if found[1] is None and unit == "h:m":
            return first * 60 + second
        return round(hours * 60 + first + second / 60)
    parsed = parse_duration(value.split(",", maxsplit=1)[0])
    return parsed.minutes if parsed else None


def _popularity(row: Row, scaled: Scaled | None) -> float | None:
    if scaled is None:
        return None
    try:
        count = float(next(_values(row, Source(column=scaled.column)), "").replace(",", ""))
    except ValueError:
        return None
    return log_scaled(count, scaled.ceiling) if scaled.ceiling else count


def _offer(row: Row, shape: OfferShape, provider: str) -> dict[str, Any] | None:
    for column, wanted in shape.when.items():
        values = set(_values(row, Source(column=column)))
        if values.isdisjoint(wanted if isinstance(wanted, list) else [wanted]):
            return None
    price = _MONEY.search(_first(row, shape.price) or "")
    offer = {
        "provider": shape.provider or provider,
        "region": shape.region,
        "type": shape.type,
        "quality": shape.quality,
        "price": price[0].replace(",", ".") if price else None,
        "currency": shape.currency,
        "link": _first(row, shape.link),
        "startsAt": _first(row, shape.starts_at),
        "endsAt": _first(row, shape.ends_at),
    }
    return {name: value for name, value in offer.items() if value is not None}
