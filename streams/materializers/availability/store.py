"""Folds a batch to the newest set of offers a title, stages it, and merges it in one statement."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from runtime.connections import bulk
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.availability import READ_MODEL, TABLES, OfferRow
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.availability.transform import OffersWrite

_QUERIES = Path(__file__).with_name("queries.sql")
_TITLE_TYPES = ("text", "int8", "text", "int4", "timestamptz")
_OFFER_TYPES = (
    "text", "int4", "text", "text", "text", "text", "numeric", "text", "text", "timestamptz", "timestamptz", "int8",
)  # fmt: skip


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[OffersWrite]) -> None:
    sets = newest(writes)
    bulk.stage(
        cursor,
        statements["stage_titles"],
        statements["copy_titles"],
        _TITLE_TYPES,
        ((each.title_id, each.version, each.state, len(each.offers), each.event_at) for each in sets),
    )
    bulk.stage(
        cursor,
        statements["stage_offers"],
        statements["copy_offers"],
        _OFFER_TYPES,
        (_row(offer) for each in sets for offer in each.offers),
    )
    bulk.merge(cursor, statements["merge_staged"])


def newest(writes: Iterable[OffersWrite]) -> list[OffersWrite]:
    """The set of each title that wins, by title id: two transactions take their row locks in one order."""
    folded: dict[str, OffersWrite] = {}
    for each in writes:
        known = folded.get(each.title_id)
        if known is None or (each.version, each.state) > (known.version, known.state):
            folded[each.title_id] = each
    return [folded[title_id] for title_id in sorted(folded)]


def _row(offer: OfferRow) -> tuple[Any, ...]:
    return (
        offer.title_id,
        offer.ordinal,
        offer.region,
        offer.provider,
        offer.type,
        offer.quality,
        offer.price,
        offer.currency,
        offer.link,
        offer.starts_at,
        offer.ends_at,
        offer.version,
    )
