"""A title event becomes the one row that title has from then on.

A TitleChanged is a full snapshot, so it replaces everything; a TitleMerged or TitleRetired leaves only the fact. Which
of two writes wins is decided by (version, state) alone, never by arrival.
"""

import re
from datetime import datetime
from math import isfinite

from msgspec import Struct, json

from schemas.envelope import Position
from schemas.read_models.text import name_key
from schemas.read_models.title_catalog import TitleDocument, TitleState
from schemas.types import AnyEvent
from schemas.types.catalog import Kind, TitleChanged, TitleMerged, TitleRetired
from streams.engine.outcome import InvalidEvent

_ENCODER = json.Encoder()
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_LONGEST_ID_BYTES = 1000
"""An index entry of PostgreSQL holds 2,704 bytes, and an id of that size is not an id."""


class TitleWrite(Struct, frozen=True, kw_only=True, gc=False):
    """The row of one title (`TitleRow`) and its external ids, (source, value) pairs sorted."""

    title_id: str
    version: int
    state: TitleState
    successor_id: str | None = None
    kind: Kind | None = None
    name: str | None = None
    name_key: str | None = None
    name_keys: tuple[str, ...] = ()
    year: int | None = None
    popularity: float = 0.0
    document: str | None = None
    created_at: datetime | None = None
    event_at: datetime
    external_ids: tuple[tuple[str, str], ...] = ()


def transform(event: AnyEvent, _: Position) -> tuple[TitleWrite, ...]:
    match event:
        case TitleChanged():
            return (_changed(event),)
        case TitleMerged():
            if "\0" in event.title_id + event.successor_id:
                raise InvalidEvent("nul_character", "title_id or successor_id")
            return (
                TitleWrite(
                    title_id=event.title_id,
                    version=event.version,
                    state="merged",
                    successor_id=event.successor_id,
                    event_at=event.occurred_at,
                ),
            )
        case TitleRetired():
            if "\0" in event.title_id:
                raise InvalidEvent("nul_character", "title_id")
            return (
                TitleWrite(title_id=event.title_id, version=event.version, state="retired", event_at=event.occurred_at),
            )
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def _changed(event: TitleChanged) -> TitleWrite:
    if not isfinite(event.popularity):
        raise InvalidEvent("invalid_popularity", str(event.popularity))
    external_ids = tuple(sorted({(found.source, found.value) for found in event.external_ids}))
    if any(len(f"{source}{value}".encode()) > _LONGEST_ID_BYTES for source, value in external_ids):
        raise InvalidEvent("external_id_too_long", f"more than {_LONGEST_ID_BYTES} bytes")
    document = _document(event)
    if b"\\u0000" in document and _NUL.search(document):
        raise InvalidEvent("nul_character", "PostgreSQL cannot hold U+0000 in a text")
    keys = _name_keys(event)
    return TitleWrite(
        title_id=event.title_id,
        version=event.version,
        state="live",
        kind=event.kind,
        name=event.name,
        name_key=keys[0],
        name_keys=tuple(key for key in dict.fromkeys(keys) if key),
        year=event.year,
        popularity=event.popularity,
        document=document.decode(),
        created_at=event.created_at,
        event_at=event.occurred_at,
        external_ids=external_ids,
    )


def _name_keys(event: TitleChanged) -> list[str]:
    """Keys of main, original and alternate names in this order, the main one first."""
    names = dict.fromkeys((event.name, event.original_name or event.name, *event.alternate_names))
    return [name_key(name) for name in names]


def _document(event: TitleChanged) -> bytes:
    return _ENCODER.encode(
        TitleDocument(
            title_id=event.title_id,
            version=event.version,
            kind=event.kind,
            name=event.name,
            original_name=event.original_name,
            alternate_names=event.alternate_names,
            year=event.year,
            release_date=event.release_date,
            runtime_minutes=event.runtime_minutes,
            series_name=event.series_name,
            season_number=event.season_number,
            episode_number=event.episode_number,
            genres=event.genres,
            people=event.people,
            overview=event.overview,
            age_ratings=event.age_ratings,
            languages=event.languages,
            countries=event.countries,
            external_ids=event.external_ids,
            images=event.images,
            popularity=event.popularity,
            sources=event.sources,
            created_at=event.created_at,
        )
    )
