"""What registrations, removals and commands leave."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.envelope import Position
from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from streams.engine.outcome import InvalidEvent
from streams.materializers.devices.store import first, newest
from streams.materializers.devices.transform import transform
from tests.support.personal import WHEN, commanded, rated, registered, removed

POSITION = Position("device-changes", 0, 0)


def device(event: Any) -> DeviceRow:
    (row,) = transform(event, POSITION)
    assert isinstance(row, DeviceRow)
    return row


def command(event: Any) -> DeviceCommandRow:
    (row,) = transform(event, POSITION)
    assert isinstance(row, DeviceCommandRow)
    return row


def test_a_registration_is_a_row_with_sorted_capabilities() -> None:
    assert device(registered("u", "tv", 7, capabilities=("uhd", "play", "uhd"))) == DeviceRow(
        user_id="u",
        device_id="tv",
        name="Living room",
        kind="tv",
        capabilities=("play", "uhd"),
        removed=False,
        hlc=7,
        event_at=WHEN,
    )


def test_a_removal_is_a_row_without_a_name() -> None:
    assert device(removed("u", "tv", 8)) == DeviceRow(user_id="u", device_id="tv", removed=True, hlc=8, event_at=WHEN)


def test_a_command_is_a_row_named_like_its_event() -> None:
    event = commanded()
    assert command(event) == DeviceCommandRow(
        user_id="u",
        command_id=event.event_id,
        device_id="phone",
        target_device_id="tv",
        command="seek",
        title_id="t",
        position_ms=60_000,
        issued_at=WHEN,
        expires_at=WHEN + timedelta(seconds=30),
    )
    bare = command(commanded(command="pause", title_id=None, position_ms=None))
    assert (bare.title_id, bare.position_ms) == (None, None)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (registered(user=""), "empty_id: user_id"),
        (registered(device=""), "empty_id: device_id"),
        (registered(name="a\0"), "nul_character: name"),
        (registered(kind="\0"), "nul_character: kind"),
        (registered(capabilities=("play", "\0")), "nul_character: capabilities"),
        (registered(hlc=-1), "negative_number: hlc"),
        (removed(device=""), "empty_id: device_id"),
        (removed(hlc=-1), "negative_number: hlc"),
        (commanded(event_id=""), "empty_id: event_id"),
        (commanded(target_device_id=""), "empty_id: target_device_id"),
        (commanded(title_id=""), "empty_id: title_id"),
        (commanded(title_id="\0"), "nul_character: title_id"),
        (commanded(position_ms=-1), "negative_number: position_ms"),
        (commanded(command="unknown"), "unknown_command"),
        (rated(), "unexpected_event: RatingGiven"),
    ],
)
def test_what_no_row_can_hold_is_refused(event: Any, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        transform(event, POSITION)


def test_at_one_clock_a_removal_wins() -> None:
    there, gone, again = device(registered(hlc=5)), device(removed(hlc=5)), device(registered(hlc=6))
    assert newest([gone, there]) == newest([there, gone]) == [gone]
    assert newest([again, gone, there]) == newest([there, gone, again]) == [again]


def test_a_command_that_came_twice_is_one() -> None:
    one, other = command(commanded(number=1)), command(commanded(number=2))
    assert first([one, other, one]) == sorted([one, other], key=lambda row: row.command_id)
