"""Which titles of a batch must be embedded: those whose text differs from the text embedded last. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from schemas.envelope import derived_id
from schemas.read_models.text import embedding_text, text_hash
from schemas.types import AnyEvent
from schemas.types.catalog import TitleChanged, TitleEmbedded, TitleMerged, TitleRetired
from streams.engine.outcome import InvalidEvent


class Wanted(Struct, frozen=True, kw_only=True):
    """A text to embed, and what its event will say."""

    origin: str
    occurred_at: datetime
    title_id: str
    version: int
    text: str
    text_hash: str


class Remembered(Struct, frozen=True):
    """What was embedded last of a title."""

    version: int
    text_hash: str


class Plan(Struct, frozen=True):
    wanted: tuple[Wanted, ...]
    forgotten: tuple[str, ...]
    """Titles that ended."""


TitleEvent = TitleChanged | TitleMerged | TitleRetired


def title_event(event: AnyEvent) -> TitleEvent:
    """Raises InvalidEvent for a record that does not belong on `titles`."""
    if isinstance(event, TitleChanged | TitleMerged | TitleRetired):
        return event
    raise InvalidEvent("unexpected_record", type(event).__name__)


def plan(model: str, events: Sequence[TitleEvent], remembered: Mapping[str, Remembered]) -> Plan:
    """Only a title's last event of the batch counts: nobody needs a vector that is out of date when it is made."""
    last = {event.title_id: event for event in events}
    wanted: list[Wanted] = []
    forgotten: list[str] = []
    for title_id, event in last.items():
        before = remembered.get(title_id)
        if not isinstance(event, TitleChanged):
            forgotten.append(title_id)
            continue
        text = embedding_text(event)
        hash_ = text_hash(model, text)
        if before is not None and (before.text_hash == hash_ or before.version > event.version):
            continue
        wanted.append(
            Wanted(
                origin=event.event_id,
                occurred_at=event.occurred_at,
                title_id=title_id,
                version=event.version,
                text=text,
                text_hash=hash_,
            )
        )
    return Plan(tuple(wanted), tuple(forgotten))


def embedded(wanted: Wanted, model: str, dimension: int, vector: bytes) -> TitleEmbedded:
    """`vector` is float32 little-endian. The event happened when its title changed: its age shows the whole way."""
    return TitleEmbedded(
        event_id=derived_id(wanted.origin, "embedding"),
        occurred_at=wanted.occurred_at,
        title_id=wanted.title_id,
        version=wanted.version,
        model=model,
        dimension=dimension,
        text_hash=wanted.text_hash,
        vector=vector,
    )
