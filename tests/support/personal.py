"""Events about one person's things for tests: small by default, every field can be given."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.envelope import derived_id
from schemas.types.discovery import TrendingTitle, TrendingUpdated
from schemas.types.identity import DeviceCommandIssued, DeviceRegistered, DeviceRemoved, PreferenceSet
from schemas.types.playback import PlaybackSessionEnded, PlaybackSessionStarted, RatingGiven

WHEN = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
"""The last second of a month, so that a zone or an hour too much shows."""


def rated(user: str = "u", title: str = "t", rating: float = 4.0, hlc: int = 1, **fields: Any) -> RatingGiven:
    given = _person(user, fields, hlc=hlc) | {"title_id": title, "rating": rating}
    return RatingGiven(**(given | fields))


def prefers(
    user: str = "u", name: str = "audio", value: str | None = '"de"', hlc: int = 1, **more: Any
) -> PreferenceSet:
    given = _person(user, more, hlc=hlc) | {"name": name, "value": value}
    return PreferenceSet(**(given | more))


def registered(user: str = "u", device: str = "tv", hlc: int = 1, **fields: Any) -> DeviceRegistered:
    given = _person(user, fields, hlc=hlc) | {
        "device_id": device,
        "name": "Living room",
        "kind": "tv",
        "capabilities": ("play", "seek"),
    }
    return DeviceRegistered(**(given | fields))


def removed(user: str = "u", device: str = "tv", hlc: int = 1, **fields: Any) -> DeviceRemoved:
    return DeviceRemoved(**(_person(user, fields, hlc=hlc) | {"device_id": device} | fields))


def commanded(user: str = "u", number: int = 1, **fields: Any) -> DeviceCommandIssued:
    given = _person(user, fields) | {
        "event_id": derived_id(user, "command", number),
        "target_device_id": "tv",
        "command": "seek",
        "title_id": "t",
        "position_ms": 60_000,
        "expires_at": WHEN + timedelta(seconds=30),
    }
    return DeviceCommandIssued(**(given | fields))


def began(user: str = "u", session: str = "s", hlc: int = 1, **fields: Any) -> PlaybackSessionStarted:
    given = _person(user, fields, hlc=hlc) | {
        "session_id": session,
        "title_id": "t",
        "started_at": WHEN,
        "position_ms": 0,
        "duration_ms": 6_000_000,
        "region": "DE",
    }
    return PlaybackSessionStarted(**(given | fields))


def ended(user: str = "u", session: str = "s", hlc: int = 2, **fields: Any) -> PlaybackSessionEnded:
    given = _person(user, fields, hlc=hlc) | {
        "session_id": session,
        "title_id": "t",
        "reason": "stopped",
        "started_at": WHEN,
        "ended_at": WHEN + timedelta(minutes=10),
        "position_ms": 600_000,
        "duration_ms": 6_000_000,
        "watched_ms": 590_000,
        "events": 12,
        "region": "DE",
    }
    return PlaybackSessionEnded(**(given | fields))


def trending(region: str = "DE", window: str = "24h", hours: int = 0, **fields: Any) -> TrendingUpdated:
    """The window that ends so many hours after WHEN."""
    given: dict[str, Any] = {
        "event_id": derived_id(region, window, hours),
        "occurred_at": WHEN,
        "region": region,
        "window": window,
        "window_end": WHEN + timedelta(hours=hours),
        "titles": (TrendingTitle(title_id=f"t{hours}", score=2.5, plays=3),),
    }
    return TrendingUpdated(**(given | fields))


def _person(user: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "event_id": derived_id(user, "test", repr(sorted(fields.items(), key=str)) + repr(more)),
        "occurred_at": WHEN,
        "user_id": user,
        "device_id": "phone",
    } | more
