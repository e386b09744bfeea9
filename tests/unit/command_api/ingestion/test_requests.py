"""Bodies: every kind of bad input is a 400 or 422 that says where."""

import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_api.services.ingestion.requests import MOST_ERRORS, MOST_ITEM_BYTES, MOST_NESTING, DeliveredItem, parse
from runtime.http import problems
from runtime.http.problems import Problem
from tests.support.webhooks import NOW, item, upserts

SENT = NOW - timedelta(minutes=1)


def parsed(body: bytes) -> tuple[DeliveredItem, ...]:
    return parse(body, SENT, NOW)


def refused(body: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        parsed(body)
    return caught.value


def pointers(body: bytes) -> list[str | None]:
    problem = refused(body)
    assert problem.type is problems.INVALID_DELIVERY
    return [error.pointer for error in problem.errors]


def with_raw(raw: bytes) -> bytes:
    return b'{"type":"catalog.item.upserted","data":{"id":"Q1","item":' + raw + b"}}"


def test_raw_items_are_kept_byte_for_byte() -> None:
    raw = b'{ "Title":  "Metr\\u00f3polis \xe2\x98\x83", "n": 1.50e0 }'
    (found,) = parsed(with_raw(raw))
    assert found == DeliveredItem("Q1", "upsert", SENT, raw)


def test_withdrawals_have_no_body() -> None:
    body = b'{"type":"catalog.item.withdrawn","data":{"id":"Q1","withdrawnAt":"2026-01-01T01:00:00+01:00"}}'
    (found,) = parsed(body)
    assert found == DeliveredItem("Q1", "withdraw", datetime(2026, 1, 1, tzinfo=UTC))


def test_an_items_time_is_its_own_then_the_payloads_then_the_attempts() -> None:
    at = "2026-02-01T00:00:00Z"
    own = "2026-01-01T00:00:00Z"
    times = [
        found.source_time.isoformat() for found in parsed(upserts(item("a", updatedAt=own), item("b"), timestamp=at))
    ]
    assert times == ["2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"]
    assert parsed(upserts(item()))[0].source_time == SENT


def test_order_is_kept_up_to_a_thousand_items() -> None:
    found = parsed(upserts(*(item(f"Q{n}") for n in range(1000))))
    assert [each.native_id for each in found] == [f"Q{n}" for n in range(1000)]


def test_unknown_members_are_left_alone() -> None:
    assert len(parsed(upserts(item(note="new in version 2"), source="them"))) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xef\xbb\xbf{}",
        b"\xff",
        with_raw(b'{"a":"\xed\xa0\x80"}'),
        with_raw(b'{"a":NaN}'),
        with_raw(b'{"a":"\x00"}'),
        with_raw(b"{'a':1}"),
        with_raw(b"[" * 100_000 + b"]" * 100_000),
        upserts(item()) + b"{}",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_not_json_is_a_400(body: bytes) -> None:
    assert refused(body).type is problems.INVALID_REQUEST


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", "#"),
        (b"null x", "#"),
        (b"[" * 5_000_000, "#"),
        (b"{}", "#"),
        (b'{"type":1,"data":{}}', "#/type"),
        (b'{"type":"catalog.item.exploded","data":{}}', "#/type"),
        (b'{"type":"catalog.item.upserted","data":{},"timestamp":"soon"}', "#/timestamp"),
        (b'{"type":"catalog.item.upserted","data":{},"timestamp":"9999-01-01T00:00:00Z"}', "#/timestamp"),
        (b'{"type":"catalog.item.upserted","data":[]}', "#/data"),
        (b'{"type":"catalog.item.upserted","data":{"item":{}}}', "#/data"),
        (b'{"type":"catalog.item.upserted","data":{"id":"Q1"}}', "#/data"),
        (b'{"type":"catalog.item.upserted","data":{"id":7,"item":{}}}', "#/data/id"),
        (b'{"type":"catalog.item.withdrawn","data":{"id":""}}', "#/data/id"),
        (b'{"type":"catalog.item.withdrawn","data":{"id":"Q1","withdrawnAt":1}}', "#/data/withdrawnAt"),
        (b'{"type":"catalog.items.upserted","data":{"items":{}}}', "#/data/items"),
        (b'{"type":"catalog.items.upserted","data":{"items":[]}}', "#/data/items"),
        (b'{"type":"catalog.items.upserted","data":{}}', "#/data"),
        (upserts(*(item(f"Q{n}") for n in range(1001))), "#/data/items"),
        (upserts(item("Q1"), item("Q2"), item("Q1")), "#/data/items/2/id"),
        (upserts(item("Q1"), {"id": "Q2"}), "#/data/items/1"),
        (upserts(item("a\x00b")), "#/data/items/0/id"),
        (upserts(item(" a")), "#/data/items/0/id"),
        (upserts(item("x" * 201)), "#/data/items/0/id"),
        (upserts(item(updatedAt="2026-03-01T12:05:01Z")), "#/data/items/0/updatedAt"),
        (upserts(item(updatedAt="2026-03-01T12:00:00")), "#/data/items/0/updatedAt"),
        (upserts(item(updatedAt="0000-01-01T00:00:00Z")), "#/data/items/0/updatedAt"),
        (upserts(item(updatedAt="0001-01-01T00:00:00+14:00")), "#/data/items/0/updatedAt"),
        (upserts(item(updatedAt="9999-12-31T23:59:59-12:00")), "#/data/items/0/updatedAt"),
        (with_raw(b"null"), "#/data/item"),
        (with_raw(b'"text"'), "#/data/item"),
        (with_raw(b'{"a":1e999}'), "#/data/item"),
        (with_raw(b'{"a":' + b"1" * 5000 + b"}"), "#/data/item"),
        (with_raw(b'{"a":"\\u0000"}'), "#/data/item"),
        (with_raw(b'{"\\\\\\u0000":1}'), "#/data/item"),
        (with_raw(b'{"a":' * 65 + b"1" + b"}" * 65), "#/data/item"),
        (with_raw(b'{"a":"' + b"x" * MOST_ITEM_BYTES + b'"}'), "#/data/item"),
    ],
    ids=lambda value: repr(value[:60]),
)
def test_bad_content_is_a_422_that_points_at_it(body: bytes, pointer: str) -> None:
    assert pointers(body) == [pointer]


def test_a_lone_surrogate_is_no_text() -> None:
    assert refused(with_raw(b'{"a":"\\ud800"}')).type in (problems.INVALID_DELIVERY, problems.INVALID_REQUEST)


def test_an_escaped_backslash_before_u0000_is_text_about_it() -> None:
    assert len(parsed(with_raw(b'{"a":"\\\\u0000"}'))) == 1


def test_brackets_in_strings_are_no_nesting() -> None:
    assert len(parsed(with_raw(b'{"a":"' + b'[{\\"' * 500 + b'"}'))) == 1


def test_wide_is_not_deep() -> None:
    wide = b'{"a":[' + b",".join([b'{"b":[]}'] * 1000) + b"]}"
    assert len(parsed(with_raw(wide))) == 1
    deepest = b'{"a":' * MOST_NESTING + b"1" + b"}" * MOST_NESTING
    assert len(parsed(with_raw(deepest))) == 1


def test_every_bad_item_is_named_and_the_list_is_bounded() -> None:
    body = upserts(item("a"), {"id": 1, "item": {}}, item("b"), {"id": "c", "item": 3})
    problem = refused(body)
    assert [error.pointer for error in problem.errors] == ["#/data/items/1/id", "#/data/items/3/item"]
    assert "2 of 4 items" in problem.detail
    assert len(refused(upserts(*[{"id": 1} for _ in range(500)])).errors) == MOST_ERRORS


def test_a_one_megabyte_title_is_too_large() -> None:
    assert pointers(upserts({"id": "Q1", "item": {"Title": "x" * 1_048_576}})) == ["#/data/items/0/item"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_are_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(Problem):
        parsed(body)


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["type", "data", "timestamp", "x"]), JSON) | JSON)
def test_no_json_is_an_error_of_ours(value: Any) -> None:
    value = {"type": "catalog.items.upserted", **value} if isinstance(value, dict) else value
    body = msgspec.json.encode(value)
    with contextlib.suppress(Problem):  # anything else would escape
        assert parsed(body)


def test_five_hundred_items_take_a_fraction_of_the_budget() -> None:
    raw = {"Title": "Metropolis", "Plot": "x" * 2500, "Cast": "a, b, c", "Year": 1927}
    body = upserts(*({"id": f"Q{n}", "item": raw} for n in range(500)))
    started = time.perf_counter()
    parsed(body)
    assert time.perf_counter() - started < 0.1
