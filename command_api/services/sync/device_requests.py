"""What devices tell of themselves, and what they ask of each other."""

from datetime import datetime
from typing import Annotated, Final, Literal, get_args

import msgspec

from command_api.faults import Faults
from command_api.fields import Checks, ClientId, DeviceId, Hlc, PositionMs, TitleId
from command_api.reading import BodyReader

MOST_CAPABILITIES: Final = 64
DEFAULT_EXPIRY_SECONDS: Final = 30
CommandName = Literal["play", "pause", "seek", "load", "handOff"]
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "play": (),
    "pause": (),
    "seek": ("positionMs",),
    "load": ("titleId",),
    "handOff": ("titleId", "positionMs"),
}
TAKES_NOTHING: Final = frozenset({"pause"})

_Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,63}(?!\n)$")]
Capabilities = Annotated[
    tuple[_Word, ...],
    msgspec.Meta(max_length=MOST_CAPABILITIES, description="What it can do: play, seek, uhd, hdr, …; a set."),
]


class Registration(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A device as it is now; the whole of it."""

    device_id: DeviceId
    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=100,
            pattern=r"^[^\x00-\x1f\x7f-\x9f]+(?!\n)$",
            description="What its owner calls it.",
        ),
    ]
    kind: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[a-z][a-z0-9_-]{0,31}(?!\n)$",
            description="tv, phone, tablet, desktop, console, speaker, or a word of the app's own.",
        ),
    ]
    hlc: Hlc
    capabilities: Capabilities = ()


class CapabilitiesChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a registered device can do now; its name and kind stay."""

    capabilities: Capabilities
    hlc: Hlc


class DeviceCommand(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What the target shall do. `load` needs a title, `seek` a position, `handOff` both; `pause` takes neither."""

    command: CommandName
    command_id: Annotated[
        ClientId | None, msgspec.Meta(description="Makes a repetition harmless; ours when absent.")
    ] = None
    title_id: TitleId | None = None
    position_ms: PositionMs | None = None
    expires_in_seconds: Annotated[
        int, msgspec.Meta(ge=1, le=300, description="After this it must not be carried out.")
    ] = DEFAULT_EXPIRY_SECONDS


_REGISTRATION = BodyReader(Registration)
_CAPABILITIES = BodyReader(CapabilitiesChange)
_COMMAND = BodyReader(DeviceCommand, {"command": get_args(CommandName)})


def parse_registration(body: bytes, now: datetime) -> tuple[Registration, int]:
    """With its clock as a number. Raises Problem: 400 no JSON, 422 unusable."""
    faults = Faults()
    found = _REGISTRATION.read(body, faults)
    hlc = 0
    if found is not None:
        checks = Checks(now, faults)
        checks.device(found.device_id, "#/deviceId")
        hlc = checks.hlc(found.hlc, "#/hlc")
    return faults.nothing_wrong(found, now), hlc


def parse_capabilities(body: bytes, now: datetime) -> tuple[CapabilitiesChange, int]:
    """With its clock as a number. Raises Problem: 400 no JSON, 422 unusable."""
    faults = Faults()
    found = _CAPABILITIES.read(body, faults)
    hlc = 0 if found is None else Checks(now, faults).hlc(found.hlc, "#/hlc")
    return faults.nothing_wrong(found, now), hlc


def parse_command(body: bytes, now: datetime) -> DeviceCommand:
    """Raises Problem: 400 no JSON, 422 unusable."""
    faults = Faults()
    found = _COMMAND.read(body, faults)
    if found is not None:
        given = {"titleId": found.title_id, "positionMs": found.position_ms}
        for field in NEEDS[found.command]:
            if given[field] is None:
                faults.add(f"#/{field}", f"is required by {found.command}")
        if found.command in TAKES_NOTHING:
            for field, value in given.items():
                if value is not None:
                    faults.add(f"#/{field}", f"is not for {found.command}")
    return faults.nothing_wrong(found, now)
