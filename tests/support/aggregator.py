"""A server in the aggregator's shape that limits, fails, stalls and lies when told to."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PAGE = 3


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stall_seconds: float = 0.0
    """Between each byte, once the head was sent."""


Query = dict[str, str]


def show(number: int) -> dict[str, Any]:
    return {"id": f"s{number}", "showType": "movie", "title": f"Show {number}", "releaseYear": 1990 + number % 30}


class Aggregator:
    """Changes of `shows` shows a stream, one a second from `start` on. A cursor is the place of the next page."""

    def __init__(self, shows: int, start: int = 1_000_000) -> None:
        self.changes = [(start + number, number) for number in range(shows)]
        self.start = start
        self.scripted: deque[Reply | Callable[[Query], Reply]] = deque()
        self.asked: list[tuple[Query, str]] = []
        """Query and key of each request."""
        self.limits: dict[str, int] = {}
        """Requests left of a key; then 429."""
        self.old_cursors: set[str] = set()
        self.lie: Callable[[dict[str, Any], Query], dict[str, Any]] = lambda page, _: page
        self._lock = threading.Lock()

    def answer(self, path: str, query: Query, key: str) -> Reply:
        with self._lock:
            self.asked.append((query, key))
            if self.scripted:
                scripted = self.scripted.popleft()
                return scripted if isinstance(scripted, Reply) else scripted(query)
            if key in self.limits:
                self.limits[key] -= 1
                if self.limits[key] < 0:
                    return Reply(429, {"retry-after": "3600"})
            if path != "/changes" or query["item_type"] != "show":
                return Reply(404)
            if query.get("cursor") in self.old_cursors:
                return Reply(400, body=b'{"message": "cursor is too old"}')
            return Reply(body=json.dumps(self.lie(self._page(query), query)).encode())

    def _page(self, query: Query) -> dict[str, Any]:
        found = [one for one in self.changes if one[0] >= int(query["from"])] if query["change_type"] == "new" else []
        start = int(query.get("cursor", "0"))
        here = found[start : start + PAGE]
        more = start + PAGE < len(found)
        return {
            "changes": [{"changeType": "new", "showId": f"s{number}", "timestamp": at} for at, number in here],
            "shows": {f"s{number}": show(number) for _, number in here},
            "hasMore": more,
            **({"nextCursor": str(start + PAGE)} if more else {}),
        }

    def pages(self) -> list[str]:
        """Cursors asked for of the stream that has something, in order."""
        return [query.get("cursor", "") for query, _ in self.asked if query.get("change_type") == "new"]

    def keys(self) -> Counter[str]:
        return Counter(key for _, key in self.asked)


@contextmanager
def listening(aggregator: Aggregator) -> Iterator[str]:
    """On a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            reply = aggregator.answer(parts.path, dict(parse_qsl(parts.query)), self.headers.get("X-API-Key", ""))
            self.send_response(reply.status)
            for name, value in (reply.headers | {"content-length": str(len(reply.body))}).items():
                self.send_header(name, value)
            self.end_headers()
            if not reply.stall_seconds:
                self.wfile.write(reply.body)
                return
            try:
                for place in range(len(reply.body)):
                    self.wfile.write(reply.body[place : place + 1])
                    self.wfile.flush()
                    time.sleep(reply.stall_seconds)
            except OSError:
                pass  # who asked has gone

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
