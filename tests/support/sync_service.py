"""The service `sync` in memory: what a device's queue and pulls talk to, by the same laws, with faults on demand.

Tokens are `user:device`. Runs behind httpx.MockTransport (`handle`) or a real socket (`serving`).
"""

import contextlib
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from sync_laws import clock
from sync_laws.tags import tag_of
from sync_laws.watching import Flag, Place, Watching
from sync_laws.watchlist import Item

TOPICS = {"watchlist": "watchlist-changes", "progress": "progress-changes", "watched": "progress-changes"}
Subject = tuple[str, str]


class Reply(NamedTuple):
    status: int
    body: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


def problem(
    slug: str, status: int, errors: list[dict[str, str]] | None = None, headers: dict[str, str] | None = None
) -> Reply:
    body = {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": slug, "errors": errors or []}
    return Reply(status, body, {"Content-Type": "application/problem+json", **(headers or {})})


class SyncService:
    """`faults` are asked first, one a request: a Reply is answered instead, "lost" does the work and loses the answer,
    "down" does nothing, None lets the request through."""

    def __init__(self, wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self.wall_ms = wall_ms
        self.faults: deque[Reply | str | None] = deque()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.tokens: list[str] = []
        self.batches: list[list[str]] = []
        self.log: list[dict[str, Any]] = []
        self.repeated = 0
        self.conflicts: list[str] = []
        self.refuse: Callable[[dict[str, Any]], str | None] = lambda _: None
        """A reason to refuse an operation (422)."""
        self.named = True
        """Whether refusals name the operations."""
        self.behind = False
        self.oldest = 0
        self.page_size = 100
        self.accepted_tokens: set[str] | None = None
        self._known: dict[str, str] = {}
        self._offsets: dict[str, int] = {}
        self._items: dict[str, Item] = {}
        self._watching: dict[str, Watching] = {}
        self._preferences: dict[str, tuple[int, str, Any]] = {}
        self._revisions: dict[Subject, int] = {}
        self._revision = itertools.count(1)
        self._others = itertools.count(1)
        self._lock = threading.Lock()

    # Carriers.

    async def handle(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        reply = self.answer(request.method, str(request.url.raw_path, "ascii"), dict(request.headers), body)
        if isinstance(reply, str):
            raise httpx.ConnectError(reply)
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        return httpx.Response(reply.status, content=content, headers=reply.headers)

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """The base URL of a real server."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                whole = len(body) == length  # else the client was killed meanwhile
                reply = service.answer(self.command, self.path, headers, body) if whole else "cut short"
                if isinstance(reply, str):
                    self.close_connection = True
                    return
                content = json.dumps(reply.body).encode()
                # The client may have been killed meanwhile.
                with contextlib.suppress(OSError):
                    self.send_response(reply.status)
                    for name, value in {**reply.headers, "Content-Length": str(len(content))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(content)

            do_POST = do_GET  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                """Silent."""

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    super().handle()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    # Requests.

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply | str:
        with self._lock:
            self.requests.append((f"{method} {target}", headers))
            fault = self.faults.popleft() if self.faults else None
            if isinstance(fault, Reply):
                return fault
            if fault == "down":
                return "nobody is there"
            reply = self._answer(method, target, headers, body)
            return "the answer got lost" if fault == "lost" else reply

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        self.tokens.append(token)
        if self.accepted_tokens is not None and token not in self.accepted_tokens:
            return problem("unauthenticated", 401)
        user, _, device = token.partition(":")
        url = urlsplit(target)
        if not unquote(url.path).startswith(f"/v1/users/{user}/"):
            return problem("forbidden", 403)
        if (method, url.path.rsplit("/", 1)[-1]) == ("POST", "mutations"):
            return self._dated(self._mutate(user, device, json.loads(body)["operations"]))
        return self._dated(self._changes(parse_qs(url.query), headers.get("mg-after", "")))

    def _dated(self, reply: Reply) -> Reply:
        return reply._replace(headers={**reply.headers, "Date": formatdate(self.wall_ms() / 1000, usegmt=True)})

    def _mutate(self, user: str, device: str, operations: list[dict[str, Any]]) -> Reply:
        self.batches.append([operation["operationId"] for operation in operations])
        if len(operations) > 500:
            return problem("too-large", 413)
        refused: list[tuple[int, str]] = []
        ahead = []
        for place, operation in enumerate(operations):
            reason = self.refuse(operation)
            if reason:
                refused.append((place, reason))
            if clock.is_ahead(int(operation["hlc"]), self.wall_ms()):
                ahead.append({"pointer": f"#/operations/{place}/hlc", "detail": "is ahead"})
        if refused:
            errors = [{"pointer": f"#/operations/{place}/x", "detail": reason} for place, reason in refused]
            return problem("invalid-content", 422, errors if self.named else None)
        if ahead:
            seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.wall_ms() // 1000))
            return problem("clock-ahead", 422, ahead, {"MG-Time": f"{seconds}.{self.wall_ms() % 1000:03}Z"})
        conflicts = []
        for place, operation in enumerate(operations):
            text = json.dumps(operation, sort_keys=True)
            if self._known.get(operation["operationId"], text) != text:
                conflicts.append({"pointer": f"#/operations/{place}", "detail": "came with another content before"})
                self.conflicts.append(operation["operationId"])
        if conflicts:
            return problem("operation-conflict", 409, conflicts)
        told = []
        for operation in operations:
            operation_id = operation["operationId"]
            if operation_id in self._known:
                self.repeated += 1
            else:
                self._known[operation_id] = json.dumps(operation, sort_keys=True)
                self._offsets[operation_id] = len(self.log)
                self.log.append(operation | {"device": device})
            self.apply(user, device, operation)  # a repetition too: the laws make nothing of it
            topic = TOPICS.get(operation["op"].split(".")[0], "preference-changes")
            offset = self._offsets[operation_id]
            event_id = tag_of(user, device, operation_id)
            told.append({"operationId": operation_id, "eventId": event_id, "position": f"{topic}:0:{offset}"})
        return Reply(202, {"operations": told}, {"MG-Position": ", ".join(sorted({each["position"] for each in told}))})

    def _changes(self, parameters: dict[str, list[str]], after: str) -> Reply:
        since = int(parameters.get("since", ["0"])[0])
        if 0 < since < self.oldest:
            return problem("cursor-too-old", 410)
        if after and self.behind:
            return problem("read-model-behind", 503, headers={"Retry-After": "1"})
        changed = sorted((revision, subject) for subject, revision in self._revisions.items() if revision > since)
        page = changed[: self.page_size]
        lists: dict[str, list[Any]] = {"watchlist": [], "watchStates": [], "preferences": []}
        for revision, (kind, identifier) in page:
            lists[kind].append(self._row(kind, identifier) | {"revision": revision})
        cursor = str(page[-1][0] if page else since)
        return Reply(200, {**lists, "cursor": cursor, "more": len(changed) > len(page), "asOf": None})

    # State.

    def apply(self, user: str, device: str, operation: dict[str, Any]) -> None:
        kind, hlc, title = operation["op"], int(operation["hlc"]), operation.get("titleId", "")
        if kind.startswith("watchlist."):
            item = self._items.setdefault(title, Item())
            match kind:
                case "watchlist.add":
                    tag = tag_of(user, device, operation["operationId"])
                    item.add(tag, operation["rank"], hlc, device, operation.get("observed", ()))
                case "watchlist.remove":
                    item.remove(operation.get("observed"), hlc)
                case "watchlist.move":
                    item.move(operation["rank"], hlc, device)
            subject = ("watchlist", title)
        elif kind == "preference.set":
            name = operation["name"]
            known = self._preferences.get(name, (0, "", None))
            if (hlc, device) > known[:2]:
                self._preferences[name] = (hlc, device, operation["value"])
            subject = ("preferences", name)
        else:
            watching = self._watching.setdefault(title, Watching())
            if kind == "progress.set":
                place = Place(hlc, device, operation["positionMs"], operation.get("durationMs"))
                watching.set_by_hand(place)
            else:
                watching.mark(Flag(hlc, device, kind == "watched.mark"))
            subject = ("watchStates", title)
        self._revisions[subject] = next(self._revision)

    def from_elsewhere(self, user: str, op: str, device: str = "other", **fields: Any) -> str:
        """An operation of another device; its id."""
        operation_id = f"elsewhere-{next(self._others)}"
        stamp = str(clock.pack(self.wall_ms(), next(self._others) % 60_000))
        self.apply(user, device, {"op": op, "operationId": operation_id, "hlc": stamp} | fields)
        return operation_id

    def forget_row(self, kind: str, identifier: str) -> None:
        """As if it had never been: only a full fetch can tell."""
        self._items.pop(identifier, None)
        self._watching.pop(identifier, None)
        self._preferences.pop(identifier, None)
        del self._revisions[kind, identifier]

    @property
    def items(self) -> dict[str, Item]:
        return self._items

    @property
    def watching(self) -> dict[str, Watching]:
        return self._watching

    def _row(self, kind: str, identifier: str) -> dict[str, Any]:
        if kind == "watchlist":
            item = self._items[identifier]
            return {
                "titleId": identifier,
                "present": item.present,
                "rank": {"value": item.rank, "hlc": str(item.rank_hlc), "deviceId": item.rank_device},
                "added": {tag: str(hlc) for tag, hlc in item.added.items()},
                "removed": {tag: str(hlc) for tag, hlc in item.removed.items()},
                "updatedAt": "2026-01-01T00:00:00Z",
            }
        if kind == "preferences":
            hlc, device, value = self._preferences[identifier]
            return {"name": identifier, "value": value, "hlc": str(hlc), "deviceId": device}
        watching = self._watching[identifier]
        place, flag = watching.place, watching.flag
        return {
            "titleId": identifier,
            "position": None
            if place is None
            else {
                "positionMs": place.position_ms,
                "durationMs": place.duration_ms,
                "hlc": str(place.hlc),
                "deviceId": place.device_id,
            },
            "watched": None
            if flag is None
            else {"value": flag.watched, "hlc": str(flag.hlc), "deviceId": flag.device_id},
            "finished": watching.finished,
        }
