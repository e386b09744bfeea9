"""Pages of the aggregator: what is taken from them, and what is refused."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.pulling.aggregator import StreamingAvailability
from bootstrap.pulling.source import Bookmark, Page, UnusableAnswer
from streams.processors.normalization.adapters.streaming_availability import adapt
from tests.support.aggregator import Aggregator, show

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOURCE = StreamingAvailability(["US", "gb"])
START = Bookmark(since=100)


def read(answer: Any, bookmark: Bookmark = START) -> Page:
    return SOURCE.read(bookmark, json.dumps(answer).encode(), NOW)


def page(*changes: tuple[str, int | None], **more: Any) -> dict[str, Any]:
    return {
        "changes": [{"showId": show_id} | ({} if at is None else {"timestamp": at}) for show_id, at in changes],
        "shows": {show_id: {"id": show_id, "title": show_id} for show_id, _ in changes},
        "hasMore": False,
        **more,
    }


def test_a_stream_a_country_and_kind() -> None:
    assert SOURCE.streams() == ("us/new", "us/updated", "us/removed", "gb/new", "gb/updated", "gb/removed")


def test_it_begins_as_far_back_as_the_server_answers() -> None:
    assert SOURCE.beginning(NOW) == Bookmark(since=int((NOW - timedelta(days=30)).timestamp()))


def test_the_first_request_of_a_walk_has_no_cursor() -> None:
    query = {"country": "gb", "change_type": "removed", "item_type": "show", "from": "100"}
    assert SOURCE.request("gb/removed", START) == ("/changes", query)
    assert SOURCE.request("gb/removed", Bookmark(100, "c1")) == ("/changes", query | {"cursor": "c1"})


def test_a_show_with_several_changes_is_one_item_as_it_is_now() -> None:
    found = read(page(("a", 110), ("b", 120), ("a", 130)))
    assert [(item.native_id, item.body["title"], item.source_time) for item in found.items] == [
        ("a", "a", NOW),
        ("b", "b", NOW),
    ]


def test_items_are_what_normalization_takes() -> None:
    answer = Aggregator(2).answer("/changes", {"item_type": "show", "change_type": "new", "from": "0"}, "").body
    (first, _) = SOURCE.read(START, answer, NOW).items
    assert (first.body, adapt(dict(first.body)).name.main) == (show(0), "Show 0")


def test_a_walk_goes_on_at_the_cursor_and_ends_at_the_newest_change() -> None:
    first = read(page(("a", 130), ("b", 120), hasMore=True, nextCursor="c1"))
    assert (first.bookmark, first.complete) == (Bookmark(100, "c1", 130), False)
    last = read(page(("c", 125)), first.bookmark)
    assert (last.bookmark, last.complete) == (Bookmark(130), True)


def test_a_walk_that_found_nothing_begins_there_again() -> None:
    assert read(page()).bookmark == START


def test_a_time_in_the_future_does_not_make_the_next_walk_skip_what_happens_until_then() -> None:
    assert read(page(("a", 9_999_999_999))).bookmark == Bookmark(int(NOW.timestamp()))


def test_a_change_without_a_time_moves_nothing() -> None:
    assert read(page(("a", None))).bookmark == START


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([], "no page"),
        ({"changes": "all"}, "no page"),
        ({"changes": [{"showId": "a"}], "shows": {}}, "not beside it"),
        ({"changes": [], "hasMore": True}, "does not move"),
        ({"changes": [], "hasMore": True, "nextCursor": ""}, "does not move"),
    ],
)
def test_what_cannot_be_gone_on_with(answer: Any, says: str) -> None:
    with pytest.raises(UnusableAnswer, match=says):
        read(answer)


def test_a_cursor_that_stands_still_is_no_page() -> None:
    with pytest.raises(UnusableAnswer, match="does not move"):
        read(page(("a", 1), hasMore=True, nextCursor="c1"), Bookmark(100, "c1"))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_page_or_refused(answer: bytes) -> None:
    with contextlib.suppress(UnusableAnswer):
        SOURCE.read(START, answer, NOW)
