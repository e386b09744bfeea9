"""What can go wrong, each with what to do about it in its message. All are SyncClientError."""


class SyncClientError(Exception):
    """Any of them."""


class InvalidOperation(SyncClientError, ValueError):
    """The operation can never be right; nothing was queued."""


class NotOnWatchlist(SyncClientError):
    """Only what is on the list can be moved or removed; nothing was queued."""


class WatchlistFull(SyncClientError):
    """The list has as many titles as it may have; nothing was queued."""


class QueueFull(SyncClientError):
    """Too many operations wait to be synced; this one was not queued, none of the others was dropped."""


class SyncStoreError(SyncClientError):
    """The file cannot be used, or could not take in an operation: what was not stored was not acknowledged."""


class StoreInUse(SyncStoreError):
    """Another process, or another client of this one, has the file open."""


class StoreCorrupt(SyncStoreError):
    """The file is damaged or no file of ours. It was left as it is."""


class StoreReadOnly(SyncStoreError):
    """The file or its folder cannot be written."""


class StoreFull(SyncStoreError):
    """No room on the disk. Nothing was lost; the operation was not queued."""


class WrongStore(SyncStoreError):
    """The file is of another user or device, or of a newer version of this package."""


class Unreachable(SyncClientError):
    """The service did not answer in time, or not with an answer of its own. Everything stays queued."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the service asked to be left alone for."""


class NotAllowed(SyncClientError):
    """The service does not accept the token, also not a new one. Everything stays queued until somebody signs in."""


class UnexpectedAnswer(SyncClientError):
    """The answer is none of the API: another version, or something in between. Everything stays queued."""
