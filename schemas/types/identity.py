"""GENERATED from schemas/avro/identity by `make schemas`; do not edit."""

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct


DeviceCommand = Literal["unknown", "play", "pause", "seek", "load", "hand_off"]
"""What one device asks of another."""


class DeviceCommandIssued(Struct, frozen=True, kw_only=True, gc=False):
    """A device was asked to do something; void after its expiry."""

    RECORD: ClassVar[str] = "media_gateway.identity.v1.DeviceCommandIssued"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    target_device_id: str
    """The device that shall do it."""
    command: DeviceCommand
    """What it shall do."""
    title_id: str | None = None
    """The title, where the command is about one."""
    position_ms: int | None = None
    """Where to play from or to jump to."""
    expires_at: datetime
    """After this it must not be carried out."""


class DeviceRegistered(Struct, frozen=True, kw_only=True, gc=False):
    """A person's device is known, or told us something new about itself."""

    RECORD: ClassVar[str] = "media_gateway.identity.v1.DeviceRegistered"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    name: str
    """What its owner calls it."""
    kind: str
    """tv, phone, tablet, desktop, console, speaker, or a word of the app's own."""
    capabilities: tuple[str, ...] = ()
    """What it can do: play, seek, uhd, hdr, …; sorted."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""


class DeviceRemoved(Struct, frozen=True, kw_only=True, gc=False):
    """A device belongs to this person no longer."""

    RECORD: ClassVar[str] = "media_gateway.identity.v1.DeviceRemoved"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""


class PreferenceSet(Struct, frozen=True, kw_only=True, gc=False):
    """A person set a preference on some device."""

    RECORD: ClassVar[str] = "media_gateway.identity.v1.PreferenceSet"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    name: str
    """Name of the preference, dots between words."""
    value: str | None = None
    """JSON text; null takes the preference back."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""
