"""Asking a server that limits, stalls and fails: a pool of keys, back-off, and an end to every wait."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from bootstrap.importing import retry_after
from runtime import logging, metrics
from runtime.backoff import Backoff
from runtime.settings import Secret

MOST_BYTES = 20 * 1024 * 1024
_LIMITED = 429
_REFUSED = frozenset({401, 403})
_TRY_AGAIN = frozenset({408, 425, 500, 502, 503, 504})
# For a limit without Retry-After, and the longest that is believed: one of a year is asked again in an hour.
_REST_SECONDS, _LONGEST_REST_SECONDS = 60.0, 3600.0

_LOG = logging.get(__name__)


class FetchFailed(ConnectionError):
    """No usable answer within the patience, or one that asking again does not change; the message says why."""


class FetchRefused(FetchFailed):
    """The server refused this very request, for example for a cursor that is too old."""


@dataclass(slots=True)
class _Key:
    secret: Secret
    free_at: float = 0.0
    refused: bool = False


class Fetcher:
    """One server. Each key is used at most `per_minute` times a minute; one that is limited rests, the others go on."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        provider: str,
        header: str,
        keys: Sequence[Secret],
        *,
        per_minute: float,
        answer_seconds: float = 30.0,
        patience_seconds: float = 600.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._provider = provider
        self._header = header
        self._keys = [_Key(key) for key in keys]
        self._apart = 60.0 / per_minute
        self._answer_seconds = answer_seconds
        self._patience = patience_seconds
        self._monotonic = monotonic

    async def get(self, path: str, query: Mapping[str, str]) -> bytes:
        """The body of a 200. Raises FetchFailed."""
        backoff = Backoff(first=0.5, most=60.0)
        deadline = self._monotonic() + self._patience
        while True:
            key = await self._free_key(deadline)
            try:
                # Of the whole answer: a server that sends a byte a second keeps every single read alive.
                async with asyncio.timeout(self._answer_seconds):
                    status, headers, body = await self._ask(key, path, query)
            except (httpx.HTTPError, TimeoutError) as error:
                trouble, wait = f"{type(error).__name__} {error}".strip(), 0.0
            else:
                if status == httpx.codes.OK:
                    return body
                trouble, wait = f"HTTP {status}", retry_after(headers)
                if status == _LIMITED:
                    rest = min(wait or _REST_SECONDS, _LONGEST_REST_SECONDS)
                    key.free_at = self._monotonic() + rest
                    metrics.PULL_REQUESTS.labels(self._provider, "limited").inc()
                    continue
                if status in _REFUSED:
                    key.refused = True
                    _LOG.warning("pull_key_refused", provider=self._provider, status=status)
                    metrics.PULL_REQUESTS.labels(self._provider, "refused").inc()
                    continue
                if status not in _TRY_AGAIN:
                    raise FetchRefused(f"{path}: HTTP {status}")
            metrics.PULL_REQUESTS.labels(self._provider, "failed").inc()
            wait = max(min(wait, _LONGEST_REST_SECONDS), backoff.next_delay())
            if self._monotonic() + wait > deadline:
                raise FetchFailed(f"{path}: no answer in {self._patience:.0f} s, last {trouble}")
            _LOG.info("pull_repeats", provider=self._provider, trouble=trouble, retry_in=round(wait, 2))
            await asyncio.sleep(wait)

    async def _ask(self, key: _Key, path: str, query: Mapping[str, str]) -> tuple[int, httpx.Response, bytes]:
        headers = {self._header: key.secret.reveal()}
        async with self._client.stream("GET", path, params=query, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                return answer.status_code, answer, b""
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise FetchFailed(f"{path}: the answer is larger than {MOST_BYTES // 1024 // 1024} MB")
            metrics.PULL_REQUESTS.labels(self._provider, "answered").inc()
            return answer.status_code, answer, bytes(body)

    async def _free_key(self, deadline: float) -> _Key:
        usable = [key for key in self._keys if not key.refused]
        if not usable:
            raise FetchFailed(f"the server refused every key of {self._provider}")
        key = min(usable, key=lambda one: one.free_at)
        wait = key.free_at - self._monotonic()
        if wait > 0:
            if self._monotonic() + wait > deadline:
                raise FetchFailed(f"every key of {self._provider} is used up for {wait:.0f} s")
            await asyncio.sleep(wait)
        key.free_at = self._monotonic() + self._apart
        return key
