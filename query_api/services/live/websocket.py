"""A channel over a WebSocket: two tasks, one that sends and one that hears the client."""

import asyncio
import contextlib
from typing import Any, Final

import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect
from msgspec import Struct

from query_api.services.live.connection import End
from query_api.services.live.stream import Stream
from runtime.http.identity import Caller, Verifier
from runtime.http.problems import Problem

Socket = WebSocket[Any, Any, Any]

CLOSE_RESTARTING: Final = 1012
CLOSE_GARBAGE: Final = 4400
CLOSE_UNAUTHENTICATED: Final = 4401
CLOSE_FORBIDDEN: Final = 4403
CLOSE_REFETCH: Final = 4410
STALLED_SECONDS: Final = 45.0
"""A client that takes no byte for so long is gone, whatever its connection says."""

_CODES: Final = {
    End.EXPIRED: (CLOSE_UNAUTHENTICATED, "the token has expired"),
    End.REFETCH: (CLOSE_REFETCH, "refetch"),
    End.RESTARTING: (CLOSE_RESTARTING, "the service is restarting"),
}


class Pong(Struct, tag_field="type", tag="pong"):
    """Answers a ping; any frame or protocol pong does."""


class Auth(Struct, tag_field="type", tag="auth"):
    """Goes on with another token of the same user and device."""

    token: str


_DECODER: Final = msgspec.json.Decoder(Pong | Auth)


class Refusal(Exception):
    """The client said something that ends the channel."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def serve(socket: Socket, stream: Stream, verifier: Verifier) -> None:
    """From the accepted handshake to the close."""
    hearing = asyncio.create_task(_hear(socket, stream, verifier), name="live-hear")
    try:
        async with contextlib.aclosing(stream.messages()) as messages:
            async for message in messages:
                async with asyncio.timeout(STALLED_SECONDS):
                    await socket.send_text(message.text)
        await _close(socket, stream, hearing)
    except (WebSocketDisconnect, OSError, TimeoutError):
        stream.connection.end(End.CLIENT_GONE)
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def _close(socket: Socket, stream: Stream, hearing: "asyncio.Task[Refusal | None]") -> None:
    refusal = hearing.result() if hearing.done() and not hearing.cancelled() else None
    if refusal is not None:
        await socket.close(refusal.code, refusal.reason)
    elif stream.connection.ending in _CODES:
        await socket.close(*_CODES[stream.connection.ending])


async def _hear(socket: Socket, stream: Stream, verifier: Verifier) -> Refusal | None:
    """Until the client leaves or says what it may not."""
    connection = stream.connection
    refusal = None
    try:
        while True:
            connection.caller = _answered(await socket.receive_data("text"), connection.caller, verifier)
    except WebSocketDisconnect:
        pass
    except Refusal as found:
        refusal = found
    connection.end(End.CLIENT_GONE)
    return refusal


def _answered(text: str, caller: Caller, verifier: Verifier) -> Caller:
    """The caller from now on. Raises Refusal."""
    try:
        message = _DECODER.decode(text)
    except msgspec.MsgspecError:
        raise Refusal(CLOSE_GARBAGE, "neither a pong nor an auth message") from None
    if isinstance(message, Pong):
        return caller
    try:
        found = verifier.verify(message.token)
    except Problem as problem:
        raise Refusal(CLOSE_UNAUTHENTICATED, problem.detail[:100]) from None
    if (found.user_id, found.device_id) != (caller.user_id, caller.device_id):
        raise Refusal(CLOSE_FORBIDDEN, "the token is another user's or device's")
    return found
