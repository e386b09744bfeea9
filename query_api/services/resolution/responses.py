"""Histories and reviews as they go over the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct


class Evidence(Struct, frozen=True):
    """What one field said: how the two sides compared, and the bits for (+) or against (-)."""

    field: str
    level: str
    weight: float | None


class HistoryEntry(Struct, frozen=True, rename="camel", kw_only=True):
    provider: str
    item: Annotated[str, Meta(description="The provider's id of the item.")]
    action: Annotated[str, Meta(description="founded, joined, left, merged, retired, revived.")]
    reason: Annotated[str, Meta(description="new, external_id, match, contradiction and others.")]
    score: Annotated[float | None, Meta(description="Probability that it is one work; null where ids decided.")]
    evidence: tuple[Evidence, ...]
    at: datetime


class TitleHistory(Struct, frozen=True, rename="camel", kw_only=True):
    """Who joined or left, when and why, in the order in which it was decided."""

    title_id: str
    status: Annotated[str, Meta(description="active, retired or merged.")]
    successor_id: str | None
    entries: tuple[HistoryEntry, ...]
    next_cursor: str | None = None


class Side(Struct, frozen=True, rename="camel"):
    """One of the two titles; `name` is null before the catalog shows it."""

    title_id: str
    name: str | None
    year: int | None


class Review(Struct, frozen=True, rename="camel", kw_only=True):
    """An item of `title` that may belong to `candidate`."""

    provider: str
    item: str
    title: Side
    candidate: Side
    reason: Annotated[str, Meta(description="band, alike or conflicting_ids.")]
    score: float | None
    evidence: tuple[Evidence, ...]
    at: datetime


class ReviewPage(Struct, frozen=True, rename="camel", kw_only=True):
    """Open reviews, the oldest first."""

    reviews: tuple[Review, ...]
    next_cursor: str | None = None


def entry_of(row: Mapping[str, Any]) -> HistoryEntry:
    return HistoryEntry(
        provider=row["provider"],
        item=row["native_id"],
        action=row["action"],
        reason=row["reason"],
        score=row["score"],
        evidence=evidence_of(row["evidence"]),
        at=row["occurred_at"],
    )


def review_of(row: Mapping[str, Any]) -> Review:
    return Review(
        provider=row["provider"],
        item=row["native_id"],
        title=Side(row["title_id"], row["title_name"], row["title_year"]),
        candidate=Side(row["candidate_id"], row["candidate_name"], row["candidate_year"]),
        reason=row["reason"],
        score=row["score"],
        evidence=evidence_of(row["evidence"]),
        at=row["occurred_at"],
    )


def evidence_of(text: str | None) -> tuple[Evidence, ...]:
    return tuple(msgspec.json.decode(text, type=Sequence[Evidence])) if text else ()
