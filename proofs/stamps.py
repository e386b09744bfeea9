"""How devices write down when something happened."""

from datetime import UTC, datetime

from sync_laws import clock


def stamp_of(hlc: int) -> dict[str, str]:
    """Members of an event or operation whose wall clock time is that of its hybrid logical clock."""
    at = datetime.fromtimestamp(clock.milliseconds_of(hlc) / 1000, UTC)
    return {"hlc": str(hlc), "occurredAt": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
