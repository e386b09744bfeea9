"""A client that costs little: what it spends on a shared machine is missing from what it measures.

HTTP/1.1 with kept connections, one request at a time on each, answers with Content-Length only: what our services send.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

IDLE_SECONDS: Final = 10.0
"""A connection that was idle for longer is not used again: the server may be closing it now (it does after 30 s)."""


class LeanClient:
    """Up to `most` connections to one service, opened as they are needed. Close it."""

    def __init__(self, host: str, port: int, most: int = 64) -> None:
        self._host = host
        self._port = port
        self._gate = asyncio.Semaphore(most)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, body. Raises OSError and asyncio.IncompleteReadError."""
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._host}:{self._port}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        async with self._gate:
            reader, writer = self._kept() or await self._connect()
            try:
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                found = dict(_header(line) for line in head[1:] if line)
                answer = await reader.readexactly(int(found.get("content-length", 0)))
            except BaseException:
                writer.close()
                raise
            if found.get("connection", "").lower() == "close":
                writer.close()
            else:
                self._idle.append((reader, writer, time.monotonic()))
            return int(head[0].split(" ", 2)[1]), found, answer

    async def close(self) -> None:
        for _, writer, _ in self._idle:
            writer.close()
        self._idle.clear()

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """One that the server has not closed meanwhile: it ends those that were idle for its keep-alive time."""
        while self._idle:
            reader, writer, since = self._idle.pop()
            if not reader.at_eof() and time.monotonic() - since < IDLE_SECONDS:
                return reader, writer
            writer.close()
        return None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._host, self._port)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
