"""A registration or a removal becomes a device, a command a command.

Which of two rows of a device wins is decided by `order` alone, never by arrival. A command's id is its event's.
"""

from datetime import datetime

from schemas.envelope import Position
from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from schemas.types import AnyEvent
from schemas.types.identity import DeviceCommandIssued, DeviceRegistered, DeviceRemoved
from streams.engine import checks
from streams.engine.outcome import InvalidEvent

Write = DeviceRow | DeviceCommandRow


def transform(event: AnyEvent, _: Position) -> tuple[Write, ...]:
    match event:
        case DeviceRegistered():
            return (_registered(event),)
        case DeviceRemoved():
            return (_removed(event),)
        case DeviceCommandIssued():
            return (_command(event),)
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def order(row: DeviceRow) -> tuple[int, bool, str, str, tuple[str, ...], datetime]:
    """The greater one wins; as in `merge_devices`. Of two with one clock a removal beats a registration."""
    return row.hlc, row.removed, row.name, row.kind, row.capabilities, row.event_at


def _registered(event: DeviceRegistered) -> DeviceRow:
    _check(event)
    checks.require_texts(event, "name", "kind", "capabilities")
    return DeviceRow(
        user_id=event.user_id,
        device_id=event.device_id,
        name=event.name,
        kind=event.kind,
        capabilities=tuple(sorted(set(event.capabilities))),
        removed=False,
        hlc=event.hlc,
        event_at=event.occurred_at,
    )


def _removed(event: DeviceRemoved) -> DeviceRow:
    _check(event)
    return DeviceRow(
        user_id=event.user_id, device_id=event.device_id, removed=True, hlc=event.hlc, event_at=event.occurred_at
    )


def _check(event: DeviceRegistered | DeviceRemoved) -> None:
    checks.require_ids(event, "user_id", "device_id")
    checks.require_not_negative(event, "hlc")


def _command(event: DeviceCommandIssued) -> DeviceCommandRow:
    checks.require_ids(event, "event_id", "user_id", "device_id", "target_device_id", "title_id")
    checks.require_not_negative(event, "position_ms")
    if event.command == "unknown":
        raise InvalidEvent("unknown_command", "a newer writer's word: read it again with a newer version")
    return DeviceCommandRow(
        user_id=event.user_id,
        command_id=event.event_id,
        device_id=event.device_id,
        target_device_id=event.target_device_id,
        command=event.command,
        title_id=event.title_id,
        position_ms=event.position_ms,
        issued_at=event.occurred_at,
        expires_at=event.expires_at,
    )
