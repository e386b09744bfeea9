"""Schema ids, read only, in the REST form of a Confluent-compatible registry, from `schemas/registry.lock.json`.

`python -m devstack.registry --port P` serves; RegistryBackend lets the stack run it. Plain http.server: few
requests in a consumer's life, and a third of the memory of a web framework.
"""

import argparse
import json
import signal
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec

from devstack import ports
from devstack.backend import Command, Place, Report
from devstack.qdrant_front import answers_ok
from devstack.registry_answers import Source, respond

ROOT = Path(__file__).parents[1]
CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
BODY_LIMIT = 1024 * 1024


class RegistryBackend(msgspec.Struct, frozen=True):
    port: int
    name: str = "registry"
    stop_signal: signal.Signals = signal.SIGTERM
    start_seconds: float = 30.0

    @property
    def ports(self) -> Mapping[str, int]:
        return {"registry": self.port}

    def prepare(self, place: Place, report: Report) -> None:
        """Nothing: the schemas are files of the checkout."""

    def command(self, place: Place) -> Command:
        return Command([sys.executable, "-m", "devstack.registry", "--port", str(place.ports["registry"])], ROOT)

    def ready(self, place: Place) -> bool:
        return answers_ok(f"{self._url(place)}/mode")

    def settle(self, place: Place) -> None:
        """Nothing to make."""

    def addresses(self, place: Place) -> dict[str, str]:
        return {"registry_url": self._url(place)}

    def _url(self, place: Place) -> str:
        return f"http://{ports.HOST}:{place.ports['registry']}"


def handler(source: Source) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > BODY_LIMIT:
                self.close_connection = True
                status, content = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error_code": 413, "message": "Body too large"}
            else:
                status, content = respond(source, self.command, self.path, self.rfile.read(length))
            data = json.dumps(content, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Requests are not logged; errors are (`log_error`)."""

    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m devstack.registry", description="Schema ids, read only.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default=ports.HOST)
    options = parser.parse_args()
    with Server((options.host, options.port), handler(Source())) as server:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        server.serve_forever()


if __name__ == "__main__":
    main()
