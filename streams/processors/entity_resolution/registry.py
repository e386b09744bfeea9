"""The identity registry's rows: found and locked, made into a workspace, and its differences written. SQL only.

Every function runs in the engine's transaction. Their number of statements does not depend on the size of the batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from runtime import sql
from runtime.connections.postgres import Cursor
from schemas.types.catalog import CanonicalItem
from streams.engine.outcome import TransientError
from streams.processors.entity_resolution.blocking import STRIPES, blocks, stripes, year_of
from streams.processors.entity_resolution.constraints import Constraint, Constraints, ItemKey
from streams.processors.entity_resolution.events import changed_titles, final_successor
from streams.processors.entity_resolution.evidence import Evidence
from streams.processors.entity_resolution.features import Features, IdKey
from streams.processors.entity_resolution.weighting import Weights
from streams.processors.entity_resolution.workspace import (
    MAX_CANDIDATES,
    Change,
    Member,
    Title,
    Workspace,
)

LOCK_NAMESPACE = 0x4D470001  # "MG", 1: no other advisory lock of ours has this first key

_SQL = sql.beside(__file__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CanonicalItem).decode


def run(cursor: Cursor, name: str, **parameters: Any) -> Cursor:
    # Never prepared: a generic plan made while a table is small would go on scanning it when it is not.
    return cursor.execute(_SQL[name], parameters, prepare=False, binary=True)


def lock_everything(cursor: Cursor) -> None:
    """Nobody else resolves until this transaction ends: for decisions, which may touch any title, and are few."""
    run(cursor, "lock_stripes", namespace=LOCK_NAMESPACE, stripes=list(range(STRIPES)))


def load(cursor: Cursor, changes: Sequence[Change], weights: Weights) -> Workspace:
    """What a batch of items is decided by, locked. Raises TransientError when it changed while we waited for it."""
    features = [change.features for change in changes if change.features is not None]
    items = list(dict.fromkeys(change.item_key for change in changes))
    id_keys = sorted({key for one in features for key in one.id_keys})
    block_ids = {block for one in features for block in blocks(one)}
    # Items that an operator linked are locked as if they were in the batch: two of them may arrive at the same time.
    linked = _linked(cursor, items)
    run(cursor, "lock_stripes", namespace=LOCK_NAMESPACE, stripes=stripes(block_ids, id_keys, (*items, *linked)))
    if _linked(cursor, items) != linked:
        raise TransientError("an operator linked items while this batch waited for its locks")

    found = items_with_titles(cursor, (*items, *linked))
    title_ids = set(found.titles.values())
    owners = _owners(cursor, id_keys)
    title_ids.update(owners.values())
    title_ids.update(_in_blocks(cursor, features))
    space = workspace(cursor, title_ids, (*items, *linked), found.tombstones, owners)
    space.weights = weights
    return space


class Found(NamedTuple):
    """Items by what is known of them: the title, or only that they were withdrawn."""

    titles: dict[ItemKey, str]
    tombstones: list[Member]


def items_with_titles(cursor: Cursor, items: Sequence[ItemKey]) -> Found:
    rows = run(
        cursor, "items_of_batch", providers=[key[0] for key in items], native_ids=[key[1] for key in items]
    ).fetchall()
    titles = {(row[0], row[1]): row[2] for row in rows if row[2] is not None}
    return Found(titles, [_member(row, None) for row in rows if row[2] is None])


def workspace(
    cursor: Cursor,
    title_ids: Iterable[str],
    items: Iterable[ItemKey],
    tombstones: Sequence[Member] = (),
    owners: Mapping[IdKey, str] | None = None,
    *,
    merged_too: bool = False,
) -> Workspace:
    """Titles with their items, ids and blocks, and what operators decided about them and `items`. Rows are locked.

    Raises TransientError for a title that is merged, unless `merged_too`.
    """
    owners = owners or {}
    titles = _lock(cursor, sorted(title_ids), merged_too)
    for row in run(cursor, "items_of_titles", title_ids=list(titles)).fetchall() if titles else ():
        member = _member(row, row[9])
        titles[row[2]].members[member.key] = member
    members = [member for title in titles.values() for member in title.members.values()]
    others = {key for member in members if member.features for key in member.features.id_keys}.difference(owners)
    decided = constraints(cursor, (*items, *(member.key for member in members)))
    space = Workspace(titles.values(), tombstones, decided)
    space.own_ids({**owners, **_owners(cursor, sorted(others))})
    return space


def constraints(cursor: Cursor, items: Iterable[ItemKey]) -> Constraints:
    """All that operators decided about these items and what they linked to them, over any number of links."""
    keys = sorted(set(items))
    rows = run(cursor, "constraints_of_items", providers=[key[0] for key in keys], native_ids=[key[1] for key in keys])
    return Constraints(
        Constraint((provider, native_id), (other_provider, other_native_id), relation, decision_id)
        for provider, native_id, other_provider, other_native_id, relation, decision_id in rows.fetchall()
    )


def _linked(cursor: Cursor, items: Sequence[ItemKey]) -> list[ItemKey]:
    rows = run(cursor, "linked_items", providers=[key[0] for key in items], native_ids=[key[1] for key in items])
    return [(provider, native_id) for provider, native_id in rows.fetchall()]


def _lock(cursor: Cursor, title_ids: list[str], merged_too: bool) -> dict[str, Title]:
    if not title_ids:
        return {}
    titles = {row[0]: Title(*row) for row in run(cursor, "lock_titles", title_ids=title_ids).fetchall()}
    if not merged_too and any(title.status == "merged" for title in titles.values()):
        # Another worker merged it after we found it and before we had its row. Locking the successor now would break
        # the order of locks, so the batch is tried again, and then finds the successor.
        raise TransientError("a title was merged while this batch waited for its lock")
    return titles


def _owners(cursor: Cursor, keys: Sequence[IdKey]) -> dict[IdKey, str]:
    if not keys:
        return {}
    sources, values, kinds = map(list, zip(*keys, strict=True))
    rows = run(cursor, "titles_by_external_id", sources=sources, values=values, kinds=kinds).fetchall()
    return {(source, value, kind): title_id for source, value, kind, title_id in rows}


def _in_blocks(cursor: Cursor, features: Iterable[Features]) -> set[str]:
    dated: set[tuple[int, int]] = set()
    undated: set[int] = set()
    for one in features:
        year = year_of(one)
        if year:
            dated.update((block, year) for block in blocks(one))
        else:
            undated.update(blocks(one))
    found: set[str] = set()
    if dated:
        block_ids, years = map(list, zip(*sorted(dated), strict=True))
        cursor = run(cursor, "titles_by_block", blocks=block_ids, years=years, most=MAX_CANDIDATES)
        found.update(row[0] for row in cursor.fetchall())
    if undated:
        cursor = run(cursor, "titles_by_block_any_year", blocks=sorted(undated), most=MAX_CANDIDATES)
        found.update(row[0] for row in cursor.fetchall())
    return found


def _member(row: Sequence[Any], body: bytes | None) -> Member:
    provider, native_id, title_id, active, source_time, offset, score, reason, founded = row[:9]
    features = None if body is None else Features(_decode(body))
    return Member(provider, native_id, title_id, features, active, source_time, offset, score, reason, founded)


def write(cursor: Cursor, space: Workspace) -> None:
    _write_items(cursor, list(space.dirty.values()))
    titles = changed_titles(space)
    if titles:
        run(
            cursor,
            "upsert_titles",
            title_ids=[title.title_id for title in titles],
            kinds=[title.kind for title in titles],
            statuses=[title.status for title in titles],
            versions=[title.version for title in titles],
            created_at=[title.created_at for title in titles],
        )
    _write_indexes(cursor, space, titles)
    _write_redirects(cursor, space, [title for title in titles if title.status == "merged"])
    _write_history(cursor, space)


def _write_items(cursor: Cursor, members: Sequence[Member]) -> None:
    if not members:
        return
    ordered = sorted(members, key=lambda member: member.key)
    run(
        cursor,
        "upsert_items",
        providers=[member.provider for member in ordered],
        native_ids=[member.native_id for member in ordered],
        title_ids=[member.title_id for member in ordered],
        active=[member.active for member in ordered],
        source_times=[member.source_time for member in ordered],
        offsets=[member.offset for member in ordered],
        scores=[member.score for member in ordered],
        reasons=[member.reason for member in ordered],
        founded=[member.founded for member in ordered],
        bodies=[None if member.features is None else _encode(member.item) for member in ordered],
    )


def _write_indexes(cursor: Cursor, space: Workspace, titles: Sequence[Title]) -> None:
    gone_ids, new_ids, gone_blocks, new_blocks = [], [], [], []
    for title in titles:
        ids, entries = space.registered(title)
        stored_ids, stored_entries = title.stored
        gone_ids += [(*key, title.title_id) for key in stored_ids - ids]
        new_ids += [(*key, title.title_id) for key in ids - stored_ids]
        gone_blocks += [(*entry, title.title_id) for entry in stored_entries - entries]
        new_blocks += [(*entry, title.title_id) for entry in entries - stored_entries]
    # Deleted first: an id may go from one title to another, and an insert never takes an id from its owner.
    for name, rows in (("delete_external_ids", gone_ids), ("insert_external_ids", new_ids)):
        if rows:
            sources, values, kinds, title_ids = map(list, zip(*sorted(rows), strict=True))
            run(cursor, name, sources=sources, values=values, kinds=kinds, title_ids=title_ids)
    for name, block_rows in (("delete_blocks", gone_blocks), ("insert_blocks", new_blocks)):
        if block_rows:
            block_ids, years, title_ids = map(list, zip(*sorted(block_rows), strict=True))
            run(cursor, name, blocks=block_ids, years=years, title_ids=title_ids)


def _write_redirects(cursor: Cursor, space: Workspace, merged: Sequence[Title]) -> None:
    if space.revived:
        run(cursor, "delete_redirects", title_ids=[title.title_id for title in space.revived])
    if not merged:
        return
    title_ids = [title.title_id for title in merged]
    successor_ids = [final_successor(space, title) for title in merged]
    times = [title.cause.event.occurred_at for title in merged if title.cause is not None]
    run(cursor, "collapse_redirects", title_ids=title_ids, successor_ids=successor_ids)
    run(cursor, "upsert_redirects", title_ids=title_ids, successor_ids=successor_ids, merged_at=times)


def _write_history(cursor: Cursor, space: Workspace) -> None:
    if space.log:
        log = space.log
        run(
            cursor,
            "insert_log",
            title_ids=[entry.title_id for entry in log],
            providers=[entry.member.provider for entry in log],
            native_ids=[entry.member.native_id for entry in log],
            actions=[entry.action for entry in log],
            reasons=[entry.reason for entry in log],
            scores=[entry.score for entry in log],
            evidence=[_json(entry.evidence, space.weights) for entry in log],
            event_ids=[entry.change.event.event_id for entry in log],
            occurred_at=[entry.change.event.occurred_at for entry in log],
        )
    if space.reviews:
        reviews = space.reviews
        run(
            cursor,
            "upsert_reviews",
            providers=[review.member.provider for review in reviews],
            native_ids=[review.member.native_id for review in reviews],
            candidate_ids=[review.candidate for review in reviews],
            title_ids=[review.member.title_id for review in reviews],
            reasons=[review.reason for review in reviews],
            scores=[review.score for review in reviews],
            evidence=[_json(review.evidence, space.weights) for review in reviews],
            event_ids=[review.change.event.event_id for review in reviews],
            occurred_at=[review.change.event.occurred_at for review in reviews],
            ordinals=list(range(len(reviews))),
        )


def _json(evidence: tuple[Evidence, ...], weights: Weights) -> str | None:
    """The score explained per field, as JSON: [{"field", "level", "weight", "weights": version of the weights}]."""
    if not evidence:
        return None
    return msgspec.json.encode([{**item._asdict(), "weights": weights.version} for item in evidence]).decode()
