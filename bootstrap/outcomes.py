"""What the pipeline made of an import: counts from the identity registry, and waiting for the read models."""

import sys
import time

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bootstrap import lag
from bootstrap.log_reader import LogReader
from runtime.connections import postgres
from runtime.settings import Settings
from runtime.sql import beside
from schemas import loader
from schemas.types.catalog import CanonicalItem
from streams.topology import PIPELINE

_SQL = beside(__file__)
_STUCK_SECONDS = 180.0


class Totals(msgspec.Struct, frozen=True):
    """Since the beginning of time."""

    created: int
    linked: int
    merged: int
    dead_lettered: int


def totals(settings: Settings) -> Totals:
    with postgres.connect_plain(settings.postgres_dsn, "mg-outcomes") as connection, connection.cursor() as cursor:
        cursor.execute(_SQL["resolution_totals"])
        created, linked, merged = cursor.fetchone() or (0, 0, 0)
    return Totals(created or 0, linked or 0, merged or 0, dead_letters(settings))


def merged_examples(settings: Settings, most: int) -> list[str]:
    """Titles made of items of several providers, some of the best known first."""
    with postgres.connect_plain(settings.postgres_dsn, "mg-outcomes") as connection, connection.cursor() as cursor:
        cursor.execute(_SQL["merged_examples"], {"most": most})
        return [str(title_id) for (title_id,) in cursor]


def title_ids(settings: Settings, provider: str) -> dict[str, str]:
    """Title ids by the provider's own item ids."""
    with postgres.connect_plain(settings.postgres_dsn, "mg-outcomes") as connection, connection.cursor() as cursor:
        cursor.execute(_SQL["titles_of_provider"], {"provider": provider})
        return {str(native_id): str(title_id) for native_id, title_id in cursor}


def item(settings: Settings, provider: str, native_id: str) -> CanonicalItem | None:
    """A provider's item as entity resolution has it; None when it never came or was withdrawn before it did."""
    with postgres.connect_plain(settings.postgres_dsn, "mg-outcomes") as connection, connection.cursor() as cursor:
        cursor.execute(_SQL["body_of_item"], {"provider": provider, "native_id": native_id})
        row = cursor.fetchone()
    return msgspec.msgpack.decode(row[0], type=CanonicalItem) if row and row[0] is not None else None


def replayed_ratings(settings: Settings) -> int:
    """Ratings that `mg replay ratings` has brought into the read model."""
    with postgres.connect_plain(settings.postgres_dsn, "mg-outcomes") as connection, connection.cursor() as cursor:
        cursor.execute(_SQL["ratings_of_replay"])
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def dead_letters(settings: Settings) -> int:
    """How many were ever written, dropped ones included."""
    reader = LogReader(settings)
    try:
        names = [unit.name for unit in PIPELINE]
        return sum(high for name in names for _, high in reader.ends(loader.dead_letter_topic(name)).values())
    finally:
        reader.close()


def wait_until_done(settings: Settings, label: str, consumers: tuple[str, ...] | None = None) -> float:
    """Until every consumer (or the named ones) has read everything; returns the seconds it took.

    Raises ConnectionError when nothing moves for three minutes.
    """
    started = moved = time.monotonic()
    least = -1
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(label, total=None, left="")
        quiet = 0
        while quiet < 2:  # twice in a row: a processor may be about to publish what it just read
            behind = [one for one in lag.consumers(settings) if consumers is None or one.consumer in consumers]
            left = sum(one.events for one in behind)
            quiet = quiet + 1 if left == 0 and not pending(settings) else 0
            if left != least:
                least, moved = left, time.monotonic()
            worst = max(behind, key=lambda one: one.events)
            progress.update(task, left=f"{left} events to go, most at {worst.consumer}" if left else "")
            if time.monotonic() - moved > _STUCK_SECONDS:
                raise ConnectionError(
                    f"{worst.consumer} has not moved for {_STUCK_SECONDS:.0f} s; see `mg lag` and .mg/logs"
                )
            time.sleep(0.3 if left else 0.1)
    return time.monotonic() - started


def pending(settings: Settings) -> int:
    """Decided events that are not in the log yet."""
    with postgres.connect_plain(settings.postgres_dsn, "mg-outcomes") as connection, connection.cursor() as cursor:
        cursor.execute(_SQL["outbox_size"])
        row = cursor.fetchone()
    return int(row[0]) if row else 0
