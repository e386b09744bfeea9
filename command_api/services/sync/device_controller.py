"""/v1/users/{user_id}/devices: who watches on what, what each device can do, and what one asks of another."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, post, put
from litestar.params import HeaderParameter, PathParameter

from command_api.fields import path_id
from command_api.intake import Accepted, Intake, Proposed
from command_api.openapi import BODY_REFUSALS, ID_REFUSALS, POSITION, RATES, json_body, refusals
from command_api.services.sync import device_events
from command_api.services.sync.controller import UserId
from command_api.services.sync.device_requests import (
    CapabilitiesChange,
    DeviceCommand,
    Registration,
    parse_capabilities,
    parse_command,
    parse_registration,
)
from command_api.services.sync.heartbeats import Heartbeats
from command_api.services.sync.reader import KnownDevice, SyncReader
from runtime.clock import Clock
from runtime.http import bodies, problems
from runtime.http.identity import WRITE_USERS, Caller
from runtime.http.positions import AFTER_HEADER, parse_positions, wait_until
from runtime.http.problems import Problem
from runtime.http.service import Injected
from schemas.read_models import devices

DeviceId = Annotated[str, PathParameter(description="One of the user's devices.")]
After = Annotated[
    str | None,
    HeaderParameter(name=AFTER_HEADER, description="Log positions (MG-Position) of a registration to wait for."),
]
_HLC = "115712051609600001"
_REGISTRATION = {
    "A television": {
        "deviceId": "tv",
        "name": "Living room",
        "kind": "tv",
        "capabilities": ["play", "seek", "uhd"],
        "hlc": _HLC,
    }
}
_CAPABILITIES = {"A new screen": {"capabilities": ["play", "seek", "uhd", "hdr"], "hlc": _HLC}}
_COMMANDS = {
    "Go on over there": {"commandId": "c-1", "command": "handOff", "titleId": "t-1", "positionMs": 1_800_000},
    "Pause within ten seconds": {"command": "pause", "expiresInSeconds": 10},
}


class DeviceAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """It is in the log at `position`."""

    device_id: str
    event_id: str
    position: str


class CommandAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """It is in the log at `position`, and goes out over the live channel. `online` is false when the target was not
    heard of lately: then it may well expire. `commandId` is its id in the log and in the channel."""

    command_id: str
    target_device_id: str
    online: bool
    position: str


class DevicesController(Controller):
    path = "/v1/users/{user_id:str}/devices"
    tags = ("devices",)

    @post(
        status_code=202,
        operation_id="RegisterDevice",
        operation_class=json_body(
            Registration,
            "The whole of a device; the newest clock wins. Any device of the user may do it for any other.",
            _REGISTRATION,
        ),
        summary="Register a device, or tell something new about it",
        response_headers=[POSITION, *RATES],
        responses=refusals(*BODY_REFUSALS),
    )
    async def register(
        self, request: Request[Any, Any, Any], user_id: UserId, intake: Injected[Intake], clock: Injected[Clock]
    ) -> Response[DeviceAccepted]:
        path_id("user_id", user_id)
        body = await bodies.json_body(request)
        proposed: list[Proposed] = []

        async def propose() -> Sequence[Proposed]:
            found, hlc = parse_registration(body, clock.now())
            proposed.append(
                device_events.registered(user_id, found.device_id, found.name, found.kind, found.capabilities, hlc)
            )
            return proposed

        return _answer(await intake.accept(user_id, propose), proposed)

    @delete(
        "/{device_id:str}",
        status_code=202,
        operation_id="RemoveDevice",
        summary="Remove a device",
        response_headers=[POSITION, *RATES],
        responses=refusals(problems.INVALID_POSITION, problems.NOT_FOUND, problems.READ_MODEL_BEHIND),
    )
    async def remove(
        self,
        user_id: UserId,
        device_id: DeviceId,
        intake: Injected[Intake],
        sync_reader: Injected[SyncReader],
        clock: Injected[Clock],
        wait_seconds: Injected[float],
        after: After = None,
    ) -> Response[DeviceAccepted]:
        proposed: list[Proposed] = []

        async def propose() -> Sequence[Proposed]:
            known = await _known(sync_reader, user_id, device_id, after, wait_seconds)
            proposed.append(device_events.removed(user_id, device_id, known, clock.now()))
            return proposed

        return _answer(await intake.accept(user_id, propose), proposed)

    @put(
        "/{device_id:str}/capabilities",
        status_code=202,
        operation_id="SetDeviceCapabilities",
        operation_class=json_body(
            CapabilitiesChange, "Of a registered device, by itself. Its name and kind stay.", _CAPABILITIES
        ),
        summary="Tell what a device can do",
        response_headers=[POSITION, *RATES],
        responses=refusals(problems.INVALID_POSITION, problems.NOT_FOUND, *BODY_REFUSALS, problems.READ_MODEL_BEHIND),
    )
    async def set_capabilities(
        self,
        request: Request[Any, Any, Any],
        user_id: UserId,
        device_id: DeviceId,
        caller: Injected[Caller],
        intake: Injected[Intake],
        sync_reader: Injected[SyncReader],
        clock: Injected[Clock],
        wait_seconds: Injected[float],
        after: After = None,
    ) -> Response[DeviceAccepted]:
        _require_own(caller, device_id)
        body = await bodies.json_body(request)
        proposed: list[Proposed] = []

        async def propose() -> Sequence[Proposed]:
            found, hlc = parse_capabilities(body, clock.now())
            known = await _known(sync_reader, user_id, device_id, after, wait_seconds)
            proposed.append(
                device_events.registered(user_id, device_id, known.name, known.kind, found.capabilities, hlc)
            )
            return proposed

        return _answer(await intake.accept(user_id, propose), proposed)

    @post(
        "/{device_id:str}/heartbeat",
        status_code=204,
        operation_id="SendHeartbeat",
        summary="Say that a device is online",
        description=f"By the device itself, more often than every {devices.HEARTBEAT_SECONDS} seconds; nothing is "
        "written to the log.",
        response_headers=[*RATES],
        responses=refusals(),
    )
    async def beat(
        self,
        user_id: UserId,
        device_id: DeviceId,
        caller: Injected[Caller],
        intake: Injected[Intake],
        heartbeats: Injected[Heartbeats],
        clock: Injected[Clock],
    ) -> Response[None]:
        path_id("user_id", user_id)
        _require_own(caller, device_id)
        headers = await intake.take(user_id)
        await heartbeats.beat(user_id, device_id, clock.now())
        return Response(None, status_code=204, headers=headers)

    @post(
        "/{device_id:str}/commands",
        status_code=202,
        operation_id="CommandDevice",
        operation_class=json_body(
            DeviceCommand,
            "Asks another device to do something; delivered over the live channel, void after its expiry. "
            "`handOff` goes on with a title at a position.",
            _COMMANDS,
        ),
        summary="Ask a device to play, pause, seek, load or take over",
        response_headers=[POSITION, *RATES],
        responses=refusals(*ID_REFUSALS, *BODY_REFUSALS),
    )
    async def command(
        self,
        request: Request[Any, Any, Any],
        user_id: UserId,
        device_id: DeviceId,
        caller: Injected[Caller],
        intake: Injected[Intake],
        heartbeats: Injected[Heartbeats],
        clock: Injected[Clock],
    ) -> Response[CommandAccepted]:
        path_id("user_id", user_id)
        path_id("device_id", device_id)
        body = await bodies.json_body(request)
        proposed: list[Proposed] = []

        async def propose() -> Sequence[Proposed]:
            now = clock.now()
            asked = parse_command(body, now)
            proposed.append(device_events.commanded(user_id, caller.device_id, device_id, asked, now))
            return proposed

        accepted = await intake.accept(user_id, propose)
        answer = CommandAccepted(
            proposed[0].event.event_id,
            device_id,
            await heartbeats.is_online(user_id, device_id),
            str(accepted.positions[0]),
        )
        return Response(answer, status_code=202, headers=accepted.headers)


async def _known(
    reader: SyncReader, user_id: str, device_id: str, after: str | None, wait_seconds: float
) -> KnownDevice:
    """Raises Problem (400, 404, 503). Positions of other topics matter to nothing here."""
    path_id("user_id", user_id)
    path_id("device_id", device_id)
    positions = [found for found in parse_positions(after) if found.topic in devices.TOPICS]
    await wait_until(reader.device_positions, positions, wait_seconds)
    known = await reader.device(user_id, device_id)
    if known is None or known.removed:
        raise Problem(problems.NOT_FOUND, "The user has no such device, or no longer; registering makes one.")
    return known


def _require_own(caller: Caller, device_id: str) -> None:
    if device_id != caller.device_id and WRITE_USERS not in caller.scopes:
        raise Problem(problems.FORBIDDEN, "A device says this of itself only.")
    path_id("device_id", device_id)


def _answer(accepted: Accepted, proposed: Sequence[Proposed]) -> Response[DeviceAccepted]:
    event = proposed[0].event
    answer = DeviceAccepted(getattr(event, "device_id", ""), event.event_id, str(accepted.positions[0]))
    return Response(answer, status_code=202, headers=accepted.headers)
