"""`run`: a real WebSocket on the loopback, the rest in memory."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from sync_client import NotAllowed, StoreReadOnly, SyncClient, Unreachable
from tests.support.sync_service import SyncService, problem
from tests.unit.sync_client.conftest import Open

Script = Callable[[ServerConnection, int], Awaitable[None]]
ROW = {"name": "p", "value": "live", "hlc": "5", "deviceId": "other", "revision": 900}


class Channel:
    """Serves the live channel by a script; remembers how it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.script: Script = self.stay
        self.asked: list[tuple[str, str]] = []

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.asked.append((connection.request.path, connection.request.headers["Authorization"]))
        await self.script(connection, len(self.asked))

    @staticmethod
    async def stay(connection: ServerConnection, _: int) -> None:
        await connection.wait_closed()

    @staticmethod
    async def say(connection: ServerConnection, **message: Any) -> None:
        await connection.send(json.dumps(message))


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    found = Channel()
    async with serve(found.handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        found.url = f"http://127.0.0.1:{port}"
        yield found


async def nap(_: float) -> None:
    await asyncio.sleep(0.01)


@pytest.fixture
def online(opened: Open, channel: Channel) -> Open:
    """Clients that speak to the channel, and do not wait long."""

    def open_client(device: str = "tv", **more: Any) -> SyncClient:
        client = opened(device, sleep=nap, **more)
        client._service._base = channel.url
        return client

    return open_client


@contextlib.asynccontextmanager
async def running(client: SyncClient) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(client.run(poll_seconds=0.05))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - any condition of the client, not only what has an event
            await asyncio.sleep(0.005)


async def test_what_is_done_is_sent_and_retired_by_itself(online: Open, service: SyncService) -> None:
    client = online()
    client.add("before")
    async with running(client):
        await until(lambda: client.status().live)
        client.add("after")
        await until(lambda: len(service.log) == 2)
        await until(lambda: client.status().accepted == 0)
        assert client.status().waiting == 0
    assert client.watchlist() == ["before", "after"]
    assert not client.status().live


async def test_what_others_do_arrives_on_the_channel(online: Open, channel: Channel) -> None:
    changes: list[int] = []

    async def script(connection: ServerConnection, _: int) -> None:
        await channel.say(connection, type="hello", cursor="7")
        await channel.say(connection, type="somethingNew", x=1)
        await channel.say(connection, type="changes", cursor="900", preferences=[ROW])
        await connection.wait_closed()

    channel.script = script
    client = online(on_change=lambda: changes.append(1))
    async with running(client):
        await until(lambda: client.preferences() == {"p": "live"})
    assert channel.asked == [("/v1/users/u/live?since=0", "Bearer u:tv")]
    assert changes
    await client.close()
    again = online()
    assert again.preferences() == {"p": "live"}
    assert again._ledger.cursor == "900"


async def test_a_channel_that_broke_off_goes_on_at_the_last_cursor(online: Open, channel: Channel) -> None:
    async def script(connection: ServerConnection, number: int) -> None:
        await channel.say(connection, type="changes", cursor=str(number * 10), preferences=[ROW | {"revision": number}])
        if number == 1:
            await connection.close(1012)
        elif number == 2:
            connection.transport.abort()
        else:
            await connection.wait_closed()

    channel.script = script
    client = online()
    async with running(client):
        await until(lambda: len(channel.asked) >= 3)
    assert channel.asked[0][0].endswith("since=0")
    assert len({path for path, _ in channel.asked[:3]}) > 1


async def test_without_a_channel_changes_are_polled(opened: Open, service: SyncService) -> None:
    async def token() -> str:
        return "u:tv"

    client = opened(sleep=nap, token=token)
    client._service._base = "http://127.0.0.1:9"  # nobody listens there
    async with running(client):
        await until(lambda: client.status().pulled)
        service.from_elsewhere("u", "preference.set", name="p", value=1)
        await until(lambda: client.preferences() == {"p": 1})
        assert not client.status().live
        assert "cannot be opened" in client.status().trouble


async def test_told_to_refetch_it_fetches_everything(online: Open, channel: Channel, service: SyncService) -> None:
    service.from_elsewhere("u", "preference.set", name="p", value=1)

    async def script(connection: ServerConnection, number: int) -> None:
        if number == 1:
            service.forget_row("preferences", "p")
            await channel.say(connection, type="refetch", reason="too_slow")
            await connection.close(4410)
        await connection.wait_closed()

    channel.script = script
    client = online()
    async with running(client):
        await until(lambda: len(channel.asked) == 2)
        assert client.preferences() == {}
    assert [what for what, _ in service.requests].count("GET /v1/users/u/changes") == 2


async def test_an_expired_token_is_renewed(online: Open, channel: Channel) -> None:
    given = iter(range(100))

    async def token() -> str:
        return f"u:tv?{next(given)}".replace("?0", "")

    async def script(connection: ServerConnection, number: int) -> None:
        if number == 1:
            await channel.say(connection, type="expired")
            await connection.close(4401)
        await connection.wait_closed()

    channel.script = script
    client = online(token=token)
    async with running(client):
        await until(lambda: len(channel.asked) == 2)
    assert [authorization for _, authorization in channel.asked] == ["Bearer u:tv", "Bearer u:tv?1"]


async def test_a_refused_channel_asks_for_one_new_token_and_then_ends(opened: Open, service: SyncService) -> None:
    service.accepted_tokens = set()
    client = opened(sleep=nap)
    client.add("a")
    with pytest.raises(NotAllowed):
        async with asyncio.timeout(60):
            await client.run()
    assert client.status().waiting == 1


@pytest.mark.parametrize("frame", ["garbage", b"\x00\xff", "[]", '{"type":5}', '{"cursor":"x"}', "x" * 1_200_000])
async def test_what_the_channel_should_never_say_ends_it_and_not_the_client(
    online: Open, channel: Channel, frame: str | bytes
) -> None:
    async def script(connection: ServerConnection, number: int) -> None:
        if number == 1:
            await connection.send(frame)
        await connection.wait_closed()

    channel.script = script
    client = online()
    async with running(client) as task:
        await until(lambda: len(channel.asked) == 2)
        assert not task.done()


async def test_a_channel_that_falls_silent_is_opened_again(
    online: Open, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync_client.live.SILENCE_SECONDS", 0.1)
    client = online()
    async with running(client):
        await until(lambda: len(channel.asked) >= 2)


async def test_a_command_is_told_once(online: Open, channel: Channel) -> None:
    command = {
        "type": "command", "cursor": "9", "commandId": "c1", "deviceId": "phone", "targetDeviceId": "tv",
        "command": "seek", "titleId": None, "positionMs": 5, "issuedAt": "2026-01-01T00:00:00Z",
        "expiresAt": "2999-01-01T00:00:00Z", "revision": 3,
    }  # fmt: skip

    async def script(connection: ServerConnection, _: int) -> None:
        await channel.say(connection, **command)
        await channel.say(connection, **command)
        await channel.say(connection, type="changes", cursor="901", preferences=[ROW | {"revision": 901}])
        await connection.wait_closed()

    told: list[tuple[str, int | None]] = []
    channel.script = script
    client = online(on_command=lambda found: told.append((found.command, found.position_ms)))
    async with running(client):
        await until(client.preferences)
    assert told == [("seek", 5)]


async def test_trouble_shows_and_goes_away(online: Open, service: SyncService) -> None:
    service.faults.extend([problem("unavailable", 503, headers={"Retry-After": "999"})] * 2)
    client = online()
    client.add("a")
    async with running(client):
        await until(lambda: "answers 503" in client.status().trouble)
        await until(lambda: client.status().live and not client.status().trouble)


async def test_a_file_that_fails_ends_it(online: Open, service: SyncService, monkeypatch: pytest.MonkeyPatch) -> None:
    client = online()
    client.add("a")

    def fail(*_: object, **__: object) -> None:
        raise StoreReadOnly("gone")

    monkeypatch.setattr(client._ledger._store, "set_state", fail)
    with pytest.raises(StoreReadOnly):
        async with asyncio.timeout(60):
            await client.run()


async def test_a_provider_without_network_is_tried_again(online: Open) -> None:
    tries: list[int] = []

    async def token() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise Unreachable("the token service does not answer")
        return "u:tv"

    client = online(token=token)
    async with running(client):
        await until(lambda: client.status().live)
    assert len(tries) == 3
