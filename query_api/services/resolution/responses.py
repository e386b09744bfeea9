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


class Decision(Struct, frozen=True, rename="camel", kw_only=True):
    """What an operator decided, why, and what became of it."""

    decision_id: str
    kind: Annotated[str, Meta(description="confirm, reject, merge, split or undo.")]
    operator: Annotated[str, Meta(description="Who decided.")]
    reason: Annotated[str, Meta(description="Why, in the operator's words.")]
    outcome: Annotated[str, Meta(description="applied or refused.")]
    detail: Annotated[
        str,
        Meta(
            description="What it did (merged, already_one, split, already_apart, waits_for_items, undone, "
            "undone_in_part), or why it was refused (docs/resolution.md)."
        ),
    ]


class DecisionTaken(Decision, frozen=True, rename="camel", kw_only=True):
    """As entity resolution read it from the log."""

    title_id: Annotated[str, Meta(description="The title it is about, as the operator saw it.")]
    undone_by: Annotated[str | None, Meta(description="The decision that took it back.")]
    at: datetime


class DecisionPage(Struct, frozen=True, rename="camel", kw_only=True):
    """Decisions, the newest first."""

    decisions: tuple[DecisionTaken, ...]
    next_cursor: str | None = None


class HistoryEntry(Struct, frozen=True, rename="camel", kw_only=True):
    provider: str
    item: Annotated[str, Meta(description="The provider's id of the item.")]
    action: Annotated[str, Meta(description="founded, joined, left, merged, retired, revived, decided, refused.")]
    reason: Annotated[str, Meta(description="new, external_id, match, contradiction, decision and others.")]
    score: Annotated[float | None, Meta(description="Probability that it is one work; null where ids decided.")]
    evidence: tuple[Evidence, ...]
    decision: Annotated[Decision | None, Meta(description="The operator's decision behind it, if there is one.")]
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
        decision=None if row["decision_id"] is None else Decision(reason=row["why"], **_of_decision(row)),
        at=row["occurred_at"],
    )


def decision_of(row: Mapping[str, Any]) -> DecisionTaken:
    return DecisionTaken(
        reason=row["reason"],
        title_id=row["title_id"],
        undone_by=row["undone_by"],
        at=row["occurred_at"],
        **_of_decision(row),
    )


def _of_decision(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("decision_id", "kind", "operator", "outcome", "detail")}


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
