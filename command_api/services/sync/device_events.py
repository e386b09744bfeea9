"""Devices as events. Pure, except that a command without an id gets a new one."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from command_api.fields import time_of
from command_api.intake import Proposed, digest_of
from command_api.services.sync.device_requests import DeviceCommand
from command_api.services.sync.reader import KnownDevice
from schemas.envelope import new_event_id
from schemas.types.identity import DeviceCommand as CommandKind
from schemas.types.identity import DeviceCommandIssued, DeviceRegistered, DeviceRemoved
from sync_laws import clock
from sync_laws.tags import tag_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS: Final[dict[str, CommandKind]] = {
    "play": "play",
    "pause": "pause",
    "seek": "seek",
    "load": "load",
    "handOff": "hand_off",
}


def registered(user_id: str, device_id: str, name: str, kind: str, capabilities: tuple[str, ...], hlc: int) -> Proposed:
    """The id follows from the content, so a repetition is the same event."""
    event = DeviceRegistered(
        event_id="",
        occurred_at=time_of(hlc),
        user_id=user_id,
        device_id=device_id,
        name=name,
        kind=kind,
        capabilities=tuple(sorted(set(capabilities))),
        hlc=hlc,
    )
    content = hashlib.blake2b(msgspec.msgpack.encode(event), digest_size=16).hexdigest()
    return _proposed(event, f"register:{content}")


def removed(user_id: str, device_id: str, known: KnownDevice, now: datetime) -> Proposed:
    """Stamped here, above everything that the device told of itself so far: its own clock may be ahead of ours."""
    hlc = max(clock.pack((now - _EPOCH) // timedelta(milliseconds=1)), known.hlc + 1)
    event = DeviceRemoved(event_id="", occurred_at=now, user_id=user_id, device_id=device_id, hlc=hlc)
    return _proposed(event, f"remove:{hlc}")


def commanded(user_id: str, device_id: str, target: str, asked: DeviceCommand, now: datetime) -> Proposed:
    """`device_id` asks `target`. The digest holds for how long, not until when: a repetition comes later."""
    life = timedelta(seconds=asked.expires_in_seconds)
    named = asked.command_id is not None
    event = DeviceCommandIssued(
        event_id=tag_of(user_id, device_id, f"command:{asked.command_id}") if named else new_event_id(),
        occurred_at=now,
        user_id=user_id,
        device_id=device_id,
        target_device_id=target,
        command=_KINDS[asked.command],
        title_id=asked.title_id,
        position_ms=asked.position_ms,
        expires_at=now + life,
    )
    content = msgspec.structs.replace(event, occurred_at=_EPOCH, expires_at=_EPOCH + life)
    return Proposed(event, "#/commandId", digest_of(content) if named else None)


def _proposed(event: DeviceRegistered | DeviceRemoved, name: str) -> Proposed:
    # Names of operations hold no colon, so that the kinds of ids do not meet.
    event_id = tag_of(event.user_id, event.device_id, name)
    return Proposed(msgspec.structs.replace(event, event_id=event_id), "#")
