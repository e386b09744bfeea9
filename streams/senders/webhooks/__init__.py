"""webhooks: what happened to offers, told to those who asked for it, signed, until they took it.

Reads `availability_changes`; subscribers stand in a file (`subscribers.py`). At least once, in no promised order: a
message keeps its id, and a receiver that has seen the id is done.
In order:
1. one sender leads, by a lock in PostgreSQL; the others stand by;
2. new changes become deliveries, and the subscriber's place in the feed moves, in one transaction;
3. what is due is posted, a few at once for each subscriber, so that a slow one delays nobody else;
4. the attempt and what follows from it are recorded in one transaction, if nobody else did.
A death between 3 and 4 sends a message twice.
"""

from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas.read_models.availability_changes import READ_MODEL
from streams.engine.spec import SenderSpec, Sending


def _start(settings: Settings, health: UnitHealth) -> Sending:
    from streams.senders.webhooks.sender import Sender  # noqa: PLC0415 - only who sends pays for the HTTP client

    return Sender(settings, health)


SPEC = SenderSpec(
    name="webhooks",
    read_models=(READ_MODEL,),
    start=_start,
    store_kind="postgres",
    description="Tells subscribers what happened to offers (Standard Webhooks)",
)
