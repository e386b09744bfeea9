"""The final state of all stores in a normal form, so that two runs over the same items can be compared.

What legitimately differs between two undisturbed runs is left out or expressed otherwise, and nothing else:

* Title ids. An id derives from the item that founds the title, and which item comes first depends on how the four
  partitions interleave. A title is therefore named by what it is: the set of its items. For the same reason `reason`
  and `score` of an item (the founder has none) and `founded` are left out, and `browse_rank`, which contains the id.
* Versions and text of events' ids. Versions count the changes of a title; two items of one title in one batch or in two
  make the same versions but not the same number of events. Instead, the versions in all read models must equal the
  last one in the log, and the log's must rise (`check_log`).
* Times (`created_at`, `event_at`, `written_at`, `accepted_at`): when it happened is not what happened.
* Deliveries. Their ids are random and their sizes depend on the rate; each must be whole (places 0 to n-1, each
  once), and every item must be in one, with the same outcome.
* Numbers of vectors: an embedding depends on the text alone, which `text_hash` pins; what must be equal is which
  vectors a point has.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from qdrant_client import QdrantClient, models

from bootstrap.log_reader import LogReader
from runtime.settings import Settings
from schemas import codec
from schemas.types.catalog import TitleChanged, TitleMerged, TitleRetired

Row = dict[str, Any]
Title = str
"""A title by its items: `provider:native_id` joined."""

IDENTITY = (
    "titles", "provider_items", "title_external_ids", "title_blocks", "title_redirects", "resolution_log",
    "resolution_reviews", "title_text_hashes",
)  # fmt: skip
READ_MODELS = (
    "title_catalog_v1", "title_catalog_external_ids_v1", "availability_titles_v1", "availability_v1",
    "provider_deliveries_v1", "provider_delivery_items_v1",
)  # fmt: skip
COLLECTION = "title_search_v1"
TITLES = "titles"


@dataclass(frozen=True, slots=True)
class State:
    """Each part is sorted; equal states compare equal."""

    titles: list[Row]
    external_ids: list[tuple[str, str, Title]]
    offers: list[Row]
    deliveries: list[Row]
    points: list[Row]
    items: list[Row]
    identity_ids: list[tuple[str, str, str, Title]]
    blocks: list[tuple[int, int, Title]]
    counts: dict[str, int]


def capture(settings: Settings) -> State:
    with psycopg.connect(settings.postgres_dsn, row_factory=dict_row) as connection:

        def rows(query: str) -> list[Row]:
            return connection.execute(query.encode()).fetchall()

        members: dict[str, set[str]] = defaultdict(set)
        items = rows("SELECT provider, native_id, title_id::text, active, body FROM provider_items")
        for item in items:
            members[item["title_id"]].add(f"{item['provider']}:{item['native_id']}")
        names = {title_id: " ".join(sorted(found)) for title_id, found in members.items()}
        points = _points(settings)
        live = rows("SELECT * FROM title_catalog")
        versions = {row["title_id"]: row["version"] for row in live}
        tables = (*IDENTITY, *READ_MODELS, "outbox")
        # Whoever came first makes the entries of the first three.
        uncounted = {"title_redirects", "resolution_log", "resolution_reviews", "provider_deliveries_v1"}
        counts = {t: rows(f"SELECT count(*) AS n FROM {t}")[0]["n"] for t in tables if t not in uncounted}
        counts["points"] = len(points)
        found = State(
            titles=_sorted(_title(row, names) for row in live),
            external_ids=sorted(
                (row["source"], row["value"], names[row["title_id"]])
                for row in rows("SELECT * FROM title_catalog_external_ids")
            ),
            offers=_sorted(
                row | {"title_id": names[row["title_id"]], "version": _same(row, versions)}
                for row in rows("SELECT * FROM availability")
            )
            + _sorted(
                {"title": names[row["title_id"]], "offers": row["offers"], "version": _same(row, versions)}
                for row in rows("SELECT * FROM availability_titles")
            ),
            deliveries=_sorted(
                rows(
                    "SELECT i.provider, i.native_id, i.outcome, i.normalized_as, i.reason,"
                    " d.delivery_id IS NOT NULL AS known"
                    " FROM provider_delivery_items i LEFT JOIN provider_deliveries d USING (provider, delivery_id)"
                )
            ),
            points=_sorted(_point(payload, vectors, names, versions) for payload, vectors in points),
            items=_sorted(item | {"title_id": names[item["title_id"]], "body": bytes(item["body"])} for item in items),
            identity_ids=sorted(
                (row["source"], row["value"], row["kind"], names[row["title_id"]])
                for row in rows("SELECT source, value, kind, title_id::text FROM title_external_ids")
            ),
            blocks=sorted(
                (row["block"], row["year"], names[row["title_id"]])
                for row in rows("SELECT block, year, title_id::text FROM title_blocks")
            ),
            counts=counts,
        )
        broken = rows(
            "SELECT provider, delivery_id FROM provider_delivery_items GROUP BY 1, 2 HAVING min(ordinal) <> 0"
            " OR max(ordinal) <> count(*) - 1 OR count(DISTINCT ordinal) <> count(*)"
        )
    assert not broken, "a delivery is not whole"
    assert len({row["title"] for row in found.titles}) == len(found.titles), "two rows of one title"
    return found


def clear(settings: Settings) -> None:
    """Empties every store of a system that is idle: its topics stay, its positions stand at their ends.

    What follows is the same work as on a new system (title ids, versions and hashes start again), without the half
    minute a new system takes to start.
    """
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute(f"TRUNCATE {', '.join((*IDENTITY, *READ_MODELS))}".encode())
    client = QdrantClient(url=settings.qdrant_url, timeout=30, check_compatibility=False)
    try:
        if ids := [record.id for record in _records(client)]:
            client.delete(COLLECTION, models.PointIdsList(points=ids), wait=True)
    finally:
        client.close()


def ends(settings: Settings, topic: str) -> dict[int, int]:
    """Next offset of each partition."""
    reader = LogReader(settings)
    try:
        return {partition: high for partition, (_, high) in reader.ends(topic).items()}
    finally:
        reader.close()


def check_log(settings: Settings, since: dict[int, int]) -> None:
    """Of every title the versions in `titles` rise, and the read models stand at the last one.

    An outbox whose relay was killed sends some events again, with the same ids and bytes: repetitions are left out.
    """
    reader = LogReader(settings)
    try:
        records = [one for one in reader.read([TITLES], "earliest", follow=False) if one.offset >= since[one.partition]]
    finally:
        reader.close()
    seen: dict[str, bytes] = {}
    versions: dict[str, int] = {}
    for record in records:
        event = codec.decode(record.value or b"")
        assert isinstance(event, TitleChanged | TitleMerged | TitleRetired)
        if event.event_id in seen:
            assert seen[event.event_id] == record.value, f"one event id, two contents: {event.event_id}"
            continue
        seen[event.event_id] = record.value or b""
        before = versions.get(event.title_id, 0)
        assert event.version > before, f"{event.title_id}: version {event.version} follows {before}"
        versions[event.title_id] = event.version
    with psycopg.connect(settings.postgres_dsn) as connection:
        for table in ("titles", "title_catalog", "availability_titles"):
            rows = connection.execute(f"SELECT title_id::text, version FROM {table}".encode()).fetchall()
            assert dict(rows) == versions, f"{table} does not stand where the log ends"


def difference(expected: State, found: State) -> str:
    """Empty when they are equal, else what is missing and what is too much, the first few of each part."""
    lines = []
    for part in State.__slots__:
        one, other = getattr(expected, part), getattr(found, part)
        if one == other:
            continue
        if isinstance(one, dict):
            lines.append(f"{part}: expected {one}, found {other}")
            continue
        left, right = Counter(map(repr, one)), Counter(map(repr, other))
        missing, surplus = list((left - right).elements()), list((right - left).elements())
        lines.append(f"{part}: {len(missing)} missing, {len(surplus)} too many")
        lines += [f"  - {line[:600]}" for line in missing[:3]] + [f"  + {line[:600]}" for line in surplus[:3]]
    return "\n".join(lines)


def _title(row: Row, names: dict[str, Title]) -> Row:
    document = row["document"]
    assert row["state"] == "live", row
    assert document.pop("title_id") == row["title_id"]
    assert document.pop("version") == row["version"]
    document.pop("created_at")
    sources = sorted(f"{source['provider']}:{source['native_id']}" for source in document.pop("sources"))
    assert " ".join(sources) == names[row["title_id"]], "the catalog shows other items than identity has"
    return {
        "title": names[row["title_id"]],
        "document": json.dumps(document, sort_keys=True),
        **{name: row[name] for name in ("kind", "name", "name_key", "name_keys", "year", "popularity")},
    }


def _point(payload: Row, vectors: list[str], names: dict[str, Title], versions: dict[str, int]) -> Row:
    title_id = payload.pop("title_id")
    assert payload.pop("version") == versions[title_id], "the search index is not at the catalog's version"
    payload.pop("embedding_version", None)  # of the version whose text was embedded; the text is what counts
    payload.pop("browse_rank", None)
    card = json.loads(payload.pop("card"))
    assert card.pop("title_id") == title_id
    card.pop("browse_rank")
    return payload | {"title": names[title_id], "card": json.dumps(card, sort_keys=True), "vectors": vectors}


def _points(settings: Settings) -> list[tuple[Row, list[str]]]:
    client = QdrantClient(url=settings.qdrant_url, timeout=30, check_compatibility=False)
    try:
        found = list(_records(client, payload=True, vectors=True))
    finally:
        client.close()
    return [(dict(one.payload or {}), sorted(one.vector or {})) for one in found if isinstance(one.vector, dict)]


def _records(client: QdrantClient, *, payload: bool = False, vectors: bool = False) -> Iterable[models.Record]:
    offset: Any = None
    while True:
        found, offset = client.scroll(COLLECTION, limit=500, offset=offset, with_payload=payload, with_vectors=vectors)
        yield from found
        if offset is None:
            return


def _same(row: Row, versions: dict[str, int]) -> str:
    return "current" if versions[row["title_id"]] == row["version"] else "stale"


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=repr)
