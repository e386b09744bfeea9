"""Whatever JSON arrives: it is refused with a problem, or every event made of it can be written."""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from command_api.services.playback import events as playback_events
from command_api.services.playback.requests import parse_events, parse_ratings
from command_api.services.sync import device_events
from command_api.services.sync.device_requests import parse_capabilities, parse_command, parse_registration
from command_api.services.sync.events import to_events
from command_api.services.sync.requests import KINDS, parse
from runtime.http.identity import Caller
from runtime.http.problems import Problem
from schemas import codec
from sync_laws import clock
from tests.support.commands import HLC, played, rated
from tests.support.webhooks import NOW

CALLER = Caller("ann", "tv", frozenset(), "DE", NOW)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from([HLC, str(HLC), clock.MAX_HLC, 0, -1, 0.5, "", "a0", "k00000000000", "2026-03-01T12:00:00Z"])
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))
NAMES = (
    "op", "operationId", "titleId", "hlc", "rank", "observed", "positionMs", "durationMs", "name", "value",
    "occurredAt", "eventId", "kind", "sessionId", "deviceId", "rating", "capabilities", "command", "commandId",
    "expiresInSeconds",
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3)
OPERATIONS: dict[str, dict[str, Any]] = {
    "watchlist.add": {"titleId": "t"},
    "watchlist.remove": {"titleId": "t"},
    "watchlist.move": {"titleId": "t", "rank": "a0"},
    "progress.set": {"titleId": "t", "positionMs": 5},
    "watched.mark": {"titleId": "t"},
    "watched.unmark": {"titleId": "t"},
    "preference.set": {"name": "n", "value": 1},
}


def written(make: Callable[[], Any]) -> None:
    proposed: Any = ()
    problem: Problem | None = None
    try:
        proposed = make()
    except Problem as found:
        problem = found
    assert problem is None or problem.type.status in (400, 403, 422)
    assert problem is None or all(error.pointer for error in problem.errors)
    for each in proposed:
        assert codec.decode(codec.encode(each.event)).event_id == each.event.event_id


@given(st.lists(st.tuples(st.sampled_from(KINDS), CHANGES), min_size=1, max_size=3))
def test_queues(changed: list[tuple[str, dict[str, Any]]]) -> None:
    operations = [
        {"op": op, "operationId": f"o-{n}", "hlc": HLC, **OPERATIONS[op], **changes}
        for n, (op, changes) in enumerate(changed)
    ]
    body = msgspec.json.encode({"operations": operations})
    written(lambda: to_events("ann", "tv", parse(body, NOW)))


@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_playback(changed: list[dict[str, Any]]) -> None:
    body = msgspec.json.encode({"events": [{**played(), **changes} for changes in changed]})
    written(lambda: playback_events.playback_events("ann", *parse_events(body, CALLER, NOW)))


@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_ratings(changed: list[dict[str, Any]]) -> None:
    body = msgspec.json.encode({"ratings": [{**rated(), **changes} for changes in changed]})
    written(lambda: playback_events.ratings("ann", parse_ratings(body, CALLER, NOW)))


@given(CHANGES)
def test_devices(changes: dict[str, Any]) -> None:
    def registered() -> Any:
        body = msgspec.json.encode({"deviceId": "tv", "name": "n", "kind": "tv", "hlc": HLC, **changes})
        found, hlc = parse_registration(body, NOW)
        return [device_events.registered("ann", found.device_id, found.name, found.kind, found.capabilities, hlc)]

    def able() -> Any:
        found, hlc = parse_capabilities(msgspec.json.encode({"capabilities": [], "hlc": HLC, **changes}), NOW)
        return [device_events.registered("ann", "tv", "n", "tv", found.capabilities, hlc)]

    def commanded() -> Any:
        found = parse_command(msgspec.json.encode({"command": "play", **changes}), NOW)
        return [device_events.commanded("ann", "tv", "phone", found, NOW)]

    for make in (registered, able, commanded):
        written(make)


@given(st.binary() | JSON.map(msgspec.json.encode))
def test_any_bytes(body: bytes) -> None:
    written(lambda: to_events("ann", "tv", parse(body, NOW)))
    written(lambda: playback_events.playback_events("ann", *parse_events(body, CALLER, NOW)))
    written(lambda: playback_events.ratings("ann", parse_ratings(body, CALLER, NOW)))
