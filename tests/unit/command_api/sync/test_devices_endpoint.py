"""…/devices over HTTP, with nothing real behind it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from command_api.services.sync.reader import KnownDevice
from schemas import codec
from schemas.types.identity import DeviceCommandIssued, DeviceRegistered, DeviceRemoved
from sync_laws import clock
from tests.support import tokens
from tests.support.commands import FIVE_MINUTES, HLC, NOW_MS, CommandEdge, pointers, problem
from tests.support.webhooks import NOW

URL = "/v1/users/ann/devices"
Client = httpx.AsyncClient
TV = {"deviceId": "tv", "name": "Living room", "kind": "tv", "capabilities": ["uhd", "play", "uhd"], "hlc": str(HLC)}


@pytest.fixture
def edge() -> CommandEdge:
    return CommandEdge()


@pytest.fixture
async def client(edge: CommandEdge, tmp_path: Path) -> AsyncIterator[Client]:
    async with edge.client(tmp_path) as found:
        yield found


def known(edge: CommandEdge, device: str = "tv", *, removed: bool = False, hlc: int = HLC) -> None:
    edge.reader.devices["ann", device] = KnownDevice("Living room", "tv", removed, hlc)


async def test_registering(edge: CommandEdge, client: Client) -> None:
    response = await client.post(URL, json=TV)
    assert response.status_code == 202, response.text
    (event,) = edge.events
    assert isinstance(event, DeviceRegistered)
    assert (event.device_id, event.name, event.kind, event.hlc) == ("tv", "Living room", "tv", HLC)
    assert event.capabilities == ("play", "uhd")
    position = response.json()["position"]
    assert response.json() == {"deviceId": "tv", "eventId": event.event_id, "position": position}
    assert response.headers["MG-Position"] == position
    assert position.startswith("device-changes:")


async def test_registering_again_is_the_same_event_and_another_device_may_be_named(
    edge: CommandEdge, client: Client
) -> None:
    for given in (TV, TV, {**TV, "name": "Bedroom"}, {**TV, "deviceId": "phone"}):
        assert (await client.post(URL, json=given)).status_code == 202
    ids = [event.event_id for event in edge.events]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"deviceId": "a/b"}, "#/deviceId"),
        ({"deviceId": ""}, "#/deviceId"),
        ({"deviceId": "d" * 129}, "#/deviceId"),
        ({"name": ""}, "#/name"),
        ({"name": "a\nb"}, "#/name"),
        ({"kind": "Smart TV"}, "#/kind"),
        ({"capabilities": ["Play"]}, "#/capabilities/0"),
        ({"capabilities": ["c"] * 65}, "#/capabilities"),
        ({"hlc": -1}, "#/hlc"),
        ({"more": 1}, "#"),
    ],
)
async def test_bad_registrations(edge: CommandEdge, client: Client, changes: dict[str, Any], at: str) -> None:
    response = await client.post(URL, json={**TV, **changes})
    problem(response, 422, "invalid-content")
    assert pointers(response) == [at]
    problem(await client.post(URL, json={**TV, "hlc": clock.MAX_HLC}), 422, "clock-ahead")
    assert not edge.log.messages


async def test_removing_is_stamped_above_what_the_device_said(edge: CommandEdge, client: Client) -> None:
    ahead = clock.pack(NOW_MS + FIVE_MINUTES, 3)
    known(edge, hlc=ahead)
    known(edge, "phone", hlc=5)
    for device in ("tv", "phone"):
        response = await client.delete(f"{URL}/{device}")
        assert response.status_code == 202, response.text
        assert response.json()["deviceId"] == device
    first, second = edge.events
    assert isinstance(first, DeviceRemoved)
    assert isinstance(second, DeviceRemoved)
    assert (first.hlc, second.hlc) == (ahead + 1, HLC)


async def test_removing_what_is_not_there(edge: CommandEdge, client: Client) -> None:
    problem(await client.delete(f"{URL}/tv"), 404, "not-found")
    known(edge, removed=True)
    problem(await client.delete(f"{URL}/tv"), 404, "not-found")
    edge.reader.away = True
    problem(await client.delete(f"{URL}/tv"), 503, "unavailable")


async def test_removing_waits_for_the_registration(edge: CommandEdge, client: Client) -> None:
    known(edge)
    edge.reader.positions = {("device-changes", 1): 7}
    after = {"MG-After": "device-changes:1:6, watchlist-changes:0:99"}
    assert (await client.delete(f"{URL}/tv", headers=after)).status_code == 202
    after = {"MG-After": "device-changes:1:7"}
    problem(await client.delete(f"{URL}/tv", headers=after), 503, "read-model-behind")
    problem(await client.delete(f"{URL}/tv", headers={"MG-After": "nonsense"}), 400, "invalid-position")


async def test_capabilities_keep_name_and_kind(edge: CommandEdge, client: Client) -> None:
    known(edge)
    response = await client.put(f"{URL}/tv/capabilities", json={"capabilities": ["seek", "play"], "hlc": HLC + 1})
    assert response.status_code == 202, response.text
    (event,) = edge.events
    assert isinstance(event, DeviceRegistered)
    assert (event.name, event.kind, event.capabilities) == ("Living room", "tv", ("play", "seek"))


async def test_capabilities_of_others_and_of_nobody(edge: CommandEdge, client: Client) -> None:
    given = {"capabilities": [], "hlc": HLC}
    problem(await client.put(f"{URL}/phone/capabilities", json=given), 403, "forbidden")
    problem(await client.put(f"{URL}/tv/capabilities", json=given), 404, "not-found")
    response = await client.put(f"{URL}/tv/capabilities", json={"capabilities": [1], "hlc": "x"})
    problem(response, 422, "invalid-content")


async def test_heartbeats_are_no_events(edge: CommandEdge, client: Client) -> None:
    response = await client.post(f"{URL}/tv/heartbeat")
    assert (response.status_code, response.content) == (204, b"")
    assert "RateLimit" in response.headers
    assert edge.heartbeats.heard == {("ann", "tv"): NOW}
    assert not edge.log.messages
    problem(await client.post(f"{URL}/phone/heartbeat"), 403, "forbidden")
    operator = tokens.bearer("ops", "desk", "users:write")
    assert (await client.post(f"{URL}/phone/heartbeat", headers=operator)).status_code == 204
    edge.ids.away = True
    problem(await client.post(f"{URL}/tv/heartbeat"), 503, "unavailable")


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({"command": "play"}, "play"),
        ({"command": "play", "titleId": "t"}, "play"),
        ({"command": "pause"}, "pause"),
        ({"command": "seek", "positionMs": 0}, "seek"),
        ({"command": "load", "titleId": "t"}, "load"),
        ({"command": "handOff", "titleId": "t", "positionMs": 5}, "hand_off"),
    ],
)
async def test_commands(edge: CommandEdge, client: Client, given: dict[str, Any], command: str) -> None:
    response = await client.post(f"{URL}/phone/commands", json=given)
    assert response.status_code == 202, response.text
    (event,) = edge.events
    assert isinstance(event, DeviceCommandIssued)
    assert (event.device_id, event.target_device_id, event.command) == ("tv", "phone", command)
    assert event.expires_at == NOW + timedelta(seconds=30)
    assert response.json() == {
        "commandId": event.event_id,
        "targetDeviceId": "phone",
        "online": False,
        "position": response.headers["MG-Position"],
    }


async def test_a_command_tells_whether_the_target_was_heard_of(edge: CommandEdge, client: Client) -> None:
    edge.heartbeats.heard["ann", "phone"] = NOW
    response = await client.post(f"{URL}/phone/commands", json={"command": "pause"})
    assert response.json()["online"] is True


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"command": "rewind"}, ["#/command"]),
        ({"command": "hand_off"}, ["#/command"]),
        ({}, ["#"]),
        ({"command": "seek"}, ["#/positionMs"]),
        ({"command": "load"}, ["#/titleId"]),
        ({"command": "handOff"}, ["#/titleId", "#/positionMs"]),
        ({"command": "pause", "titleId": "t", "positionMs": 1}, ["#/titleId", "#/positionMs"]),
        ({"command": "seek", "positionMs": -1}, ["#/positionMs"]),
        ({"command": "play", "expiresInSeconds": 0}, ["#/expiresInSeconds"]),
        ({"command": "play", "expiresInSeconds": 301}, ["#/expiresInSeconds"]),
        ({"command": "play", "commandId": "a b"}, ["#/commandId"]),
    ],
)
async def test_bad_commands(edge: CommandEdge, client: Client, given: dict[str, Any], at: list[str]) -> None:
    response = await client.post(f"{URL}/phone/commands", json=given)
    problem(response, 422, "invalid-content")
    assert pointers(response) == at
    assert not edge.log.messages


async def test_a_command_repeated_later_is_appended_once_and_lives_no_longer(edge: CommandEdge, client: Client) -> None:
    given = {"command": "seek", "positionMs": 5, "commandId": "c-1", "expiresInSeconds": 10}
    first = await client.post(f"{URL}/phone/commands", json=given)
    edge.clock.advance(5)
    second = await client.post(f"{URL}/phone/commands", json=given)
    assert (second.status_code, second.json()) == (202, first.json())
    (event,) = edge.events
    assert isinstance(event, DeviceCommandIssued)
    assert event.expires_at == NOW + timedelta(seconds=10)
    assert codec.key_of(event) == b"ann"
    for other in ({**given, "positionMs": 6}, {**given, "expiresInSeconds": 11}):
        response = await client.post(f"{URL}/phone/commands", json=other)
        problem(response, 409, "operation-conflict")
        assert pointers(response) == ["#/commandId"]
    problem(await client.post(f"{URL}/desk/commands", json=given), 409, "operation-conflict")


async def test_commands_without_an_id_are_each_their_own(edge: CommandEdge, client: Client) -> None:
    for _ in range(2):
        await client.post(f"{URL}/phone/commands", json={"command": "pause"})
    assert len({event.event_id for event in edge.events}) == 2


async def test_odd_paths(client: Client) -> None:
    problem(await client.post(f"{URL}/a%3Ab/commands", json={"command": "pause"}), 400, "invalid-request")
    problem(await client.post("/v1/users/bob/devices", json=TV), 403, "forbidden")
