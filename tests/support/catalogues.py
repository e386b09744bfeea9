"""Catalogue files through `normalization`, and what must hold of each: of our own files and of real ones alike."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from bootstrap.catalog_files import read_native
from bootstrap.mappings import data_files, notation
from bootstrap.mappings.guessing import guess
from bootstrap.mappings.rows import item_of, native_id
from schemas import codec
from schemas.envelope import Position
from schemas.read_models.genres import GENRES
from schemas.types.catalog import CanonicalItem, ProviderItemNormalized, ProviderItemReceived
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization.transform import transform

ROOT = Path(__file__).resolve().parents[2]
EVALUATION_DATA = ROOT.parent / "shared" / "data"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Outcome:
    rows: int = 0
    events: dict[str, ProviderItemNormalized] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def items(self) -> list[CanonicalItem]:
        return [event.item for event in self.events.values()]

    def named(self, name: str, year: int | None = None) -> CanonicalItem:
        return next(item for item in self.items if item.name == name and year in (None, item.year))

    def share(self, has: Callable[[CanonicalItem], object]) -> float:
        return sum(bool(has(item)) for item in self.items) / len(self.items)


@cache
def normalised(provider: str, path: Path) -> Outcome:
    outcome = Outcome()
    for ordinal, raw in enumerate(read_native(provider, path)):
        outcome.rows += 1
        delivery = ProviderItemReceived(
            event_id=f"{path.name}-{ordinal}",
            occurred_at=NOW,
            provider=provider,
            native_id=raw.native_id,
            delivery_id="import",
            ordinal=ordinal,
            action="upsert",
            source_time=raw.source_time or NOW,
            body=msgspec.json.encode(raw.body),
        )
        try:
            (event,) = transform(delivery, Position("catalog-deliveries", 0, ordinal))
        except InvalidEvent as refused:
            outcome.refused[refused.reason] += 1
            continue
        assert isinstance(event, ProviderItemNormalized)
        outcome.events[raw.native_id] = event
    return outcome


def check_rows(found: Outcome) -> None:
    """Nearly every row normalises, and none is lost."""
    assert len(found.events) + found.refused.total() == found.rows, "two rows share a native id"
    assert len(found.events) / found.rows >= 0.995, found.refused


def check_genres(found: Outcome) -> None:
    assert Counter(word for item in found.items for word in item.unknown_genres) == Counter()
    assert {genre for item in found.items for genre in item.genres} <= set(GENRES)


def check_events(found: Outcome) -> None:
    """Every event fits its schema, every year is known, every name is clean."""
    for event in found.events.values():
        assert codec.decode(codec.encode(event)) == event
        assert event.item.year is not None
        assert event.item.name == " ".join(event.item.name.split())


def platforms_by_shared_id(found: list[Outcome]) -> dict[str, set[str]]:
    """JustWatch's id of a work → the platforms whose files have it."""
    seen: dict[str, set[str]] = {}
    for item in (item for outcome in found for item in outcome.items):
        (shared,) = (known.value for known in item.external_ids if known.source == "justwatch")
        seen.setdefault(shared, set()).update(offer.provider for offer in item.offers)
    return seen


def share_taken_by_its_draft(path: Path) -> float:
    """How many of a file's rows become items with the drafted mapping as it is."""
    raw, _ = guess(path)
    mapping = notation.parse(raw, path.name)
    taken = [
        bool(native_id(row, mapping)) and bool(item_of(row, mapping, "shop").get("name"))
        for _, row in data_files.read(path, mapping.file)
    ]
    return sum(taken) / len(taken)
