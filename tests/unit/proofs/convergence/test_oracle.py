"""The oracle against the laws it must not know: whatever was done, both come to the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.convergence.oracle import Body, Edit, Event, expect
from sync_laws import watchlist
from sync_laws.watching import Flag, Place, Watching
from sync_laws.watchlist import Item

TITLE = "title-1"
LENGTH = 1_000
clocks = st.integers(1, 30)
devices = st.sampled_from(["a", "b"])
positions = st.integers(0, LENGTH)
lengths = st.sampled_from([None, LENGTH])
ranks = st.sampled_from(["a0", "a1", "a2"])
tags = st.sampled_from([f"tag-{number}" for number in range(6)])
titles = st.sampled_from(["title-1", "title-2"])


def edit(op: str, hlc: int, device: str = "a", tag: str = "", **body: Any) -> Edit:
    body = {name: value for name, value in body.items() if value is not None}
    return Edit(device, tag, {"op": op, "titleId": TITLE, "hlc": str(hlc), **body})


def event(kind: str, session: str, hlc: int, position: int, length: int | None, device: str = "a") -> Event:
    body: Body = {"kind": kind, "sessionId": session, "titleId": TITLE, "hlc": str(hlc), "positionMs": position}
    return Event(device, body if length is None else body | {"durationMs": length})


events = st.builds(
    event,
    st.sampled_from(["started", "progressed", "paused", "stopped", "completed"]),
    st.sampled_from(["one", "two", "three"]),
    clocks,
    positions,
    lengths,
    devices,
)
watch_edits = st.one_of(
    st.builds(
        lambda hlc, device, at, length: edit("progress.set", hlc, device, positionMs=at, durationMs=length),
        clocks,
        devices,
        positions,
        lengths,
    ),
    st.builds(edit, st.sampled_from(["watched.mark", "watched.unmark"]), clocks, devices),
)


def by_law(edits: list[Edit], played: list[Event]) -> Watching:
    found = Watching()
    for each in played:
        body = each.body
        place = Place(int(body["hlc"]), each.device, body["positionMs"], body.get("durationMs"))
        found.played(body["sessionId"], body["kind"], place)
    for one in edits:
        body, hlc = one.body, int(one.body["hlc"])
        if body["op"] == "progress.set":
            found.set_by_hand(Place(hlc, one.device, body["positionMs"], body.get("durationMs")))
        else:
            found.mark(Flag(hlc, one.device, body["op"] == "watched.mark"))
    return found


@given(st.lists(watch_edits, max_size=6), st.lists(events, max_size=8))
def test_positions_and_marks(edits: list[Edit], played: list[Event]) -> None:
    expected = by_law(edits, played)
    place = expected.place
    found = expect(edits, played)
    if not edits and not played:
        assert found.progress == {}
        return
    shown = [place and place.position_ms, place and place.duration_ms, expected.watched, expected.finished]
    assert found.progress == {TITLE: shown}
    assert found.watched == ([TITLE] if expected.watched else [])
    assert found.continued == ([] if expected.finished else [TITLE])


@st.composite
def list_edits(draw: st.DrawFn) -> Edit:
    title, hlc, device = draw(titles), draw(clocks), draw(devices)
    op = draw(st.sampled_from(["watchlist.add", "watchlist.remove", "watchlist.move"]))
    body: Body = {"op": op, "titleId": title, "hlc": str(hlc)}
    if op != "watchlist.move":
        body["observed"] = sorted(draw(st.frozensets(tags, max_size=2)))
    if op != "watchlist.remove":
        body["rank"] = draw(ranks)
    return Edit(device, draw(tags) if op == "watchlist.add" else "", body)


@given(st.lists(list_edits(), max_size=10))
def test_watchlists(edits: list[Edit]) -> None:
    items: dict[str, Item] = {}
    for one in edits:
        body, hlc = one.body, int(one.body["hlc"])
        item = items.setdefault(body["titleId"], Item())
        match body["op"]:
            case "watchlist.add":
                item.add(one.tag, body["rank"], hlc, one.device, body["observed"])
            case "watchlist.remove":
                item.remove(body["observed"], hlc)
            case _:
                item.move(body["rank"], hlc, one.device)
    assert expect(edits, []).watchlist == watchlist.ordered(items)


def test_preferences_are_won_by_the_newest_clock_and_then_the_device() -> None:
    def prefers(hlc: int, device: str, name: str, value: Any) -> Edit:
        return Edit(device, "", {"op": "preference.set", "name": name, "value": value, "hlc": str(hlc)})

    edits = [prefers(2, "b", "x", 1), prefers(1, "a", "x", 2), prefers(2, "a", "x", 3), prefers(5, "a", "y", None)]
    assert expect(edits, []).preferences == {"x": 1}
    assert expect([*edits, prefers(4, "a", "y", "old")], []).preferences == {"x": 1}


@pytest.mark.parametrize(("hlc", "order"), [(5, ["title-2", "title-1"]), (9, ["title-1", "title-2"])])
def test_what_is_continued_is_in_the_order_of_its_clocks(hlc: int, order: list[str]) -> None:
    other = Edit("a", "", {"op": "progress.set", "titleId": "title-2", "hlc": "7", "positionMs": 1})
    assert expect([edit("progress.set", hlc, positionMs=1), other], []).continued == order
