"""The live channel: one WebSocket, from the last cursor on, until it ends."""

import asyncio
import enum
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from sync_client.errors import NotAllowed, UnexpectedAnswer, Unreachable
from sync_client.ledger import Ledger
from sync_client.rows import DeviceCommand, LiveMessage
from sync_client.service import Service

SILENCE_SECONDS: Final = 45.0
"""The service says something every 15 seconds; after three times that nobody is there any more."""
_MOST_BYTES: Final = 8 * 1024 * 1024
_MESSAGE: Final = msgspec.json.Decoder(LiveMessage, strict=False)
_COMMAND: Final = msgspec.json.Decoder(DeviceCommand, strict=False)


class Ended(enum.Enum):
    """Why a channel ended, where it is no error."""

    CLOSED = "closed"
    REFETCH = "refetch"
    EXPIRED = "expired"


async def listen(
    ledger: Ledger,
    service: Service,
    on_command: Callable[[DeviceCommand], None],
    on_open: Callable[[], None],
    on_change: Callable[[], None],
) -> Ended:
    """Takes in what comes. Raises Unreachable, NotAllowed, UnexpectedAnswer, SyncStoreError."""
    url = service.live_url + ("?" + urlencode({"since": ledger.cursor}) if ledger.cursor else "")
    headers = {"Authorization": f"Bearer {await service.token()}"}
    try:
        async with connect(url, additional_headers=headers, max_size=_MOST_BYTES, proxy=None) as channel:
            on_open()
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    text = await channel.recv()
                ended = _take_in(ledger, text, on_command, on_change)
                if ended is not None:
                    return ended
    except InvalidStatus as error:
        status = error.response.status_code
        if status in (401, 403):
            raise NotAllowed(f"the live channel does not accept the token ({status}); sign in again") from None
        raise Unreachable(f"the live channel cannot be opened: {status}") from None
    except TimeoutError:
        raise Unreachable("the live channel is silent") from None
    except WebSocketException:
        return Ended.CLOSED
    except OSError as error:
        raise Unreachable(f"the live channel cannot be opened: {error}") from None


def _take_in(
    ledger: Ledger, text: str | bytes, on_command: Callable[[DeviceCommand], None], on_change: Callable[[], None]
) -> Ended | None:
    try:
        message = _MESSAGE.decode(text)
        command = _COMMAND.decode(text) if message.type == "command" else None
    except msgspec.MsgspecError as error:
        raise UnexpectedAnswer(f"the live channel said something else than expected: {error}") from None
    if message.type == "refetch":
        return Ended.REFETCH
    if message.type == "expired":
        return Ended.EXPIRED
    rows = [*message, *([] if command is None else [command])]
    if rows or (message.cursor is not None and message.cursor != ledger.cursor and message.type != "ping"):
        for fresh in ledger.take_in(rows, message.cursor):
            on_command(fresh)
    if rows:
        on_change()
    return None
