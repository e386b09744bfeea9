"""Where somebody is in a title, and whether they have seen it: two registers, each won by the newest stamp.

A stamp is (hlc, device id). The position is kept per sitting (one session of a player) and the newest position of a
sitting that still counts is the resume position; positions set by hand are a sitting without a name that never ends. A
sitting no longer counts when it has ended and another one began after its end: a straggler of it, whatever its clock
says, moves nothing back. The watched flag turns true with 95 % or a `completed`, and turns false by hand only; so
neither an old `progressed` nor the start of another viewing un-watches anything.
"""

from typing import Final, Literal

from msgspec import Struct

COMPLETED_PERCENT: Final = 95
MOST_SITTINGS: Final = 16
"""Sittings kept a title. Beyond it those that began first and hold no resume position are forgotten, and with them only
the memory that they had ended."""
BY_HAND: Final = ""
"""Name of the sitting of positions that were set, not played."""

Kind = Literal["unknown", "started", "progressed", "paused", "resumed", "seeked", "stopped", "completed"]


class Place(Struct, frozen=True, order=True, array_like=True, gc=False):
    """The position register. Compared field by field: after the stamp the values decide, so that two writes of one
    stamp converge too."""

    hlc: int
    device_id: str
    position_ms: int
    duration_ms: int | None = None

    @property
    def completed(self) -> bool:
        return is_completed(self.position_ms, self.duration_ms)

    def wins_over(self, other: "Place | None") -> bool:
        if other is None or self.hlc > other.hlc:
            return True
        return self.hlc == other.hlc and _order(self) > _order(other)


class Flag(Struct, frozen=True, order=True, array_like=True, gc=False):
    """The watched register."""

    hlc: int
    device_id: str
    watched: bool


class Sitting(Struct, array_like=True, gc=False):
    """One session. `began` is the lowest clock of its events, `ended` the lowest of those that end it, 0 while none."""

    began: int
    place: Place
    ended: int = 0


class Watching(Struct, array_like=True, gc=False):
    """All that is known of one person and one title. Mutable: operations and `join` change it in place."""

    sittings: dict[str, Sitting] = {}
    flag: Flag | None = None

    @property
    def place(self) -> Place | None:
        """Where to resume: the newest place of a sitting that counts."""
        if len(self.sittings) == 1:  # and nothing that could have superseded it
            (only,) = self.sittings.values()
            return only.place
        newest: Place | None = None
        last_began = 0
        for name, sitting in self.sittings.items():
            if sitting.began > last_began and name != BY_HAND:
                last_began = sitting.began
        for sitting in self.sittings.values():
            superseded = sitting.ended and last_began > sitting.ended
            if not superseded and sitting.place.wins_over(newest):
                newest = sitting.place
        return newest

    @property
    def watched(self) -> bool:
        return self.flag is not None and self.flag.watched

    @property
    def finished(self) -> bool:
        """Nothing to continue: the end was reached, or it was marked as watched with the last position or after it."""
        return is_finished(self.place, self.flag)

    def played(self, session: str, kind: str, place: Place) -> None:
        """An event of a player. `session` must not be BY_HAND."""
        self._sat(session, place.hlc, place, place.hlc if kind in ("stopped", "completed") else 0)
        if kind == "completed" or place.completed:
            self.mark(Flag(place.hlc, place.device_id, watched=True))

    def set_by_hand(self, place: Place) -> None:
        self._sat(BY_HAND, place.hlc, place, 0)
        if place.completed:
            self.mark(Flag(place.hlc, place.device_id, watched=True))

    def mark(self, flag: Flag) -> None:
        if self.flag is None or flag > self.flag:
            self.flag = flag

    def join(self, other: "Watching") -> None:
        """Everything that either knows."""
        for name, sitting in other.sittings.items():
            self._sat(name, sitting.began, sitting.place, sitting.ended)
        if other.flag is not None:
            self.mark(other.flag)

    def _sat(self, name: str, began: int, place: Place, ended: int) -> None:
        known = self.sittings.get(name)
        if known is None:
            self.sittings[name] = Sitting(began, place, ended)
            if len(self.sittings) > MOST_SITTINGS:
                self._forget_first()
            return
        if began < known.began:
            known.began = began
        if ended and (not known.ended or ended < known.ended):
            known.ended = ended
        if place.wins_over(known.place):
            known.place = place

    def _forget_first(self) -> None:
        """Never the one with the resume position: a long film outlives many short looks elsewhere."""
        place = self.place
        del self.sittings[
            min((s.began, name) for name, s in self.sittings.items() if name != BY_HAND and s.place is not place)[1]
        ]


def is_completed(position_ms: int, duration_ms: int | None) -> bool:
    """At 95 % of a known length."""
    return duration_ms is not None and duration_ms > 0 and position_ms * 100 >= duration_ms * COMPLETED_PERCENT


def is_finished(place: Place | None, flag: Flag | None) -> bool:
    """`Watching.finished` of a place and a flag that are at hand. A `completed` makes both with one stamp."""
    if place is None or place.completed:
        return True
    return flag is not None and flag.watched and (flag.hlc, flag.device_id) >= (place.hlc, place.device_id)


def _order(place: Place) -> tuple[int, str, int, int]:
    return (place.hlc, place.device_id, place.position_ms, -1 if place.duration_ms is None else place.duration_ms)
