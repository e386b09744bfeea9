"""Operators' decisions against the registry: what they concern loaded, what `decisions.py` makes of them written."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from runtime import sql
from runtime.connections.postgres import Cursor
from schemas.types.catalog import DecisionUndone, MergeRequested
from streams.engine.outcome import InvalidEvent
from streams.processors.entity_resolution import decisions, registry
from streams.processors.entity_resolution.constraints import Constraint, ItemKey
from streams.processors.entity_resolution.decisions import Earlier, Effects, Outcome
from streams.processors.entity_resolution.events import TitleEvent, events
from streams.processors.entity_resolution.workspace import DecisionEvent, Ruling, Workspace

_SQL = sql.beside(__file__)
_MOST_ID_CHARACTERS = 256


class Placed(NamedTuple):
    """A decision and where it stands in the log."""

    ruling: Ruling
    position: str

    @property
    def event(self) -> DecisionEvent:
        return self.ruling.event


def checked(placed: Placed) -> Placed:
    """Raises InvalidEvent for what cannot be stored."""
    if any("\0" in text for text in _texts(msgspec.to_builtins(placed.event))):
        raise InvalidEvent("nul_in_text", "PostgreSQL text cannot hold NUL")
    if max(map(len, _ids(placed.event))) > _MOST_ID_CHARACTERS:
        raise InvalidEvent("id_too_long", f"ids have at most {_MOST_ID_CHARACTERS} characters")
    if not _is_uuid(placed.event.event_id):
        raise InvalidEvent("bad_event_id", "the event's id is no UUID")
    return placed


def _ids(event: DecisionEvent) -> list[str]:
    """What is looked up by an index, whose entries have a largest size."""
    one, other = decisions.sides(event)
    return [event.decision_id, *(text for key in (*one, *other) for text in key)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def rule(cursor: Cursor, placed: Placed) -> list[TitleEvent]:
    """The caller holds all stripes. A decision that was read before changes nothing."""
    event = placed.event
    if _earlier(cursor, event.decision_id) is not None:
        return []
    earlier = _earlier(cursor, event.undone_decision_id) if isinstance(event, DecisionUndone) else None
    space, title_ids = _load(cursor, event, earlier)
    before = space.constraints
    outcome = decisions.rule(placed.ruling, space, earlier)
    touched = {title.title_id for title in space.titles.values() if title.cause is not None}
    decisions.note(placed.ruling, space, outcome, touched | title_ids)
    outcome.effects = _with_redirects(cursor, outcome.effects)
    registry.write(cursor, space)
    if space.constraints is not before:
        _write_constraints(cursor, outcome.constraints)
    if isinstance(event, DecisionUndone) and earlier is not None and outcome.outcome == "applied":
        _forget(cursor, event, earlier, space)
    _store(cursor, placed, outcome)
    if outcome.outcome == "applied" and not isinstance(event, DecisionUndone):
        _close_reviews(cursor, event)
    return events(space)


def _load(cursor: Cursor, event: DecisionEvent, earlier: Earlier | None) -> tuple[Workspace, set[str]]:
    """Every title the decision is about, and their ids as they are now."""
    one, other = decisions.sides(event)
    items: list[ItemKey] = [*one, *other]
    named = {event.title_id}
    if isinstance(event, MergeRequested):
        named.add(event.other_title_id)
    if earlier is not None:
        for joined in earlier.effects.joined:
            items += [joined.kept, *joined.items]
            named.add(joined.merged)
        for parted in earlier.effects.parted:
            items += [parted.kept, *parted.items]
            named.add(parted.origin)
    rows = _run(cursor, "titles_now", title_ids=sorted(filter(_is_uuid, named))).fetchall()
    found = registry.items_with_titles(cursor, items)
    now = {successor_id for _, successor_id in rows}
    title_ids = {*now, *found.titles.values()}
    # What an undoing may bring back is itself a merged title.
    also = {joined.merged for joined in earlier.effects.joined} if earlier else set()
    space = registry.workspace(cursor, title_ids | also, items, found.tombstones, merged_too=True)
    return space, now


def _earlier(cursor: Cursor, decision_id: str) -> Earlier | None:
    row = _run(cursor, "decision_by_id", decision_id=decision_id).fetchone()
    if row is None:
        return None
    kind, outcome, undone_by, effects = row
    return Earlier(decision_id, kind, outcome, undone_by, msgspec.json.decode(effects, type=Effects))


def _with_redirects(cursor: Cursor, effects: Effects) -> Effects:
    """Redirects that are about to collapse, so that an undoing can lead them back."""
    merged = [joined.merged for joined in effects.joined]
    if not merged:
        return effects
    rows = _run(cursor, "redirects_to", title_ids=merged).fetchall()
    return Effects(
        tuple(
            msgspec.structs.replace(joined, redirects=tuple(sorted(t for t, to in rows if to == joined.merged)))
            for joined in effects.joined
        ),
        effects.parted,
    )


def _write_constraints(cursor: Cursor, constraints: tuple[Constraint, ...]) -> None:
    rows = sorted({(*a, *b, c.relation, c.decision_id) for c in constraints for a, b in _both_ways(c)})
    if rows:
        columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
        _run(
            cursor,
            "insert_constraints",
            providers=columns[0],
            native_ids=columns[1],
            other_providers=columns[2],
            other_native_ids=columns[3],
            relations=columns[4],
            decision_ids=columns[5],
        )


def _both_ways(constraint: Constraint) -> tuple[tuple[ItemKey, ItemKey], tuple[ItemKey, ItemKey]]:
    return (constraint.item, constraint.other), (constraint.other, constraint.item)


def _forget(cursor: Cursor, event: DecisionUndone, earlier: Earlier, space: Workspace) -> None:
    _run(cursor, "delete_constraints", decision_id=earlier.decision_id)
    _run(cursor, "mark_undone", decision_id=earlier.decision_id, undone_by=event.decision_id)
    _run(cursor, "reopen_reviews", decision_id=earlier.decision_id)
    revived = {title.title_id for title in space.revived}
    for joined in earlier.effects.joined:
        if joined.merged in revived and joined.redirects:
            _run(cursor, "lead_redirects", title_ids=list(joined.redirects), successor_id=joined.merged)


def _store(cursor: Cursor, placed: Placed, outcome: Outcome) -> None:
    event = placed.event
    _run(
        cursor,
        "insert_decision",
        decision_id=event.decision_id,
        kind=decisions.kind_of(event),
        operator=event.operator,
        reason=event.reason,
        title_id=event.title_id,
        request=msgspec.json.encode(event).decode(),
        outcome=outcome.outcome,
        detail=outcome.detail,
        effects=msgspec.json.encode(outcome.effects).decode(),
        event_id=event.event_id,
        occurred_at=event.occurred_at,
        log_position=placed.position,
    )


def _close_reviews(cursor: Cursor, event: DecisionEvent) -> None:
    """Of the items it names: those whose two sides are one title now, or are kept apart."""
    one, other = decisions.sides(event)
    keys = [*one, *other]
    providers, native_ids = [key[0] for key in keys], [key[1] for key in keys]
    _run(cursor, "close_confirmed", decision_id=event.decision_id, providers=providers, native_ids=native_ids)
    _run(cursor, "close_rejected", decision_id=event.decision_id, providers=providers, native_ids=native_ids)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _run(cursor: Cursor, name: str, **parameters: Any) -> Cursor:
    return cursor.execute(_SQL[name], parameters, prepare=False, binary=True)
