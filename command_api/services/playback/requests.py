"""What players and people report, and how it is checked: all or nothing, every bad place named."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Generic, Literal, TypeVar, get_args

import msgspec

from command_api.faults import MOST_ERRORS, Faults
from command_api.fields import (
    Checks,
    ClientId,
    DeviceId,
    DurationMs,
    Hlc,
    Moment,
    PositionMs,
    Region,
    SessionId,
    TitleId,
)
from command_api.reading import ListReader
from runtime.http import problems
from runtime.http.identity import WRITE_USERS, Caller
from runtime.http.problems import FieldError, Problem

MOST_EVENTS: Final = 500
MOST_RATINGS: Final = 100
Kind = Literal["started", "progressed", "paused", "resumed", "seeked", "stopped", "completed"]
OwnDevice = Annotated[
    DeviceId | None, msgspec.Meta(description="The token's own; operators may name another. The token's when absent.")
]


class PlaybackEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """One thing that a player did."""

    event_id: Annotated[
        ClientId | None,
        msgspec.Meta(
            description="Names this event of the device for ever: a repetition is appended once. Without one, the id "
            "follows from the content, and a repetition is appended again under the same id."
        ),
    ] = None
    kind: Kind
    session_id: SessionId
    title_id: TitleId
    device_id: OwnDevice = None
    position_ms: PositionMs
    duration_ms: DurationMs | None = None
    hlc: Hlc
    occurred_at: Moment


class PlaybackEvents(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Events in the order in which they happened."""

    events: Annotated[list[PlaybackEvent], msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": MOST_EVENTS})]
    region: Annotated[Region | None, msgspec.Meta(description="Of the viewer; the token's when absent.")] = None


class Rating(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """What a person thinks of a title."""

    event_id: Annotated[ClientId | None, msgspec.Meta(description="As of playback events.")] = None
    title_id: TitleId
    rating: Annotated[float, msgspec.Meta(ge=0.5, le=5, multiple_of=0.5, description="Stars, halves too.")]
    device_id: OwnDevice = None
    hlc: Hlc
    occurred_at: Moment


class Ratings(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Ratings in the order in which they were given."""

    ratings: Annotated[list[Rating], msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": MOST_RATINGS})]


Entry = TypeVar("Entry", PlaybackEvent, Rating)


class Reported(msgspec.Struct, Generic[Entry], frozen=True, gc=False):
    """A checked entry with what its fields stand for."""

    entry: Entry
    pointer: str
    device_id: str
    hlc: int
    occurred_at: datetime


_EVENTS = ListReader(PlaybackEvents, "events", PlaybackEvent, MOST_EVENTS, {"kind": get_args(Kind)})
_RATINGS = ListReader(Ratings, "ratings", Rating, MOST_RATINGS)


def parse_events(body: bytes, caller: Caller, now: datetime) -> tuple[str, list[Reported[PlaybackEvent]]]:
    """The region and the events. Raises Problem: 400 no JSON, 403 another device's, 422 unusable."""
    faults = Faults()
    checks = Checks(now, faults)
    found, entries = _EVENTS.read_list(body, faults)
    reported: list[Reported[PlaybackEvent]] = _reported(entries, "events", caller, checks)
    for each in reported:
        checks.position(each.entry.position_ms, each.entry.duration_ms, f"{each.pointer}/positionMs")
    faults.raise_if_any(now)
    _require_own(reported, caller)
    return (found and found.region) or caller.region, reported


def parse_ratings(body: bytes, caller: Caller, now: datetime) -> list[Reported[Rating]]:
    """Raises Problem: 400 no JSON, 403 another device's, 422 unusable."""
    faults = Faults()
    _, entries = _RATINGS.read_list(body, faults)
    reported: list[Reported[Rating]] = _reported(entries, "ratings", caller, Checks(now, faults))
    faults.raise_if_any(now)
    _require_own(reported, caller)
    return reported


def _reported(entries: Sequence[Entry | None], member: str, caller: Caller, checks: Checks) -> list[Reported[Entry]]:
    found = []
    for place, entry in enumerate(entries):
        if entry is None:
            continue
        at = f"#/{member}/{place}"
        hlc = checks.hlc(entry.hlc, f"{at}/hlc")
        occurred_at = checks.moment(entry.occurred_at, f"{at}/occurredAt")
        if entry.device_id is not None:
            checks.device(entry.device_id, f"{at}/deviceId")
        found.append(Reported(entry, at, entry.device_id or caller.device_id, hlc, occurred_at))
    return found


def _require_own(reported: Sequence[Reported[Entry]], caller: Caller) -> None:
    if WRITE_USERS in caller.scopes:
        return
    others = [each for each in reported if each.device_id != caller.device_id]
    if others:
        raise Problem(
            problems.FORBIDDEN,
            "A device reports what it did itself.",
            errors=[
                FieldError(detail="is not the token's device", pointer=f"{each.pointer}/deviceId")
                for each in others[:MOST_ERRORS]
            ],
        )
