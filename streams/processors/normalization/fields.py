"""Single fields of raw items: what providers write for a text, a number, a date or a list, and nothing more."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Final

from schemas.types.catalog import ExternalId
from streams.processors.normalization.limits import MAX_LIST_TEXT, MAX_LIST_WORDS, MAX_YEAR, MIN_OFFER_YEAR
from streams.processors.normalization.names import clean

Scalar = str | int | float | None
"""How a field arrives: CSV files know only text, JSON made from spreadsheets has 1.0 for 1 and 1917 for a title."""

_ABSENT: Final = frozenset({"", "n/a", "na", "nan", "null", "none", "\\n"})
_INTEGER: Final = re.compile(r"^[+-]?\d{1,15}(?:\.0+)?$")
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_LONG_DATE: Final = re.compile(r"^([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})$")
_IMDB: Final = re.compile(r"^tt\d{7,9}$")
_QUOTED: Final = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")


def text(value: Scalar) -> str | None:
    """Stripped; None for nothing and for the words that spreadsheets write for nothing."""
    if isinstance(value, str):
        stripped = value.strip()
        return None if len(stripped) < 5 and stripped.lower() in _ABSENT else stripped
    return title_text(value)


def title_text(value: Scalar) -> str | None:
    """As `text`, but a work may be called "None" or "NA"."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def identifier(value: object) -> str | None:
    """The provider's own id; None for what cannot be one. Takes anything: importers ask before the shape is known."""
    return text(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def integer(value: Scalar) -> int | None:
    """1995, 1995.0, "1995", " 1995.0 "; None for anything that is no whole number or too large for any field."""
    if isinstance(value, str):
        stripped = value.strip()
        return int(stripped.partition(".")[0]) if _INTEGER.match(stripped) and stripped.isascii() else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else None
    return value if value is not None and abs(value) < 10**15 else None


def number(value: Scalar) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def day(value: Scalar) -> date | None:
    """ISO (`2021-09-25`, also with a time behind it) and `September 25, 2021`."""
    written = text(value)
    if written is None:
        return None
    try:
        if found := _LONG_DATE.match(written):
            month = next((at for at, name in enumerate(_MONTHS, start=1) if name.startswith(found.group(1).lower())), 0)
            return date(int(found.group(3)), month, int(found.group(2)))
        return date.fromisoformat(written[:10])
    except ValueError:
        return None


def offer_start(value: date | None) -> datetime | None:
    """Midnight UTC; None for days on which nobody streamed."""
    if value is None or not MIN_OFFER_YEAR <= value.year <= MAX_YEAR:
        return None
    return datetime.combine(value, time(), UTC)


def words(value: str | list[str] | None) -> list[str]:
    """A JSON list, a text with commas, or a Python list printed into a CSV cell (`['drama', "children's"]`)."""
    if value is None:
        return []
    if isinstance(value, list):
        found = value[:MAX_LIST_WORDS]
    elif value.startswith("[") and value.endswith("]"):
        found = [first or second for first, second in _QUOTED.findall(value[:MAX_LIST_TEXT])]
    else:
        found = value[:MAX_LIST_TEXT].split(",")
    return [stripped for word in found if (stripped := word.strip())]


def mapped(value: str | list[str] | None, code_of: Callable[[str], str | None]) -> tuple[str, ...]:
    """Codes of the words that have one, each once, in the order given."""
    found = (code_of(word) or code_of(clean(word)) for word in words(value))
    return tuple(dict.fromkeys(code for code in found if code))


def imdb_id(value: Scalar) -> tuple[ExternalId, ...]:
    """A malformed id is dropped: it would join works that have nothing in common."""
    written = (text(value) or "").lower()
    return (ExternalId(source="imdb", value=written),) if _IMDB.match(written) and written.strip("t0") else ()


_ID_SHAPES: Final = {
    "imdb": _IMDB,
    "tmdb": re.compile(r"^[1-9]\d{0,9}$"),
    "tvdb": re.compile(r"^[1-9]\d{0,9}$"),
    "wikidata": re.compile(r"^Q[1-9]\d{0,10}$"),
    "eidr": re.compile(r"^10\.5240/(?:[0-9A-F]{4}-){5}[0-9A-Z]$"),
    "gracenote": re.compile(r"^(?:MV|SH|EP|SP)\d{12}$"),
    "isrc": re.compile(r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$"),
    "upc": re.compile(r"^\d{12,14}$"),
    "ean": re.compile(r"^\d{13}$"),
}
"""Ids as their issuers write them: IMDb, TMDb, TVDB, Wikidata, EIDR (ISO 26324), Gracenote, ISRC (ISO 3901), GTIN."""
_UPPER: Final = frozenset({"wikidata", "eidr", "gracenote", "isrc"})
_OTHER_ID: Final = re.compile(r"^[\x21-\x7e]{1,100}$")
_SOURCE: Final = re.compile(r"^[a-z0-9][a-z0-9_]{0,31}$")


def external_id(source: str, value: Scalar) -> ExternalId | None:
    """None for what cannot be an id of that issuer: it would join works that have nothing in common. Issuers that are
    not known may write any printable ASCII text without spaces."""
    if not _SOURCE.match(source) or (written := text(value)) is None:
        return None
    if source == "imdb":
        return next(iter(imdb_id(written)), None)
    if source in _UPPER:
        written = written.upper().replace("-", "") if source == "isrc" else written.upper()
    return ExternalId(source=source, value=written) if _ID_SHAPES.get(source, _OTHER_ID).match(written) else None


def https(address: str) -> bool:
    """Whether it is an address that a client may be sent to."""
    return len(address) <= 2000 and address.startswith("https://") and address.isprintable() and " " not in address
