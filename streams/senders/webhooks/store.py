"""What is to be sent and what became of it, in PostgreSQL, on one session of its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from runtime.connections import postgres
from runtime.sql import beside
from schemas.read_models.availability_changes import READ_MODEL
from streams.senders.webhooks.subscribers import Subscriber

FAN_OUT: Final = 500
"""Changes of a partition looked at in one transaction."""
KEPT_DAYS: Final = 30
"""So long what was delivered or given up can be looked at and sent again."""
_SQL = beside(__file__)


class Due(Struct, frozen=True):
    """A message to send now; `attempts` were made before."""

    subscriber: str
    event_id: str
    document: str
    attempts: int
    created_at: datetime


class Attempt(Struct, frozen=True):
    """How one went. `status` is None when there was no answer."""

    at: datetime
    status: int | None
    trouble: str
    """Empty when it was taken."""
    milliseconds: int


class Deliveries:
    """Methods block and raise `postgres.Error` when the server is away."""

    def __init__(self, dsn: str) -> None:
        self._connection = postgres.connect_writer(dsn, "mg-webhooks")

    def become_leader(self) -> bool:
        """False while another session leads. The lock ends with the session, whatever ends it."""
        with self._connection.transaction():
            row = self._connection.execute(_SQL["become_leader"]).fetchone()
        return bool(row and row[0])

    def fan_out(self, subscriber: Subscriber) -> int:
        """New changes that the subscriber wants become deliveries; how many. A new one begins with what comes now.

        Deliveries and the place in the feed move together, so each change becomes one delivery.
        """
        with self._connection.transaction():
            values = {"name": subscriber.name, "read_model": READ_MODEL}
            self._connection.execute(_SQL["join_feed"], values)
            wanted = {
                **values,
                "changes": list(subscriber.changes),
                "regions": list(subscriber.regions),
                "providers": list(subscriber.providers),
                "most": FAN_OUT,
            }
            return self._connection.execute(_SQL["fan_out"], wanted).rowcount

    def due(self, subscriber: str, limit: int, now: datetime, without: Sequence[str]) -> list[Due]:
        """Oldest first; nothing of a disabled subscriber. `without`: ids that are on their way."""
        values = {"subscriber": subscriber, "limit": limit, "now": now, "without": list(without)}
        with self._connection.transaction():
            rows = self._connection.execute(_SQL["due"], values).fetchall()
        return [Due(subscriber, *row) for row in rows]

    def record(self, due: Due, attempt: Attempt, state: str, next_at: datetime | None) -> bool:
        """False when another sender recorded this attempt, or somebody asked for the message again, meanwhile."""
        values: dict[str, Any] = {
            "subscriber": due.subscriber,
            "event_id": due.event_id,
            "expected": due.attempts,
            "attempt": due.attempts + 1,
            "state": state,
            "next_at": next_at,
            "at": attempt.at,
            "status": attempt.status,
            "trouble": attempt.trouble,
            "milliseconds": attempt.milliseconds,
        }
        with self._connection.transaction():
            return self._connection.execute(_SQL["record"], values).rowcount == 1

    def disable(self, subscriber: str, why: str) -> None:
        with self._connection.transaction():
            self._connection.execute(_SQL["disable"], {"name": subscriber, "why": why})

    def waiting(self) -> Mapping[str, int]:
        with self._connection.transaction():
            return dict(self._connection.execute(_SQL["waiting"]).fetchall())

    def forget(self) -> int:
        """What is finished and old goes; how much."""
        with self._connection.transaction():
            return self._connection.execute(_SQL["forget"], {"days": KEPT_DAYS}).rowcount

    def close(self) -> None:
        self._connection.close()
