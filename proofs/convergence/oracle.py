"""What everybody must end up with, from the operations themselves. Plain Python that shares nothing with `sync_laws`.

Operations come in any order and are gone through once: the newest clock wins (then the device, then the values), and a
title is on the list while one of its additions was not observed by a later edit.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

Body = dict[str, Any]


class Edit(Struct, frozen=True):
    """An operation of a device's queue; `tag` is the name of an addition."""

    device: str
    tag: str
    body: Body


class Event(Struct, frozen=True):
    """Of a player."""

    device: str
    body: Body


class Picture(Struct, frozen=True):
    """All that one person's apps and API answers show."""

    watchlist: list[str]
    watched: list[str]
    continued: list[str]
    progress: dict[str, list[Any]]
    """Position, length, watched, finished by title."""
    preferences: dict[str, Any]


def expect(edits: Iterable[Edit], events: Iterable[Event]) -> Picture:
    edits, events = list(edits), list(events)
    watching: dict[str, _Watching] = defaultdict(_Watching)
    for event in events:
        watching[event.body["titleId"]].play(event)
    for edit in edits:
        if edit.body["op"] in ("progress.set", "watched.mark", "watched.unmark"):
            watching[edit.body["titleId"]].edit(edit)
    places = {title: found.place() for title, found in watching.items()}
    open_ones = [(-places[title][0], title) for title, found in watching.items() if not found.finished()]
    return Picture(
        watchlist=_watchlist(edits),
        watched=sorted(title for title, found in watching.items() if found.watched),
        continued=[title for _, title in sorted(open_ones)],
        progress={title: found.shown() for title, found in watching.items()},
        preferences=_preferences(edits),
    )


def _watchlist(edits: Iterable[Edit]) -> list[str]:
    additions: dict[str, set[str]] = defaultdict(set)
    observed: dict[str, set[str]] = defaultdict(set)
    ranks: dict[str, tuple[int, str, str]] = {}
    for edit in edits:
        title = edit.body.get("titleId", "")
        if edit.body["op"] == "watchlist.add":
            additions[title].add(edit.tag)
        if edit.body["op"] in ("watchlist.add", "watchlist.remove"):
            observed[title].update(edit.body.get("observed", ()))
        if edit.body["op"] in ("watchlist.add", "watchlist.move"):
            rank = (int(edit.body["hlc"]), edit.device, edit.body["rank"])
            ranks[title] = max(rank, ranks.get(title, rank))
    listed = [title for title, tags in additions.items() if tags - observed[title]]
    return sorted(listed, key=lambda title: (ranks[title][2], title))


def _preferences(edits: Iterable[Edit]) -> dict[str, Any]:
    newest: dict[str, tuple[tuple[int, str, bool, str], Any]] = {}
    for edit in edits:
        if edit.body["op"] == "preference.set":
            value = edit.body["value"]
            stamp = (int(edit.body["hlc"]), edit.device, value is not None, json.dumps(value))
            name = edit.body["name"]
            if name not in newest or stamp > newest[name][0]:
                newest[name] = (stamp, value)
    return {name: value for name, (_, value) in sorted(newest.items()) if value is not None}


_Place = tuple[int, str, int, int]
"""Clock, device, position, length (-1: unknown)."""
_NOWHERE: _Place = (0, "", -1, -1)
_BY_HAND = ""


class _Watching:
    """One title."""

    def __init__(self) -> None:
        self._events: dict[str, list[tuple[_Place, bool]]] = defaultdict(list)
        """By session: places, and whether the session ended there."""
        self._marks: list[tuple[int, str, bool]] = []

    def play(self, event: Event) -> None:
        kind, place = event.body["kind"], _place(event.device, event.body)
        self._events[event.body["sessionId"]].append((place, kind in ("stopped", "completed")))
        if kind == "completed" or _at_end(place):
            self._marks.append((place[0], place[1], True))

    def edit(self, edit: Edit) -> None:
        if edit.body["op"] != "progress.set":
            self._marks.append((int(edit.body["hlc"]), edit.device, edit.body["op"] == "watched.mark"))
            return
        place = _place(edit.device, edit.body)
        self._events[_BY_HAND].append((place, False))
        if _at_end(place):
            self._marks.append((place[0], place[1], True))

    def place(self) -> _Place:
        """The newest, but for sessions that ended before another one began."""
        begins = [min(place[0] for place, _ in found) for name, found in self._events.items() if name != _BY_HAND]
        last_begin = max(begins, default=0)
        newest = _NOWHERE
        for found in self._events.values():
            ends = [place[0] for place, ended in found if ended]
            if not ends or last_begin <= min(ends):
                newest = max(newest, *(place for place, _ in found))
        return newest

    @property
    def watched(self) -> bool:
        return bool(self._marks) and max(self._marks)[2]

    def finished(self) -> bool:
        place = self.place()
        return place == _NOWHERE or _at_end(place) or (self.watched and max(self._marks)[:2] >= place[:2])

    def shown(self) -> list[Any]:
        _, _, position, length = self.place()
        return [None if position < 0 else position, None if length < 0 else length, self.watched, self.finished()]


def _place(device: str, body: Body) -> _Place:
    length = body.get("durationMs")
    return int(body["hlc"]), device, body["positionMs"], -1 if length is None else length


def _at_end(place: _Place) -> bool:
    return place[3] > 0 and place[2] * 100 >= place[3] * 95
