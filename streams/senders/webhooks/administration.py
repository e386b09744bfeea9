"""What operators ask and order: who is told what, how it went, again, no more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from runtime.connections import postgres
from runtime.sql import beside

State = Literal["waiting", "delivered", "failed"]
_SQL = beside(__file__)


class Standing(Struct, frozen=True, rename="camel"):
    """A subscriber. `oldest`: when its oldest waiting message was made."""

    name: str
    disabled_at: datetime | None
    disabled_why: str | None
    waiting: int
    delivered: int
    failed: int
    oldest: datetime | None


class DeliveryLine(Struct, frozen=True, rename="camel"):
    """A message and its last attempt."""

    event_id: str
    change: str
    state: State
    attempts: int
    created_at: datetime
    next_at: datetime
    at: datetime | None
    status: int | None
    trouble: str | None
    milliseconds: int | None


class AttemptLine(Struct, frozen=True, rename="camel"):
    attempt: int
    at: datetime
    status: int | None
    trouble: str
    milliseconds: int


class Administration:
    """By the owner's role. Methods block and raise `postgres.Error` when the server is away."""

    def __init__(self, dsn: str) -> None:
        self._connection = postgres.connect_plain(dsn, "mg-webhooks-operator")

    def overview(self) -> list[Standing]:
        return [Standing(*row) for row in self._connection.execute(_SQL["overview"])]

    def recent(self, name: str, state: State | None, limit: int) -> list[DeliveryLine]:
        values = {"name": name, "state": state, "limit": limit}
        return [DeliveryLine(*row) for row in self._connection.execute(_SQL["recent"], values)]

    def attempts(self, name: str, event_id: str) -> list[AttemptLine] | None:
        """None when there is no such message."""
        values = {"name": name, "event_id": event_id}
        if self._connection.execute(_SQL["document"], values).fetchone() is None:
            return None
        return [AttemptLine(*row) for row in self._connection.execute(_SQL["attempts"], values)]

    def disable(self, name: str, why: str) -> bool:
        """False when there is no such subscriber, or it is disabled."""
        return self._connection.execute(_SQL["disable"], {"name": name, "why": why}).rowcount == 1

    def enable(self, name: str) -> int:
        """How many messages waited for it."""
        return self._connection.execute(_SQL["enable"], {"name": name}).rowcount

    def forget(self, name: str) -> bool:
        return self._connection.execute(_SQL["forget_subscriber"], {"name": name}).rowcount == 1

    def send_again(self, name: str, event_ids: Sequence[str], state: State | None, since: datetime | None) -> int:
        """How many messages that is."""
        values = {"name": name, "event_ids": list(event_ids), "state": state, "since": since}
        return self._connection.execute(_SQL["send_again"], values).rowcount

    def close(self) -> None:
        self._connection.close()
