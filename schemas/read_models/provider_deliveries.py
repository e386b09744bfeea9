"""provider_deliveries: what became of each item that a provider delivered.

Written by `materializer:provider_deliveries` from `catalog-deliveries`, `provider-items` and the dead letters of their
processors; readers use the views `provider_deliveries` and `provider_delivery_items`. There are no counters: a row an
item, merged by rules that do not depend on the order of arrival, and counted when somebody asks.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

READ_MODEL = "provider_deliveries"
TABLES = ("provider_deliveries", "provider_delivery_items")
"""Views; the physical tables carry `_v{version}`."""

TOPICS = ("catalog-deliveries", "provider-items")
"""Topics whose positions a reader may wait for."""

Outcome = Literal["accepted", "normalized", "withdrawn", "dead_lettered"]
"""accepted: in the log, not processed yet. normalized: brought into the common form. withdrawn: taken back.
dead_lettered: refused by a processor, with a reason."""


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """One delivery with its items counted by outcome."""

    delivery_id: str
    accepted_at: datetime
    """`occurred_at` of its items."""
    items: int
    accepted: int
    normalized: int
    withdrawn: int
    dead_lettered: int


class RefusedItemRow(Struct, frozen=True, kw_only=True):
    """A dead-lettered item of a delivery."""

    delivery_id: str
    native_id: str
    ordinal: int | None
    consumer: str
    reason: str
    detail: str
