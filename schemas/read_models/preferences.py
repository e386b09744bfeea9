"""preferences: what each person prefers, the same on every device.

Written by `materializer:preferences` from `preference-changes`; readers use the view `preferences`. Won by (hlc, device
id, value). One that was taken back stays with `value` None, so that deltas can tell.
"""

from datetime import datetime

from msgspec import Struct

READ_MODEL = "preferences"
TABLES = ("preferences",)
"""Views; the physical tables carry `_v{version}`."""

TOPICS = frozenset({"preference-changes"})
"""Topics whose positions a reader may wait for."""


class PreferenceRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `preferences`."""

    user_id: str
    name: str
    value: str | None
    """JSON text."""
    hlc: int
    device_id: str
    event_at: datetime
    revision: int = 0
