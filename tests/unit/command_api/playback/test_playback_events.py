"""Reports as events: the same report makes the same id, another one another."""

from typing import Any

import msgspec
import pytest

from command_api.services.playback import events
from command_api.services.playback.requests import parse_events, parse_ratings
from runtime.http.identity import Caller
from schemas import codec
from schemas.types.playback import PlaybackEventRecorded, RatingGiven
from tests.support.commands import HLC, played, rated
from tests.support.webhooks import NOW

CALLER = Caller("ann", "tv", frozenset(), "DE", NOW)


def of(*given: dict[str, Any], region: str | None = None) -> list[Any]:
    body = msgspec.json.encode({"events": list(given), **({"region": region} if region else {})})
    found, reported = parse_events(body, CALLER, NOW)
    return events.playback_events("ann", found, reported)


def test_an_event_carries_what_was_reported() -> None:
    (proposed,) = of(played())
    assert proposed.pointer == "#/events/0"
    assert proposed.event == PlaybackEventRecorded(
        event_id=proposed.event.event_id,
        occurred_at=NOW,
        user_id="ann",
        device_id="tv",
        session_id="s-1",
        title_id="t-1",
        kind="progressed",
        position_ms=60_000,
        duration_ms=600_000,
        hlc=HLC,
        region="DE",
    )
    assert codec.key_of(proposed.event) == b"ann"
    assert codec.decode(codec.encode(proposed.event)) == proposed.event


def test_the_same_report_is_the_same_event_in_any_spelling() -> None:
    (first,) = of(played())
    (again,) = of(played(hlc=HLC, deviceId="tv", occurredAt="2026-03-01T13:00:00+01:00"))
    assert (again.event, again.digest) == (first.event, first.digest)


def test_the_region_is_no_content() -> None:
    (first,), (other,) = of(played()), of(played(), region="FR")
    assert first.digest == other.digest
    assert other.event.region == "FR"


@pytest.mark.parametrize(
    "changes", [{"positionMs": 1}, {"kind": "paused"}, {"hlc": HLC + 1}, {"titleId": "t-2"}, {"durationMs": None}]
)
def test_another_content_under_the_same_id(changes: dict[str, Any]) -> None:
    (first,), (other,) = of(played()), of(played(**changes))
    assert first.event.event_id == other.event.event_id
    assert first.digest != other.digest


@pytest.mark.parametrize(
    "changes", [{"positionMs": 1}, {"kind": "paused"}, {"hlc": HLC + 1}, {"titleId": "t-2"}, {"sessionId": "s-2"}]
)
def test_without_an_id_it_follows_from_the_content(changes: dict[str, Any]) -> None:
    (first,), (again,) = of(played(eventId=None)), of(played(eventId=None))
    (other,) = of(played(eventId=None, **changes))
    assert (first.event.event_id, first.digest) == (again.event.event_id, None)
    assert other.event.event_id != first.event.event_id


def test_events_and_ratings_do_not_share_ids() -> None:
    (event,) = of(played(eventId="x"))
    body = msgspec.json.encode({"ratings": [rated(eventId="x")]})
    (rating,) = events.ratings("ann", parse_ratings(body, CALLER, NOW))
    assert isinstance(rating.event, RatingGiven)
    assert (rating.event.rating, rating.event.title_id) == (4.5, "t-1")
    assert rating.event.event_id != event.event.event_id
    assert codec.decode(codec.encode(rating.event)) == rating.event
