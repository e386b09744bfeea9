"""Bad input of queues: each place is named, nothing is accepted in part."""

from typing import Any

import msgspec
import pytest

from command_api.services.sync.requests import KINDS, parse
from runtime.http.problems import Problem
from sync_laws import clock
from tests.support.commands import FIVE_MINUTES, HLC, NOW_MS, operation
from tests.support.webhooks import NOW

GOOD: dict[str, dict[str, Any]] = {
    "watchlist.add": {"titleId": "t-1"},
    "watchlist.remove": {"titleId": "t-1"},
    "watchlist.move": {"titleId": "t-1", "rank": "a0"},
    "progress.set": {"titleId": "t-1", "positionMs": 5, "durationMs": 10},
    "watched.mark": {"titleId": "t-1"},
    "watched.unmark": {"titleId": "t-1"},
    "preference.set": {"name": "subtitles.language", "value": "de"},
}


def good(op: str, **changes: Any) -> dict[str, Any]:
    return operation(op, **{**GOOD[op], **changes})


def body(*operations: Any, **more: Any) -> bytes:
    return msgspec.json.encode({"operations": list(operations), **more})


def refused(given: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        parse(given, NOW)
    return caught.value


def test_every_kind() -> None:
    assert set(GOOD) == set(KINDS)
    found = parse(body(*(good(op) for op in GOOD)), NOW)
    assert [each.hlc for each in found] == [HLC] * len(GOOD)
    assert [each.pointer for each in found] == [f"#/operations/{n}" for n in range(len(GOOD))]


@pytest.mark.parametrize(
    "given",
    [
        good("watchlist.add", rank="a0V", observed=["6b0a2f8e-5c0f-5f0e-9d55-2f1d6c1c8a11"]),
        good("watchlist.add", observed=[]),
        good("progress.set", positionMs=10),
        good("progress.set", durationMs=None),
        good("preference.set", value={"any": [1, 2.5, None, "ü"]}),
        good("preference.set", value=False),
        {**good("preference.set"), "value": None},
        good("watched.mark", hlc=0),
        good("watched.mark", hlc=str(clock.pack(NOW_MS + FIVE_MINUTES))),
        good("watched.mark", operationId="A-b_9" + "x" * 59),
        good("watched.mark", occurredAt="2026-02-27T10:00:00.123456Z"),
    ],
)
def test_what_is_unusual_and_fine(given: dict[str, Any]) -> None:
    assert len(parse(body(given), NOW)) == 1


EACH: list[tuple[dict[str, Any], str]] = [
    ({"operationId": None}, ""),
    ({"operationId": ""}, "operationId"),
    ({"operationId": "o" * 65}, "operationId"),
    ({"operationId": "o 1"}, "operationId"),
    ({"operationId": "o\n"}, "operationId"),
    ({"operationId": "ö"}, "operationId"),
    ({"operationId": 7}, "operationId"),
    ({"hlc": None}, ""),
    ({"hlc": -1}, "hlc"),
    ({"hlc": 2**63}, "hlc"),
    ({"hlc": str(2**63)}, "hlc"),
    ({"hlc": "now"}, "hlc"),
    ({"hlc": 0.5}, "hlc"),
    ({"occurredAt": "2026-03-01T12:00:00"}, "occurredAt"),
    ({"occurredAt": "1960-01-01T00:00:00Z"}, "occurredAt"),
    ({"more": 1}, ""),
]


@pytest.mark.parametrize("op", GOOD)
@pytest.mark.parametrize(("changes", "at"), EACH, ids=[str(n) for n in range(len(EACH))])
def test_faults_that_every_operation_can_have(op: str, changes: dict[str, Any], at: str) -> None:
    found = refused(body(good(op), good(op, **changes)))
    assert found.type.slug == "invalid-content"
    assert [error.pointer for error in found.errors] == [f"#/operations/1/{at}".rstrip("/")]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"op": "watchlist.clear", "operationId": "o"}, "op"),
    ({"op": "", "operationId": "o"}, "op"),
    ({"op": None, "operationId": "o"}, "op"),
    ({"op": ["watchlist.add"]}, "op"),
    ({"operationId": "o", "hlc": 1, "titleId": "t"}, ""),
    (good("watchlist.add", titleId=""), "titleId"),
    (good("watchlist.add", titleId="t" * 201), "titleId"),
    (good("watchlist.add", titleId="t\x1b"), "titleId"),
    (good("watchlist.add", titleId=None), ""),
    (good("watchlist.add", rank=""), "rank"),
    (good("watchlist.add", rank="a"), "rank"),
    (good("watchlist.add", rank="a00"), "rank"),
    (good("watchlist.add", rank="0"), "rank"),
    (good("watchlist.add", rank="A" + "0" * 26), "rank"),
    (good("watchlist.add", rank="a0" + "V" * 199), "rank"),
    (good("watchlist.add", rank="a0\n"), "rank"),
    (good("watchlist.add", observed=["a b"]), "observed/0"),
    (good("watchlist.add", observed="t"), "observed"),
    (good("watchlist.remove", observed=["x"] * 501), "observed"),
    (good("watchlist.remove", observd=["x"]), ""),
    (good("watchlist.move", rank=None), ""),
    (good("watchlist.move", rank="zzz"), "rank"),
    (good("progress.set", positionMs=-1), "positionMs"),
    (good("progress.set", positionMs=11), "positionMs"),
    (good("progress.set", positionMs=0.5), "positionMs"),
    (good("progress.set", positionMs=864_000_001, durationMs=None), "positionMs"),
    (good("progress.set", positionMs=10**40), "positionMs"),
    (good("progress.set", positionMs=None), ""),
    (good("progress.set", durationMs=0), "durationMs"),
    (good("preference.set", name=""), "name"),
    (good("preference.set", name="a..b"), "name"),
    (good("preference.set", name="9a"), "name"),
    (good("preference.set", name="a b"), "name"),
    (good("preference.set", name="a" * 101), "name"),
    (good("preference.set", value="x" * 4095), "value"),
    (good("preference.set", value=None), ""),
]


@pytest.mark.parametrize(("given", "at"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_each_fault_is_named(given: dict[str, Any], at: str) -> None:
    found = refused(body(good("watched.mark"), given))
    assert found.type.slug == "invalid-content"
    assert [error.pointer for error in found.errors] == [f"#/operations/1/{at}".rstrip("/")]


def test_operations_that_exist_are_named() -> None:
    (error,) = refused(body({"op": "watchlist.clear"})).errors
    assert "watchlist.clear" in error.detail
    assert all(kind in error.detail for kind in KINDS)


def test_every_fault_is_named_at_once() -> None:
    found = refused(
        body(good("progress.set", positionMs=11, hlc=str(2**63)), {"op": "x"}, good("watchlist.move", rank="a"), [])
    )
    assert sorted(str(error.pointer) for error in found.errors) == [
        "#/operations/0/hlc",
        "#/operations/0/positionMs",
        "#/operations/1/op",
        "#/operations/2/rank",
        "#/operations/3",
    ]


@pytest.mark.parametrize("count", [0, 501])
def test_the_number_of_operations(count: int) -> None:
    assert [e.pointer for e in refused(body(*([good("watched.mark")] * count))).errors] == ["#/operations"]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (b'{"b": 1,\n "a": [true, null]}', '{"b":1,"a":[true,null]}'),
        (b"1.50", "1.5"),
        (b"null", None),
        (b'"\\u0000"', '"\\u0000"'),
        (b'"\\u00fc"', '"ü"'),
    ],
)
def test_values_are_kept_without_spaces(text: bytes, stored: str | None) -> None:
    given = body(good("preference.set", value="HERE")).replace(b'"HERE"', text)
    (found,) = parse(given, NOW)
    assert found.value == stored


@pytest.mark.parametrize("text", [b"[" * 2000 + b"]" * 2000, b'"\\ud800"', b"1e999"])
def test_values_that_nobody_could_read(text: bytes) -> None:
    given = body(good("watched.mark"), good("preference.set", value="HERE")).replace(b'"HERE"', text)
    found = refused(given)
    if found.type.slug == "invalid-content":
        assert [error.pointer for error in found.errors] == ["#/operations/1/value"]
    else:
        assert found.type.slug == "invalid-request"


def test_a_clock_that_is_ahead() -> None:
    found = refused(body(good("watched.mark"), good("watched.mark", hlc=clock.pack(NOW_MS + FIVE_MINUTES + 1))))
    assert found.type.slug == "clock-ahead"
    assert [error.pointer for error in found.errors] == ["#/operations/1/hlc"]
    assert found.headers["MG-Time"] == "2026-03-01T12:00:00.000Z"


def test_without_a_time_it_is_the_clocks() -> None:
    (found,) = parse(body(good("watched.mark", hlc=clock.pack(NOW_MS - 86_400_000, 7))), NOW)
    assert found.occurred_at.isoformat() == "2026-02-28T12:00:00+00:00"
