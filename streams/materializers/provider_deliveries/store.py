"""Folds a batch to one write an item and upserts it: each column by its own rule, so that no order matters."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.provider_deliveries import READ_MODEL, TABLES
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.provider_deliveries.transform import ItemWrite, merged

_QUERIES = Path(__file__).with_name("queries.sql")


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[ItemWrite]) -> None:
    folded: dict[tuple[str, str, str], ItemWrite] = {}
    for each in writes:
        known = folded.get(each.key)
        folded[each.key] = each if known is None else merged(known, each)
    # Sorted, so that two transactions take their row locks in one order.
    items = [folded[key] for key in sorted(folded)]
    _write_deliveries(cursor, statements, items)
    refusals = [item.refusal for item in items]
    cursor.execute(
        statements["merge_items"],
        {
            "provider": [item.key[0] for item in items],
            "delivery_id": [item.key[1] for item in items],
            "native_id": [item.key[2] for item in items],
            "ordinal": [item.ordinal for item in items],
            "normalized_as": [item.normalized_as for item in items],
            "refused_by": [refusal and refusal.consumer for refusal in refusals],
            "refused_stage": [refusal.stage if refusal else 0 for refusal in refusals],
            "refused_offset": [refusal.offset if refusal else -1 for refusal in refusals],
            "reason": [refusal and refusal.reason for refusal in refusals],
            "detail": [refusal and refusal.detail for refusal in refusals],
        },
    )


def _write_deliveries(cursor: Cursor, statements: Statements, items: Sequence[ItemWrite]) -> None:
    first: dict[tuple[str, str], datetime] = {}
    for item in items:
        if item.accepted_at is not None:
            delivery = (item.key[0], item.key[1])
            first[delivery] = min(item.accepted_at, first.get(delivery, item.accepted_at))
    if first:
        cursor.execute(
            statements["merge_deliveries"],
            {
                "provider": [provider for provider, _ in first],
                "delivery_id": [delivery_id for _, delivery_id in first],
                "accepted_at": list(first.values()),
            },
        )
