"""Rows of one person, written as their materializers would: through SQL, with a new revision a write."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from sync_laws.watchlist import Item

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEYS = {
    "watch_state": ("user_id", "title_id"),
    "watchlist": ("user_id", "title_id"),
    "ratings": ("user_id", "title_id"),
    "preferences": ("user_id", "name"),
    "devices": ("user_id", "device_id"),
    "device_commands": ("user_id", "command_id"),
    "playback_history": ("user_id", "session_id", "started_at"),
}


def connect(dsn: str) -> psycopg.Connection[Any]:
    """In autocommit, with room for sessions of every month."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("CREATE TABLE IF NOT EXISTS playback_history_v1_rest PARTITION OF playback_history_v1 DEFAULT")
    return connection


def put(connection: psycopg.Connection[Any], table: str, *, version: int = 1, **values: Any) -> int:
    """Inserts or replaces a row; its new revision."""
    names = [sql.Identifier(name) for name in values]
    query = sql.SQL(
        "INSERT INTO {table} ({names}, revision) VALUES ({values}, nextval('change_revisions')) "
        "ON CONFLICT ({keys}) DO UPDATE SET ({names}, revision) = ROW ({excluded}, excluded.revision) "
        "RETURNING revision"
    ).format(
        table=sql.Identifier(f"{table}_v{version}"),
        names=sql.SQL(", ").join(names),
        values=sql.SQL(", ").join(map(sql.Placeholder, values)),
        keys=sql.SQL(", ").join(map(sql.Identifier, KEYS[table])),
        excluded=sql.SQL(", ").join(sql.SQL("excluded.{}").format(name) for name in names),
    )
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return int(row[0])


def watch_state(connection: psycopg.Connection[Any], user: str, title: str, **values: Any) -> int:
    given: dict[str, Any] = {
        "document": b"",
        "position_ms": 60_000,
        "duration_ms": 6_000_000,
        "position_hlc": 1000,
        "position_device": "tv",
        "watched": False,
        "finished": False,
        "event_at": AT,
    }
    return put(connection, "watch_state", user_id=user, title_id=title, **{**given, **values})


def watchlist(
    connection: psycopg.Connection[Any],
    user: str,
    title: str,
    rank: str = "a0",
    *,
    removed: bool = False,
    hlc: int = 2**53 + 1,
    version: int = 1,
) -> int:
    item = Item()
    item.add(f"tag-{title}", rank, hlc, "tv")
    if removed:
        item.remove(None, hlc + 1)
    return put(
        connection,
        "watchlist",
        version=version,
        user_id=user,
        title_id=title,
        document=msgspec.msgpack.encode(item),
        present=item.present,
        rank=item.rank,
        event_at=AT,
    )


def rating(connection: psycopg.Connection[Any], user: str, title: str, value: float = 4.5) -> int:
    return put(connection, "ratings", user_id=user, title_id=title, rating=value, hlc=7, device_id="tv", rated_at=AT)


def preference(connection: psycopg.Connection[Any], user: str, name: str, value: str | None = '"en"') -> int:
    return put(connection, "preferences", user_id=user, name=name, value=value, hlc=7, device_id="tv", event_at=AT)


def device(connection: psycopg.Connection[Any], user: str, device_id: str, *, removed: bool = False) -> int:
    return put(
        connection,
        "devices",
        user_id=user,
        device_id=device_id,
        name=f"The {device_id}",
        kind="tv",
        capabilities=["play", "seek"],
        removed=removed,
        hlc=7,
        event_at=AT,
    )


def command(connection: psycopg.Connection[Any], user: str, command_id: str, expires_at: datetime) -> int:
    return put(
        connection,
        "device_commands",
        user_id=user,
        command_id=command_id,
        device_id="phone",
        target_device_id="tv",
        command="seek",
        title_id="heat",
        position_ms=1,
        issued_at=expires_at - timedelta(minutes=1),
        expires_at=expires_at,
    )


def session(connection: psycopg.Connection[Any], user: str, session_id: str, **values: Any) -> int:
    given: dict[str, Any] = {
        "title_id": "heat",
        "device_id": "tv",
        "region": "DE",
        "started_at": AT,
        "ended_at": None,
        "reason": None,
        "position_ms": 60_000,
        "duration_ms": 6_000_000,
        "watched_ms": 60_000,
        "hlc": 7,
    }
    return put(connection, "playback_history", user_id=user, session_id=session_id, **{**given, **values})


def moved(connection: psycopg.Connection[Any], read_model: str, topic: str, following: int, version: int = 1) -> None:
    """The read model is at this offset of partition 0."""
    connection.execute(
        "INSERT INTO consumer_positions (consumer, topic, partition, next) VALUES (%s, %s, 0, %s) "
        "ON CONFLICT (consumer, topic, partition) DO UPDATE SET next = excluded.next, updated_at = now()",
        (f"{read_model}_v{version}", topic, following),
    )
