"""The live channel as its clients see it, and a writer that commits rows and tells of them, or does not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import redis
from httpx import Response
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from query_api.services.live import SPEC
from runtime.http import serving
from runtime.http.app import build_app
from runtime.http.serving import Listener
from runtime.settings import Settings
from schemas.read_models import notices
from schemas.read_models.devices import DeviceCommandRow
from schemas.read_models.notices import LiveRow, Moved
from schemas.read_models.ratings import RatingRow
from schemas.read_models.watch_state import WatchStateRow
from tests.support import user_rows
from tests.support.tokens import token
from tests.support.user_rows import AT

TOPICS = {"watch_state": "playback-events", "devices": "device-changes", "ratings": "ratings"}
SECONDS = 30.0
"""How long anything is waited for."""


class Writer:
    """Does what a materializer does, a row a batch. `told=False`: the notice is lost on its way."""

    def __init__(self, settings: Settings) -> None:
        self.connection = user_rows.connect(settings.postgres_dsn)
        self._redis = redis.Redis.from_url(settings.redis_url)
        self._prefix = settings.topic_prefix
        self._next = dict.fromkeys(TOPICS, 0)
        for read_model, topic in TOPICS.items():
            found: Any = self.connection.execute(
                "SELECT coalesce(max(next), 0) FROM consumer_positions WHERE consumer = %s AND topic = %s",
                (f"{read_model}_v1", topic),
            ).fetchone()
            self._next[read_model] = found[0]

    def close(self) -> None:
        self.connection.close()
        self._redis.close()

    def watch(self, user: str, title: str, position_ms: int = 60_000, *, told: bool = True, rows: bool = True) -> int:
        revision = user_rows.watch_state(self.connection, user, title, position_ms=position_ms)
        row = WatchStateRow(
            user_id=user,
            title_id=title,
            position_ms=position_ms,
            duration_ms=6_000_000,
            position_hlc=1000,
            position_device="tv",
            finished=False,
            event_at=AT,
            revision=revision,
        )
        return self._commit("watch_state", row, told=told, rows=rows)

    def rate(self, user: str, title: str, rating: float = 4.0, *, told: bool = True) -> int:
        revision = user_rows.rating(self.connection, user, title, rating)
        row = RatingRow(
            user_id=user, title_id=title, rating=rating, hlc=7, device_id="tv", rated_at=AT, revision=revision
        )
        return self._commit("ratings", row, told=told)

    def command(self, user: str, command_id: str, seconds: float = 60.0, *, told: bool = True) -> int:
        """For the device `tv`, to be carried out within `seconds`."""
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        revision = user_rows.command(self.connection, user, command_id, expires_at)
        row = DeviceCommandRow(
            user_id=user,
            command_id=command_id,
            device_id="phone",
            target_device_id="tv",
            command="seek",
            title_id="heat",
            position_ms=1,
            issued_at=expires_at - timedelta(minutes=1),
            expires_at=expires_at,
            revision=revision,
        )
        return self._commit("devices", row, told=told)

    def deafen(self) -> int:
        """Cuts the connections over which services listen; how many there were."""
        clients = [one for one in self._redis.client_list() if one["name"] == "mg-live"]
        for one in clients:
            self._redis.client_kill_filter(_id=one["id"])
        return len(clients)

    def _commit(self, read_model: str, row: LiveRow, *, told: bool, rows: bool = True) -> int:
        first = self._next[read_model]
        self._next[read_model] = first + 1
        user_rows.moved(self.connection, read_model, TOPICS[read_model], first + 1)
        if told:
            moved = (Moved(TOPICS[read_model], 0, first, first + 1),)
            data = notices.encode(read_model, moved, [row] if rows else None)
            self._redis.publish(self._prefix + notices.channel(read_model), data)
        return row.revision


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    """The address of the service, host and port."""
    running = await serving.start([Listener(build_app("sync", [SPEC], settings), 0)], grace_seconds=5)
    try:
        yield f"127.0.0.1:{running.ports[0]}"
    finally:
        await running.stop()


class Client:
    """A device's WebSocket. Pings are left out of what `message` gives."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.cursor = ""

    async def message(self, *types: str) -> dict[str, Any]:
        """The next one (of these types); AssertionError when it is late."""
        async with asyncio.timeout(SECONDS):
            while True:
                found: dict[str, Any] = json.loads(await self.socket.recv())
                self.cursor = found.get("cursor", self.cursor)
                if found["type"] in types or (not types and found["type"] != "ping"):
                    return found

    async def positions(self, number: int) -> dict[str, int]:
        """The last position of each title, after at least `number` of them were told of."""
        found: dict[str, int] = {}
        while len(found) < number:
            for state in (await self.message("changes")).get("watchStates", ()):
                assert found.get(state["titleId"], -1) <= state["position"]["positionMs"], "went back"
                found[state["titleId"]] = state["position"]["positionMs"]
        return found

    async def until(self, title: str, position_ms: int) -> None:
        while True:
            for state in (await self.message("changes")).get("watchStates", ()):
                if (state["titleId"], state["position"]["positionMs"]) == (title, position_ms):
                    return

    async def closed(self) -> int | None:
        """The code it is closed with; whatever is said before is dropped."""
        try:
            while True:
                await _soon(self.socket.recv())
        except ConnectionClosed as ended:
            return ended.rcvd.code if ended.rcvd else None


@asynccontextmanager
async def following(
    address: str, user: str, device: str = "tv", *, since: str = "", given: str | None = None, **options: Any
) -> AsyncIterator[Client]:
    """A WebSocket with the token `given`, or a good one."""
    headers = {"Authorization": f"Bearer {token(user, device) if given is None else given}"}
    url = f"ws://{address}/v1/users/{user}/live" + (f"?since={since}" if since else "")
    async with connect(url, additional_headers=headers, proxy=None, **options) as socket:
        yield Client(socket)


class Events:
    """Server-Sent Events of one answer; pings are left out."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.last_id = ""
        self._lines = answer.aiter_lines()

    async def message(self) -> dict[str, Any] | None:
        """None at the end."""
        data = ""
        try:
            while True:
                line = await _soon(anext(self._lines))
                name, _, value = line.partition(": ")
                if name == "data":
                    data = value
                elif name == "id":
                    self.last_id = value
                elif not line and data:
                    found: dict[str, Any] = json.loads(data)
                    if found["type"] != "ping":
                        return found
        except StopAsyncIteration:
            return None


@asynccontextmanager
async def listening(
    address: str, user: str, device: str = "tv", *, last_id: str = "", query: str = "", given: str | None = None
) -> AsyncIterator[Events]:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
    if "access_token" not in query:
        headers["Authorization"] = f"Bearer {token(user, device) if given is None else given}"
    async with (
        httpx.AsyncClient(timeout=SECONDS) as client,
        client.stream("GET", f"http://{address}/v1/users/{user}/live{query}", headers=headers) as answer,
    ):
        yield Events(answer)


async def _soon(awaitable: Any) -> Any:
    async with asyncio.timeout(SECONDS):
        return await awaitable
