"""A channel over Server-Sent Events: an event's `data` is the message, its `id` the cursor."""

import asyncio
import contextlib
from typing import Any, Final

from litestar import Response
from litestar.types import Receive, Scope, Send

from query_api.services.live.stream import Outgoing, Stream

MEDIA_TYPE: Final = "text/event-stream"
RETRY_MILLISECONDS: Final = 2_000
"""How long a browser waits before it connects again."""

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # proxies must not collect messages
]


class EventStream(Response[bytes]):
    """The whole answer; the framework's own stream does not say when a client has left."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(b"", media_type=MEDIA_TYPE)
        self._stream = stream

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """An ASGI application, which is all the framework needs."""
        return self._serve

    async def _serve(self, _: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send), name="live-send")
        leaving = asyncio.create_task(_left(receive), name="live-hear")
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            ended = await asyncio.gather(sending, leaving, return_exceptions=True)
            self._stream.close()
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, OSError):
                raise error

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        async with contextlib.aclosing(self._stream.messages()) as messages:
            async for message in messages:
                await send({"type": "http.response.body", "body": event(message), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def event(message: Outgoing) -> bytes:
    """JSON has no line breaks, so one `data` line is enough."""
    lines = [f"data: {message.text}"]
    if message.cursor is not None:
        lines.insert(0, f"id: {message.cursor}")
    if message.kind == "hello":
        lines.insert(0, f"retry: {RETRY_MILLISECONDS}")
    return ("\n".join(lines) + "\n\n").encode()


async def _left(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
