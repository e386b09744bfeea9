"""Bad input of players: each place is named, nothing is accepted in part."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from command_api.services.playback.requests import parse_events, parse_ratings
from runtime.http.identity import Caller
from runtime.http.problems import Problem
from sync_laws import clock
from tests.support.commands import FIVE_MINUTES, HLC, NOW_MS, played, rated
from tests.support.webhooks import NOW

CALLER = Caller("ann", "tv", frozenset(), "DE", NOW)
OPERATOR = Caller("ops", "desk", frozenset({"users:write"}), "ZZ", NOW)


def body(*events: dict[str, Any], **more: Any) -> bytes:
    return msgspec.json.encode({"events": list(events), **more})


def refused(given: bytes, parse: Callable[..., Any] = parse_events, caller: Caller = CALLER) -> Problem:
    with pytest.raises(Problem) as caught:
        parse(given, caller, NOW)
    return caught.value


def test_a_good_request() -> None:
    region, (first, second) = parse_events(body(played(), played(eventId="e-2", hlc=HLC + 1)), CALLER, NOW)
    assert region == "DE"
    assert (first.hlc, second.hlc, first.device_id, first.occurred_at) == (HLC, HLC + 1, "tv", NOW)


def test_the_requests_region_comes_before_the_tokens() -> None:
    assert parse_events(body(played(), region="FR"), CALLER, NOW)[0] == "FR"


@pytest.mark.parametrize(
    "changes",
    [
        {"positionMs": 0},
        {"positionMs": 600_000},
        {"positionMs": 864_000_000, "durationMs": None},
        {"durationMs": None},
        {"eventId": None},
        {"hlc": 0},
        {"hlc": str(clock.pack(NOW_MS + FIVE_MINUTES))},
        {"titleId": "ü" * 200},
        {"titleId": "never heard of: it / 42"},
        {"occurredAt": "2026-03-01T13:05:00+01:00"},
        {"occurredAt": "2021-06-01T00:00:00Z"},
        {"deviceId": "tv"},
    ],
)
def test_what_is_unusual_and_fine(changes: dict[str, Any]) -> None:
    _, (found,) = parse_events(body(played(**changes)), CALLER, NOW)
    assert found.pointer == "#/events/0"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"positionMs": -1}, "positionMs"),
    ({"positionMs": 864_000_001}, "positionMs"),
    ({"positionMs": 10**30}, "positionMs"),
    ({"positionMs": 2**63}, "positionMs"),
    ({"positionMs": 1.5}, "positionMs"),
    ({"positionMs": "60000"}, "positionMs"),
    ({"positionMs": True}, "positionMs"),
    ({"positionMs": None}, ""),
    ({"positionMs": 600_001}, "positionMs"),
    ({"durationMs": 0}, "durationMs"),
    ({"durationMs": -5}, "durationMs"),
    ({"durationMs": 10**12}, "durationMs"),
    ({"occurredAt": "1997-09-20T03:05:10Z"}, "occurredAt"),
    ({"hlc": -1}, "hlc"),
    ({"hlc": 2**63}, "hlc"),
    ({"hlc": str(2**63)}, "hlc"),
    ({"hlc": "9" * 19}, "hlc"),
    ({"hlc": "9" * 20}, "hlc"),
    ({"hlc": "1e3"}, "hlc"),
    ({"hlc": "-1"}, "hlc"),
    ({"hlc": "１２"}, "hlc"),
    ({"hlc": f"{HLC}\n"}, "hlc"),
    ({"hlc": 1.0}, "hlc"),
    ({"hlc": None}, ""),
    ({"kind": "rewound"}, "kind"),
    ({"kind": "unknown"}, "kind"),
    ({"kind": 7}, "kind"),
    ({"sessionId": ""}, "sessionId"),
    ({"sessionId": "s" * 129}, "sessionId"),
    ({"titleId": ""}, "titleId"),
    ({"titleId": "t" * 201}, "titleId"),
    ({"titleId": "t\x00"}, "titleId"),
    ({"titleId": "t\n"}, "titleId"),
    ({"titleId": "t\x7f"}, "titleId"),
    ({"titleId": "t\x85"}, "titleId"),
    ({"eventId": ""}, "eventId"),
    ({"eventId": "e" * 65}, "eventId"),
    ({"eventId": "e:1"}, "eventId"),
    ({"eventId": "e\n"}, "eventId"),
    ({"deviceId": "a/b"}, "deviceId"),
    ({"deviceId": ""}, "deviceId"),
    ({"occurredAt": "2026-03-01T12:00:00"}, "occurredAt"),
    ({"occurredAt": "1969-12-31T23:59:59Z"}, "occurredAt"),
    ({"occurredAt": "0001-01-01T00:00:00+23:59"}, "occurredAt"),
    ({"occurredAt": "yesterday"}, "occurredAt"),
    ({"durationMS": 5}, ""),
]


@pytest.mark.parametrize(("changes", "at"), BAD, ids=[f"{n}" for n in range(len(BAD))])
def test_each_fault_is_named(changes: dict[str, Any], at: str) -> None:
    """Beside a good event, which is not accepted either."""
    found = refused(body(played(), played(**changes)))
    assert found.type.slug == "invalid-content", found
    assert [error.pointer for error in found.errors] == [f"#/events/1/{at}".rstrip("/")]


def test_kinds_that_exist_are_named() -> None:
    (error,) = refused(body(played(kind="rewound"))).errors
    assert "rewound" in error.detail
    assert "seeked" in error.detail
    assert "unknown" not in error.detail


def test_every_fault_is_named_at_once() -> None:
    given = body(
        played(positionMs=-1, hlc=2**63), played(positionMs=700_000, hlc="9" * 19), played(), {}, region="Germany"
    )
    assert sorted(str(error.pointer) for error in refused(given).errors) == [
        "#/events/0/positionMs",
        "#/events/1/hlc",
        "#/events/1/positionMs",
        "#/events/3",
        "#/region",
    ]


def test_of_many_faults_the_first_hundred_are_named() -> None:
    found = refused(body(*(played(positionMs=-1) for _ in range(300))))
    assert len(found.errors) == 100
    assert "300" in found.detail


@pytest.mark.parametrize("count", [0, 501, 5000])
def test_the_number_of_events(count: int) -> None:
    found = refused(body(*(played() for _ in range(count))))
    assert [error.pointer for error in found.errors] == ["#/events"]
    assert str(count) in found.errors[0].detail


def test_too_many_bad_events_are_not_looked_at_one_by_one() -> None:
    assert [e.pointer for e in refused(body(*(played(positionMs=-1) for _ in range(501)))).errors] == ["#/events"]


@pytest.mark.parametrize(
    ("given", "at"),
    [
        (b"[]", "#"),
        (b"null", "#"),
        (b"{}", "#"),
        (b'{"events": null}', "#/events"),
        (b'{"events": {}}', "#/events"),
        (b'{"events": [1]}', "#/events/0"),
        (b'{"events": [null]}', "#/events/0"),
        (body(played(), more=1), "#"),
    ],
)
def test_bodies_of_another_shape(given: bytes, at: str) -> None:
    found = refused(given)
    assert (found.type.slug, [error.pointer for error in found.errors]) == ("invalid-content", [at])


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"{",
        b"\xff",
        body(played()).replace(b"60000", b"NaN"),
        body(played()).replace(b"60000", b"Infinity"),
        body(played(kind="rewound")) + b"}",
        b'{"events": ' + b"[" * 100_000,
        body(played()).replace(b'"t-1"', b'"\\ud800"'),
    ],
    ids=["empty", "cut", "not UTF-8", "NaN", "Infinity", "something behind", "nested", "half a character"],
)
def test_what_is_no_json(given: bytes) -> None:
    assert refused(given).type.slug == "invalid-request"


@pytest.mark.parametrize(
    "changes",
    [
        {"hlc": clock.pack(NOW_MS + FIVE_MINUTES + 1)},
        {"hlc": str(2**63 - 1)},
        {"occurredAt": "2026-03-01T12:05:00.001Z"},
    ],
)
def test_clocks_that_are_ahead_have_a_problem_of_their_own(changes: dict[str, Any]) -> None:
    found = refused(body(played(), played(**changes)))
    assert found.type.slug == "clock-ahead"
    assert [error.pointer for error in found.errors] == [f"#/events/1/{next(iter(changes))}"]
    assert found.headers["MG-Time"] == "2026-03-01T12:00:00.000Z"


def test_a_clock_beside_another_fault_is_no_matter_of_clocks() -> None:
    found = refused(body(played(hlc=clock.MAX_HLC, positionMs=700_000)))
    assert found.type.slug == "invalid-content"
    assert len(found.errors) == 2


def test_a_device_reports_what_it_did_itself() -> None:
    given = body(played(), played(deviceId="phone"))
    found = refused(given)
    assert (found.type.slug, [error.pointer for error in found.errors]) == ("forbidden", ["#/events/1/deviceId"])
    _, reported = parse_events(given, OPERATOR, NOW)
    assert [each.device_id for each in reported] == ["desk", "phone"]


@pytest.mark.parametrize("rating", [0, 0.4, 5.5, 3.25, -1, "4", None, 1e300])
def test_ratings_are_halves_of_stars(rating: Any) -> None:
    given = msgspec.json.encode({"ratings": [rated(), rated(rating=rating)]})
    found = refused(given, parse_ratings)
    assert found.type.slug == "invalid-content"
    assert str(found.errors[0].pointer).startswith("#/ratings/1")


@pytest.mark.parametrize("rating", [0.5, 1, 4.5, 5])
def test_ratings_from_half_a_star_to_five(rating: float) -> None:
    (found,) = parse_ratings(msgspec.json.encode({"ratings": [rated(rating=rating)]}), CALLER, NOW)
    assert found.entry.rating == rating


def test_at_most_a_hundred_ratings() -> None:
    found = refused(msgspec.json.encode({"ratings": [rated()] * 101}), parse_ratings)
    assert [error.pointer for error in found.errors] == ["#/ratings"]
