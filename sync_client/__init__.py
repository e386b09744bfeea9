"""What client apps embed: a device's watchlist, progress, marks and preferences, online or not.

    async with SyncClient(path, user_id, device_id, base_url, token) as client:
        client.add(title_id)          # on the disk when it returns, shown at once, sent when possible
        await client.run()            # until cancelled

docs/sync.md says what two devices agree on. Of this project it imports `sync_laws` only, the laws that the service
uses too.
"""

from sync_client.client import Rejected, Status, SyncClient
from sync_client.errors import (
    InvalidOperation,
    NotAllowed,
    NotOnWatchlist,
    QueueFull,
    StoreCorrupt,
    StoreFull,
    StoreInUse,
    StoreReadOnly,
    SyncClientError,
    SyncStoreError,
    UnexpectedAnswer,
    Unreachable,
    WatchlistFull,
    WrongStore,
)
from sync_client.local_view import Progress
from sync_client.rows import Device, DeviceCommand
from sync_client.sending import Sent

__all__ = [
    "Device",
    "DeviceCommand",
    "InvalidOperation",
    "NotAllowed",
    "NotOnWatchlist",
    "Progress",
    "QueueFull",
    "Rejected",
    "Sent",
    "Status",
    "StoreCorrupt",
    "StoreFull",
    "StoreInUse",
    "StoreReadOnly",
    "SyncClient",
    "SyncClientError",
    "SyncStoreError",
    "UnexpectedAnswer",
    "Unreachable",
    "WatchlistFull",
    "WrongStore",
]
