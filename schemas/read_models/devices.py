"""devices: the devices of each person, and what was asked of them.

Written by `materializer:devices` from `device-changes`; readers use the views `devices` (removed ones stay, with
`removed` true, so that deltas can tell) and `device_commands` (never carried out after `expires_at`; expired ones stay
until a rebuild). Whether a device is online is no fact of the log: its heartbeats live in Redis under `heartbeat_key`
and end by themselves.
"""

from datetime import datetime

from msgspec import Struct

READ_MODEL = "devices"
TABLES = ("devices", "device_commands")
"""Views; the physical tables carry `_v{version}`."""

TOPICS = frozenset({"device-changes"})
"""Topics whose positions a reader may wait for."""

HEARTBEAT_SECONDS = 90
"""A device that was not heard of for so long counts as offline."""


class DeviceRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `devices`. Won by (hlc, removed before registered). A removed one has no name nor kind."""

    user_id: str
    device_id: str
    name: str = ""
    kind: str = ""
    capabilities: tuple[str, ...] = ()
    removed: bool
    hlc: int
    event_at: datetime
    revision: int = 0


class DeviceCommandRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `device_commands`."""

    user_id: str
    command_id: str
    device_id: str
    """The device that asks."""
    target_device_id: str
    command: str
    """play, pause, seek, load or hand_off."""
    title_id: str | None = None
    position_ms: int | None = None
    issued_at: datetime
    expires_at: datetime
    revision: int = 0


def heartbeat_key(user_id: str, device_id: str) -> str:
    """Redis key that exists while the device is online. Its length prefix keeps two pairs from sharing a key."""
    return f"mg:online:{len(user_id)}:{user_id}:{device_id}"
