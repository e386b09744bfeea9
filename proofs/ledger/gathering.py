"""Reads the logs and the stores, from outside, once everything has come to rest."""

import hashlib
import struct
from collections.abc import Iterator
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row

from bootstrap.log_reader import LogReader, Record
from proofs.ledger.evidence import DERIVED, FIRST_HAND, UNITS, VECTORS, Evidence, Letter, Logged
from proofs.system import System
from runtime.connections import qdrant
from runtime.settings import Settings
from schemas import codec, loader
from schemas.envelope import Position
from schemas.read_models.title_search import ALIAS, DENSE, SPARSE
from schemas.types import AnyEvent
from schemas.types.catalog import (
    ProviderItemNormalized,
    ProviderItemReceived,
    ProviderItemWithdrawn,
    TitleChanged,
    TitleEmbedded,
    TitleMerged,
    TitleRetired,
)
from schemas.types.identity import PreferenceSet
from schemas.types.playback import PlaybackEventRecorded, PlaybackSessionEnded, PlaybackSessionStarted, RatingGiven
from schemas.types.watchlist import WatchlistItemAdded, WatchlistItemMoved, WatchlistItemRemoved
from streams.engine import dead_letter

_ROWS: Final[dict[str, LiteralString]] = {
    "ratings": "SELECT user_id, title_id, hlc, rating FROM ratings",
    "preferences": "SELECT user_id, name, hlc, value FROM preferences",
    "watch_state": "SELECT user_id, title_id, position_hlc, position_ms FROM watch_state",
    "watchlist": "SELECT user_id, title_id, present FROM watchlist",
    "playback_history": "SELECT user_id, session_id, hlc, watched_ms, reason FROM playback_history",
    "title_catalog": "SELECT title_id, version FROM title_catalog",
    "decided_titles": "SELECT title_id::text, version FROM titles",
    "resolved_items": "SELECT provider, native_id FROM provider_items",
    "provider_deliveries": "SELECT delivery_id, native_id, outcome FROM provider_delivery_items",
}
_CHOSEN_BY_THE_EDGE: Final = ("occurred_at", "source_time")
"""Of a delivery that is repeated, and of what is made of it; everything else must be the same each time."""
_NUMBERS: Final = 8
"""Of a vector's, kept: enough to tell it from that of another text."""
_PAGE: Final = 500


def gather(system: System, evidence: Evidence, *, search: bool = False) -> None:
    """Fills in the log, the dead letters, the rows of every read model and what the units' logs tell of fences; with
    `search` also the vectors in the log and the points in Qdrant."""
    reader = LogReader(system.settings)
    try:
        for record in reader.read((*FIRST_HAND, *DERIVED, *([VECTORS] if search else [])), "earliest", follow=False):
            try:
                event = codec.decode(record.value or b"")
            except codec.SchemaError:
                evidence.undecodable.append(str(Position(record.topic, record.partition, record.offset)))
                continue
            evidence.logged.append(_logged(record, event))
        evidence.letters += _letters(reader)
    finally:
        reader.close()
    with psycopg.connect(system.settings.postgres_dsn, row_factory=dict_row) as connection:
        for model, statement in _ROWS.items():
            evidence.rows[model] = list(connection.execute(statement))
    if search:
        evidence.rows["title_search"] = list(_points(system.settings))
    logs = (system.home / "logs").glob("*.log")
    evidence.fenced = sum(path.read_bytes().count(b"batch_fenced") for path in logs)


def _points(settings: Settings) -> Iterator[dict[str, Any]]:
    client = qdrant.connect(settings.qdrant_url)
    offset: Any = None
    try:
        while True:
            found, offset = client.scroll(ALIAS, limit=_PAGE, offset=offset, with_payload=True, with_vectors=True)
            for point in found:
                payload, vectors = point.payload or {}, point.vector if isinstance(point.vector, dict) else {}
                dense: Any = vectors.get(DENSE, ())
                yield {
                    "title_id": payload["title_id"],
                    "version": payload.get("version", 0),
                    "embedding_version": payload.get("embedding_version", 0),
                    "live": payload.get("live", False),
                    "words": SPARSE in vectors,
                    "vector": list(dense[:_NUMBERS]),
                }
            if offset is None:
                return
    finally:
        client.close()


def _letters(reader: LogReader) -> Iterator[Letter]:
    topics = [loader.dead_letter_topic(u.partition(":")[2]) for u in UNITS if not u.startswith("service:")]
    for record in reader.read(topics, "earliest", follow=False):
        letter = dead_letter.read(record.value, record.headers)
        yield Letter(letter.consumer, str(letter.position), letter.reason)


def _logged(record: Record, event: AnyEvent) -> Logged:
    owner, subject, hlc, value = _about(event)
    fields: dict[str, Any] = msgspec.structs.asdict(event)
    if isinstance(event, ProviderItemReceived | ProviderItemNormalized | ProviderItemWithdrawn):
        for name in _CHOSEN_BY_THE_EDGE:
            del fields[name]
    content = hashlib.blake2b(msgspec.msgpack.encode(fields), digest_size=12).hexdigest()
    return Logged(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=event.event_id,
        kind=type(event).__name__,
        content=content,
        owner=owner,
        subject=subject,
        hlc=hlc,
        value=value,
    )


def _about(event: AnyEvent) -> tuple[str, str, int, Any]:
    """Owner, subject, clock, value: as the producers note them."""
    match event:
        case PlaybackEventRecorded():
            return event.user_id, event.title_id, event.hlc, event.position_ms
        case RatingGiven():
            return event.user_id, event.title_id, event.hlc, event.rating
        case PreferenceSet():
            return event.user_id, event.name, event.hlc, event.value
        case WatchlistItemRemoved():
            return event.user_id, event.title_id, event.hlc, event.blind
        case WatchlistItemAdded() | WatchlistItemMoved():
            return event.user_id, event.title_id, event.hlc, None
        case PlaybackSessionEnded():
            value = {"watched_ms": event.watched_ms, "events": event.events}
            return event.user_id, event.session_id, event.hlc, value
        case PlaybackSessionStarted():
            return event.user_id, event.session_id, event.hlc, None
        case ProviderItemReceived():
            return event.provider, event.native_id, 0, event.delivery_id
        case ProviderItemNormalized() | ProviderItemWithdrawn():
            return event.provider, event.native_id, 0, None
        case TitleChanged() | TitleMerged() | TitleRetired():
            return event.title_id, "", event.version, None
        case TitleEmbedded():
            return event.title_id, "", event.version, list(struct.unpack_from(f"<{_NUMBERS}f", event.vector))
        case _:
            return "", "", 0, None
