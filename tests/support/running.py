"""A whole running system as its users see it: HTTP clients, signed deliveries, `mg`, and waiting until all is read."""

import base64
import hashlib
import hmac
import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from unittest import mock

import httpx
import msgspec

from bootstrap import cli, outcomes
from bootstrap.log_reader import LogReader
from proofs.system import System
from runtime.settings import Settings

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Done:
    """One `mg` command that ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Running:
    """`secrets` are the active webhook secrets by provider, newest first."""

    system: System
    settings: Settings = field(init=False)
    ingestion: httpx.Client = field(init=False)
    discovery: httpx.Client = field(init=False)
    secrets: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.settings = self.system.settings
        self.ingestion = httpx.Client(base_url=self.system.url("ingestion"), timeout=30.0)
        self.discovery = httpx.Client(base_url=self.system.url("discovery"), timeout=30.0)
        self.secrets = {one.name: tuple(secret.reveal() for secret in one.secrets) for one in self.settings.providers}

    def close(self) -> None:
        self.ingestion.close()
        self.discovery.close()

    def headers(
        self, provider: str, body: bytes, *, webhook_id: str = "", at: datetime | None = None, secret: str = ""
    ) -> dict[str, str]:
        """Of a delivery that is signed here and now, unless told otherwise."""
        at = at or datetime.now(UTC)
        webhook_id = webhook_id or f"e2e_{next(_NUMBERS)}_{time.time_ns()}"
        signature = sign(secret or self.secrets[provider][0], webhook_id, at, body)
        return {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }

    def post(
        self, provider: str, body: bytes | Mapping[str, Any], headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Posts a delivery, signed unless `headers` are given; `more` as in `headers()`."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        sent = headers if headers is not None else self.headers(provider, data, **more)
        return self.ingestion.post(f"/v1/webhooks/{provider}", content=data, headers=dict(sent))

    def upsert(self, provider: str, *items: Mapping[str, Any], **more: Any) -> httpx.Response:
        """Items as `{"id": …, "item": {…}}`; must be accepted."""
        answer = self.post(provider, {"type": "catalog.items.upserted", "data": {"items": items}}, **more)
        assert answer.status_code == 202, answer.text
        return answer

    def withdraw(self, provider: str, native_id: str, **more: Any) -> httpx.Response:
        answer = self.post(provider, {"type": "catalog.item.withdrawn", "data": {"id": native_id, **more}})
        assert answer.status_code == 202, answer.text
        return answer

    def settle(self, *consumers: str) -> None:
        """Until the named consumers (or all) have read everything there is."""
        outcomes.wait_until_done(self.settings, "settling", consumers or None)

    def title(self, title_id: str, **headers: str) -> httpx.Response:
        return self.discovery.get(f"/v1/titles/{title_id}", headers=headers)

    def named(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """Hits of a search that have exactly this name."""
        found = self.discovery.get("/v1/search", params={"q": name, "limit": 100, **parameters})
        assert found.status_code == 200, found.text
        return [hit for hit in found.json()["items"] if hit["name"] == name]

    def by_imdb(self, number: str) -> list[dict[str, Any]]:
        found = self.discovery.get("/v1/titles", params={"externalId": f"imdb:{number}"})
        assert found.status_code == 200, found.text
        items: list[dict[str, Any]] = found.json()["items"]
        return items

    def ends(self, topic: str) -> dict[int, int]:
        """Next offset of each partition."""
        reader = LogReader(self.settings)
        try:
            return {partition: high for partition, (_, high) in reader.ends(topic).items()}
        finally:
            reader.close()

    def mg(self, *words: str, **environment: str) -> Done:
        """One `mg` command in this process, as the console script runs it. An error that it does not turn into a line
        escapes from here: that is a traceback for the user, and fails the test."""
        return mg(words, {**self.system.environment, **environment})


@dataclass(frozen=True, slots=True)
class SmallCatalog:
    """What was imported, and what `mg catalog import --wait --json` said. `pairs`: one film at both providers."""

    films: list[dict[str, Any]]
    items: list[dict[str, Any]]
    pairs: list[tuple[dict[str, Any], dict[str, Any]]]
    reports: dict[str, dict[str, Any]]


def mg(words: Sequence[str], environment: Mapping[str, str]) -> Done:
    """`mg WORDS` with nothing but this environment."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict("os.environ", environment, clear=True),
        mock.patch.object(sys, "argv", ["mg", *words]),
        mock.patch.object(sys, "stdin", io.StringIO()),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.invoke()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Done(code, out.getvalue(), err.getvalue())


def sign(secret: str, webhook_id: str, at: datetime, body: bytes) -> str:
    """Standard Webhooks' `v1` by hand, because the reference implementation signs text only."""
    signed = f"{webhook_id}.{int(at.timestamp())}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def film(native_id: str, title: str, **more: Any) -> dict[str, Any]:
    row = {"show_id": native_id, "type": "Movie", "title": title, "release_year": "2003", "listed_in": "Drama"}
    return {"id": native_id, "item": row | more}


def delivery(*items: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"type": "catalog.items.upserted", "data": {"items": items}})


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert (body["type"], body["status"]) == (f"/problems/{slug}", status)
    assert body["requestId"] == answer.headers["x-request-id"]
    return body


def eventually(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Polls; AssertionError after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)


@contextmanager
def unchanged(running: Running, *topics: str) -> Iterator[None]:
    """Nothing is appended to these topics meanwhile."""
    before = {topic: running.ends(topic) for topic in topics}
    yield
    assert {topic: running.ends(topic) for topic in topics} == before
