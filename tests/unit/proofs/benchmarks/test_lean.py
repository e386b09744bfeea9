"""The lean client: connections are kept, and one that the server ended meanwhile is not counted as a failed request."""

import asyncio

import pytest

from proofs.benchmarks import lean
from proofs.benchmarks.lean import LeanClient

_ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok"


async def test_a_connection_that_the_server_ended_while_idle_is_replaced() -> None:
    taken: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)
        while await reader.read(4096):
            writer.write(_ANSWER)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = LeanClient("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        for _ in range(2):
            assert (await client.request("GET", "/", {}))[0] == 202
        assert len(taken) == 1, "kept while the server keeps it"
        taken[0].close()
        await asyncio.sleep(0.05)
        status, _, body = await client.request("GET", "/", {})
        assert (status, body) == (202, b"ok")
        assert len(taken) == 2
    finally:
        await client.close()
        server.close()


async def test_a_connection_that_was_idle_for_long_is_replaced_before_the_server_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        while await reader.read(4096):
            writer.write(_ANSWER)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = LeanClient("127.0.0.1", server.sockets[0].getsockname()[1])
    monkeypatch.setattr(lean, "IDLE_SECONDS", 0.0)
    try:
        for _ in range(2):
            assert (await client.request("GET", "/", {}))[0] == 202
        assert taken == 2
    finally:
        await client.close()
        server.close()
