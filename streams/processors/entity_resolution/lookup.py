"""The identity registry in PostgreSQL: lock, load, resolve, write. SQL only; every decision is made in `resolve`.

`decide` runs in the engine's transaction, in this order:
1. Sort out what can never be processed; derive features and blocks (before any lock is held).
2. Lock the stripes of all blocks, external ids and items of the batch, ascending, in one statement. Two workers with
   items of one work share a block or an id, so the second waits here until the first has committed.
3. Find titles: those of the items, owners of their ids, those in their blocks. Lock their rows in order of id.
4. Load all items of these titles (READ COMMITTED: what others committed before our locks is visible).
5. Resolve in memory. 6. Write the differences: a fixed number of statements. 7. Return the events.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from runtime import sql
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from schemas.types.catalog import CanonicalItem, ProviderItemNormalized, ProviderItemWithdrawn
from streams.engine.outcome import InvalidEvent, TransientError
from streams.engine.spec import Decision, Received, Rejected
from streams.processors.entity_resolution.blocking import blocks, stripes, year_of
from streams.processors.entity_resolution.events import changed_titles, events, final_successor
from streams.processors.entity_resolution.evidence import Evidence
from streams.processors.entity_resolution.features import Features, IdKey
from streams.processors.entity_resolution.resolve import resolve
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


class EntityResolution:
    """Decides batches of `provider-items`. Holds no state between batches.

    Thresholds are chosen by measurement and versioned with the code, not set per installation. `no_works`: records of
    the kind `unknown`, such as people, are kept apart and not refused; only evaluations have them.
    """

    def __init__(self, settings: Settings | None = None, *, no_works: bool = False) -> None:
        del settings
        self._no_works = no_works

    def decide(self, cursor: Cursor, batch: Sequence[Received]) -> Decision:
        """Raises TransientError when a title was merged away between finding and locking it; psycopg errors escape."""
        decision = Decision()
        changes = _changes(batch, decision, self._no_works)
        if not changes:
            return decision
        space = _load(cursor, changes)
        resolve(changes, space)
        _write(cursor, space)
        decision.events.extend(events(space))
        return decision


def _changes(batch: Sequence[Received], decision: Decision, no_works: bool) -> list[Change]:
    found = []
    for received in batch:
        try:
            found.append(_change(received, no_works))
        except InvalidEvent as error:
            decision.rejected.append(Rejected(received, error))
    return found


def _change(received: Received, no_works: bool) -> Change:
    event = received.event
    if not isinstance(event, ProviderItemNormalized | ProviderItemWithdrawn):
        raise InvalidEvent("unexpected_event", type(event).__name__)
    keys = [event.provider, event.native_id]
    if isinstance(event, ProviderItemWithdrawn):
        features = None
    else:
        features = Features(event.item)
        if features.kind == "unknown" and not no_works:
            raise InvalidEvent("unknown_kind", "the item's kind is not one of this schema version")
        if not features.main_keys - {""}:
            raise InvalidEvent("empty_name", "a title needs a name")
        keys += [text for source, value, _ in features.id_keys for text in (source, value)]
    if any("\0" in key for key in keys):
        raise InvalidEvent("nul_in_id", "PostgreSQL text cannot hold NUL")
    return Change(event, received.position.offset, features)


def _run(cursor: Cursor, name: str, **parameters: Any) -> Cursor:
    # Never prepared: a generic plan made while a table is small would go on scanning it when it is not.
    return cursor.execute(_SQL[name], parameters, prepare=False, binary=True)


def _load(cursor: Cursor, changes: Sequence[Change]) -> Workspace:
    features = [change.features for change in changes if change.features is not None]
    items = list(dict.fromkeys(change.item_key for change in changes))
    id_keys = sorted({key for one in features for key in one.id_keys})
    block_ids = {block for one in features for block in blocks(one)}
    _run(cursor, "lock_stripes", namespace=LOCK_NAMESPACE, stripes=stripes(block_ids, id_keys, items))

    rows = _run(
        cursor, "items_of_batch", providers=[key[0] for key in items], native_ids=[key[1] for key in items]
    ).fetchall()
    tombstones = [_member(row, None) for row in rows if row[2] is None]
    title_ids = {row[2] for row in rows if row[2] is not None}
    owners = _owners(cursor, id_keys)
    title_ids.update(owners.values())
    title_ids.update(_in_blocks(cursor, features))

    titles = _lock(cursor, sorted(title_ids))
    for row in _run(cursor, "items_of_titles", title_ids=list(titles)).fetchall() if titles else ():
        member = _member(row, row[9])
        titles[row[2]].members[member.key] = member
    members = (member for title in titles.values() for member in title.members.values())
    others = {key for member in members if member.features for key in member.features.id_keys}.difference(id_keys)
    space = Workspace(titles.values(), tombstones)
    space.own_ids(owners | _owners(cursor, sorted(others)))
    return space


def _lock(cursor: Cursor, title_ids: list[str]) -> dict[str, Title]:
    if not title_ids:
        return {}
    titles = {row[0]: Title(*row) for row in _run(cursor, "lock_titles", title_ids=title_ids).fetchall()}
    if any(title.status == "merged" for title in titles.values()):
        # Another worker merged it after we found it and before we had its row. Locking the successor now would break
        # the order of locks, so the batch is tried again, and then finds the successor.
        raise TransientError("a title was merged while this batch waited for its lock")
    return titles


def _owners(cursor: Cursor, keys: Sequence[IdKey]) -> dict[IdKey, str]:
    if not keys:
        return {}
    sources, values, kinds = map(list, zip(*keys, strict=True))
    rows = _run(cursor, "titles_by_external_id", sources=sources, values=values, kinds=kinds).fetchall()
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
        cursor = _run(cursor, "titles_by_block", blocks=block_ids, years=years, most=MAX_CANDIDATES)
        found.update(row[0] for row in cursor.fetchall())
    if undated:
        cursor = _run(cursor, "titles_by_block_any_year", blocks=sorted(undated), most=MAX_CANDIDATES)
        found.update(row[0] for row in cursor.fetchall())
    return found


def _member(row: Sequence[Any], body: bytes | None) -> Member:
    provider, native_id, title_id, active, source_time, offset, score, reason, founded = row[:9]
    features = None if body is None else Features(_decode(body))
    return Member(provider, native_id, title_id, features, active, source_time, offset, score, reason, founded)


def _write(cursor: Cursor, space: Workspace) -> None:
    _write_items(cursor, list(space.dirty.values()))
    titles = changed_titles(space)
    if titles:
        _run(
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
    _run(
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
            _run(cursor, name, sources=sources, values=values, kinds=kinds, title_ids=title_ids)
    for name, block_rows in (("delete_blocks", gone_blocks), ("insert_blocks", new_blocks)):
        if block_rows:
            block_ids, years, title_ids = map(list, zip(*sorted(block_rows), strict=True))
            _run(cursor, name, blocks=block_ids, years=years, title_ids=title_ids)


def _write_redirects(cursor: Cursor, space: Workspace, merged: Sequence[Title]) -> None:
    if not merged:
        return
    title_ids = [title.title_id for title in merged]
    successor_ids = [final_successor(space, title) for title in merged]
    times = [title.cause.event.occurred_at for title in merged if title.cause is not None]
    _run(cursor, "collapse_redirects", title_ids=title_ids, successor_ids=successor_ids)
    _run(cursor, "upsert_redirects", title_ids=title_ids, successor_ids=successor_ids, merged_at=times)


def _write_history(cursor: Cursor, space: Workspace) -> None:
    if space.log:
        log = space.log
        _run(
            cursor,
            "insert_log",
            title_ids=[entry.title_id for entry in log],
            providers=[entry.member.provider for entry in log],
            native_ids=[entry.member.native_id for entry in log],
            actions=[entry.action for entry in log],
            reasons=[entry.reason for entry in log],
            scores=[entry.score for entry in log],
            evidence=[_json(entry.evidence) for entry in log],
            event_ids=[entry.change.event.event_id for entry in log],
            occurred_at=[entry.change.event.occurred_at for entry in log],
        )
    if space.reviews:
        reviews = space.reviews
        _run(
            cursor,
            "upsert_reviews",
            providers=[review.member.provider for review in reviews],
            native_ids=[review.member.native_id for review in reviews],
            candidate_ids=[review.candidate for review in reviews],
            title_ids=[review.member.title_id for review in reviews],
            reasons=[review.reason for review in reviews],
            scores=[review.score for review in reviews],
            evidence=[_json(review.evidence) for review in reviews],
            event_ids=[review.change.event.event_id for review in reviews],
            occurred_at=[review.change.event.occurred_at for review in reviews],
            ordinals=list(range(len(reviews))),
        )


def _json(evidence: tuple[Evidence, ...]) -> str | None:
    """The score explained per field, as JSON: [{"field", "level", "weight"}]."""
    if not evidence:
        return None
    return msgspec.json.encode([item._asdict() for item in evidence]).decode()
