"""The service `sync` over HTTP: tokens, retries, and which answers are answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from sync_client.errors import NotAllowed, UnexpectedAnswer, Unreachable
from sync_client.rows import ProblemAnswer
from sync_client.waiting import FullJitter, http_date, retry_after

TokenProvider = Callable[[], Awaitable[str]]
"""Gives an access token; asked again when the service no longer accepts the last one. What it raises comes out of the
call that needed it; Unreachable is tried again."""
A = TypeVar("A")
PROBLEM_TYPE: Final = "application/problem+json"
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Refusal(Struct, frozen=True):
    """The service has understood and says no."""

    status: int
    problem: ProblemAnswer
    server_time: datetime | None
    """From MG-Time, to the millisecond."""

    @property
    def slug(self) -> str:
        return self.problem.type.rsplit("/", 1)[-1]


class Answer(Struct, frozen=True):
    body: bytes
    headers: Mapping[str, str]
    server_time: datetime | None
    """From the Date header, to the second."""

    def decoded(self, type_: type[A]) -> A:
        """Raises UnexpectedAnswer."""
        try:
            return msgspec.json.decode(self.body, type=type_, strict=False)
        except msgspec.MsgspecError as error:
            raise UnexpectedAnswer(f"the service answered something else than expected: {error}") from None


class Service:
    """Requests of one user. Made in any thread, used in one event loop."""

    def __init__(
        self,
        base_url: str,
        user_id: str,
        token: TokenProvider,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._user = f"/v1/users/{quote(user_id, safe='')}"
        self._provider = token
        self._token: str | None = None
        self._transport = transport
        self._random = random
        self._sleep = sleep
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @property
    def live_url(self) -> str:
        scheme, _, rest = self._base.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}{self._user}/live"

    async def token(self, *, renewed: bool = False) -> str:
        if self._token is None or renewed:
            self._token = await self._provider()
        return self._token

    async def mutate(self, body: bytes, patience: float) -> Answer | Refusal:
        headers = {"Content-Type": "application/json"}
        return await self._ask("POST", "/sync/mutations", patience, expected=202, headers=headers, content=body)

    async def time(self, patience: float) -> datetime | None:
        """The service's, to the second."""
        answer = await self._ask("GET", "/changes", patience, expected=200, headers={}, params={"limit": "1"})
        return answer.server_time

    async def changes(self, since: str | None, after: str, patience: float) -> Answer | Refusal:
        parameters = {"since": since} if since else {}
        headers = {"MG-After": after} if after else {}
        return await self._ask("GET", "/changes", patience, expected=200, headers=headers, params=parameters)

    async def _ask(
        self, method: str, path: str, patience: float, *, expected: int, headers: dict[str, str], **more: Any
    ) -> Answer | Refusal:
        """Tries until `patience` seconds are over. Raises Unreachable, NotAllowed, UnexpectedAnswer."""
        jitter, ends, renewed = FullJitter(self._random), time.monotonic() + patience, False
        while True:
            token = await self.token(renewed=renewed)
            response, trouble, wait = await self._once(
                method, path, {**headers, "Authorization": f"Bearer {token}"}, more
            )
            if response is not None:
                if response.status_code == 401 and not renewed:
                    renewed = True
                    continue
                return _judged(response, expected)
            delay = jitter.next_delay(wait)
            if time.monotonic() + delay > ends:
                raise Unreachable(f"{self._base} {trouble}; everything stays queued", wait)
            await self._sleep(delay)

    async def _once(
        self, method: str, path: str, headers: dict[str, str], more: dict[str, Any]
    ) -> tuple[httpx.Response | None, str, float]:
        """A response to be judged; or what the trouble is, and how long the service wants to be left alone."""
        if self._client is None:
            self._client = httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT, trust_env=False)
        try:
            response = await self._client.request(method, f"{self._base}{self._user}{path}", headers=headers, **more)
        except httpx.RequestError as error:
            return None, f"does not answer ({str(error) or type(error).__name__})", 0.0
        if response.status_code not in _AGAIN:
            return response, "", 0.0
        now = http_date(response.headers.get("Date")) or datetime.now(UTC)
        wait = retry_after(response.headers.get("Retry-After"), now)
        return None, f"answers {response.status_code} for the time being", wait


def milliseconds(at: datetime) -> int:
    return int((at - _EPOCH).total_seconds() * 1000)


def _judged(response: httpx.Response, expected: int) -> Answer | Refusal:
    status = response.status_code
    if status == expected:
        return Answer(response.content, response.headers, http_date(response.headers.get("Date")))
    problem = _problem(response)
    if status in (401, 403):
        reason = problem.reason if problem else f"it answers {status}"
        raise NotAllowed(f"the service does not accept the token: {reason}; sign in again, everything stays queued")
    if problem is None or not 400 <= status < 500:
        # A captive portal, a proxy, another version: whatever it says, it has not taken our operations.
        raise UnexpectedAnswer(f"{response.url.host} answers {status}, which is no answer of the service")
    return Refusal(status, problem, _moment(response.headers.get("MG-Time")))


def _problem(response: httpx.Response) -> ProblemAnswer | None:
    if response.headers.get("Content-Type", "").split(";")[0].strip() != PROBLEM_TYPE:
        return None
    try:
        return msgspec.json.decode(response.content, type=ProblemAnswer)
    except msgspec.MsgspecError:
        return None


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None
