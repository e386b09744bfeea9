"""Slow clients, old cursors, and the end of the service."""

import asyncio
import contextlib
import gc
from contextlib import AsyncExitStack

import msgspec
import pytest

from query_api.services.live import connection, stream
from query_api.services.live.connection import Connection
from query_api.user_changes.cursor import Cursor
from runtime.http import serving
from runtime.settings import Settings
from tests.support import tokens
from tests.support.live_channel import Writer, following, listening, served


def open_connections() -> list[Connection]:
    gc.collect()
    return [found for found in gc.get_objects() if type(found) is Connection]


async def test_who_reads_too_slowly_is_told_to_refetch_and_costs_no_more_than_the_bound(
    address: str, writer: Writer, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_WAITING", 50)
    big = "x" * 40_000  # a title's id: messages that fill the sockets' buffers soon
    async with (
        following(address, user, max_queue=1, max_size=None) as slow,
        following(address, user, "phone", max_size=None) as quick,
    ):
        await slow.message("hello")
        await quick.message("hello")
        slow.socket.transport.pause_reading()
        most = 0
        for number in range(400):
            writer.watch(user, f"{big}{number}", number)
            if number % 10 == 0:
                await asyncio.sleep(0)
                most = max([most, *(each.waiting for each in open_connections())]) if number % 50 == 0 else most
            if number % 25 == 24:
                await quick.until(f"{big}{number}", number)
        assert most <= 50
        slow.socket.transport.resume_reading()
        assert await slow.message("refetch") == {"type": "refetch", "reason": "too_slow"}
        assert await slow.closed() == 4410
        writer.watch(user, "after")
        await quick.until("after", 60_000)


async def test_a_cursor_nobody_can_tell_from_any_more(address: str, writer: Writer, user: str) -> None:
    async with following(address, user) as client:
        hello = await client.message("hello")
    cursor = Cursor.decode(user, hello["cursor"])
    old = msgspec.structs.replace(cursor, issued=cursor.issued - 31 * 86_400).encode(user)
    async with following(address, user, since=old) as client:
        assert (await client.message("refetch"))["reason"] == "cursor_too_old"
        assert await client.closed() == 4410
    async with listening(address, user, last_id=old) as events:
        await events.message()
        assert await events.message() == {"type": "refetch", "reason": "cursor_too_old"}
        assert await events.message() is None


async def test_a_hello_does_not_make_an_old_cursor_younger(address: str, user: str) -> None:
    async with following(address, user) as client:
        hello = await client.message("hello")
    cursor = Cursor.decode(user, hello["cursor"])
    old = msgspec.structs.replace(cursor, issued=cursor.issued - 86_400)
    async with following(address, user, since=old.encode(user)) as client:
        again = await client.message("hello")
        assert Cursor.decode(user, again["cursor"]).issued == old.issued


async def test_pings_carry_a_cursor(address: str, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 1.0)
    async with following(address, user) as client:
        await client.message("hello")
        Cursor.decode(user, (await client.message("ping"))["cursor"])


async def test_when_the_service_stops_clients_are_told_to_come_back(settings: Settings, user: str) -> None:
    service = AsyncExitStack()
    address = await service.enter_async_context(served(settings))
    async with following(address, user) as client, listening(address, user) as events:
        await client.message("hello")
        await events.message()
        ends = asyncio.gather(client.closed(), events.message())
        await service.aclose()  # within its time of grace, although both are connected
        assert await ends == [1012, None]


async def test_without_a_database_nobody_is_let_in_blindly(settings: Settings, user: str) -> None:
    nowhere = msgspec.structs.replace(settings, postgres_reader_dsn="postgresql://127.0.0.1:1/none")
    async with served(nowhere) as address, listening(address, user) as events:
        assert events.answer.status_code == 503


async def test_a_rebuilt_read_model_is_told_from_the_start(address: str, writer: Writer, user: str) -> None:
    async with following(address, user) as client:
        await client.message("hello")
        writer.watch(user, "one")
        await client.positions(1)
        with writer.connection.transaction():
            writer.connection.execute("CREATE TABLE watch_state_v2 (LIKE watch_state_v1 INCLUDING ALL)")
            writer.connection.execute(
                "INSERT INTO watch_state_v2 SELECT user_id, title_id, document, position_ms + 1, duration_ms, "
                "position_hlc, position_device, watched, watched_hlc, watched_device, finished, event_at, "
                "nextval('change_revisions'), written_at FROM watch_state_v1"
            )
            writer.connection.execute("CREATE OR REPLACE VIEW watch_state AS SELECT * FROM watch_state_v2")
            writer.connection.execute("UPDATE read_model_versions SET version = 2 WHERE read_model = 'watch_state'")
        await client.until("one", 60_001)


async def test_who_answers_no_ping_is_gone(settings: Settings, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_PING_SECONDS", 0.3)
    monkeypatch.setattr(serving, "_PONG_SECONDS", 0.3)
    async with served(settings) as address:
        host, _, port = address.partition(":")
        reader, writing = await asyncio.open_connection(host, int(port))
        lines = [
            f"GET /v1/users/{user}/live HTTP/1.1",
            f"Host: {address}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Authorization: {tokens.bearer(user)['Authorization']}",
        ]
        writing.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        async with asyncio.timeout(30):
            said = await reader.read()
        assert said.startswith(b"HTTP/1.1 101")
        assert b"\x03\xf3keepalive ping timeout" in said  # 1011
        writing.close()


async def test_a_million_garbage_bytes_before_the_handshake(address: str) -> None:
    host, _, port = address.partition(":")
    reader, writing = await asyncio.open_connection(host, int(port))
    writing.write(b"\x00\xff" * 500_000)
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionError):
            await reader.read()
    writing.close()
    async with following(address, "ann") as client:
        assert (await client.message())["type"] == "hello"
