"""Publishing against a small registry that keeps the rules of import mode."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from schemas import publish, registry
from schemas.publish import RegistryError


class Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Registry:
    """State and rules. Ids it gives out itself start at 100,001, as Confluent's do."""

    def __init__(self) -> None:
        self.subjects: dict[str, dict[int, tuple[int, str]]] = {}
        self.schemas: dict[int, str] = {}
        self.modes: dict[str, str] = {}
        self.writes: list[str] = []
        self.mode = "READWRITE"
        self.fail_posts_after: int | None = None

    def answer(self, method: str, parts: list[str], query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        if method == "GET":
            return self._read(parts)
        self.writes.append(f"{method} /{'/'.join(parts)}")
        return self._write(method, parts, query, body)

    def _read(self, parts: list[str]) -> Any:
        match parts:
            case ["subjects", subject, "versions"]:
                return sorted(self._versions(subject))
            case ["subjects", subject, "versions", version]:
                if int(version) not in self._versions(subject):
                    raise Refusal(404, "Version not found.")
                schema_id, text = self.subjects[subject][int(version)]
                return {"subject": subject, "version": int(version), "id": schema_id, "schema": text}
            case ["schemas", "ids", schema_id]:
                if int(schema_id) not in self.schemas:
                    raise Refusal(404, "Schema not found")
                return {"schema": self.schemas[int(schema_id)]}
            case ["mode", subject]:
                if subject not in self.modes:
                    raise Refusal(404, "Subject does not have subject-level mode configured")
                return {"mode": self.modes[subject]}
        raise Refusal(404, "no such path")

    def _write(self, method: str, parts: list[str], query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        match method, parts:
            case "PUT", ["mode", subject]:
                if self.mode == "READONLY":
                    raise Refusal(422, "Registry is in read-only mode")
                if body["mode"] == "IMPORT" and self.subjects.get(subject) and query.get("force") != ["true"]:
                    raise Refusal(422, "Cannot import since found existing subjects")
                self.modes[subject] = body["mode"]
                return body
            case "DELETE", ["mode", subject]:
                return {"mode": self.modes.pop(subject)}
            case "POST", ["subjects", subject, "versions"]:
                return {"id": self._register(subject, body)}
        raise Refusal(404, "no such path")

    def _versions(self, subject: str) -> dict[int, tuple[int, str]]:
        if subject not in self.subjects:
            raise Refusal(404, f"Subject '{subject}' not found.")
        return self.subjects[subject]

    def _register(self, subject: str, body: dict[str, Any]) -> int:
        if self.fail_posts_after is not None:
            if self.fail_posts_after == 0:
                raise Refusal(500, "Error in the backend data store")
            self.fail_posts_after -= 1
        importing = self.modes.get(subject, self.mode) == "IMPORT"
        if "id" in body and not importing:
            raise Refusal(422, f"Subject {subject} is not in import mode")
        if "id" not in body and importing:
            raise Refusal(422, f"Subject {subject} is in import mode: an id is needed")
        schema_id = body.get("id", 100_001 + len(self.schemas))
        if self.schemas.setdefault(schema_id, body["schema"]) != body["schema"]:
            raise Refusal(422, f"Overwrite new schema with id {schema_id} is not permitted.")
        versions = self.subjects.setdefault(subject, {})
        versions[body.get("version", len(versions) + 1)] = (schema_id, body["schema"])
        return int(schema_id)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    state: Registry


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"  # one connection for all that a client asks
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        target = urlsplit(self.path)
        parts = [unquote(part) for part in target.path.strip("/").split("/")]
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        try:
            status, found = 200, self.server.state.answer(self.command, parts, parse_qs(target.query), body)
        except Refusal as refusal:
            status, found = refusal.status, {"error_code": refusal.status * 100 + 1, "message": refusal.message}
        data = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the names in http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.state = Registry()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def state(server: Server) -> Registry:
    return server.state


@pytest.fixture
def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


SUBJECT = "media_gateway.catalog.v1.TitleChanged"


def test_empty_registry_gets_every_version_with_its_id(url: str, state: Registry) -> None:
    assert {mismatch.problem for mismatch in publish.check_registry(url)} == {"missing"}
    uploaded = publish.publish(url)
    assert set(uploaded) == set(registry.entries())
    assert publish.check_registry(url) == []
    assert {(entry.subject, entry.version, entry.id) for entry in registry.entries()} == {
        (subject, version, schema_id)
        for subject, versions in state.subjects.items()
        for version, (schema_id, _) in versions.items()
    }
    assert state.modes == {}, "every subject is back in the registry's own mode"


def test_second_time_changes_nothing(url: str, state: Registry) -> None:
    publish.publish(url)
    state.writes.clear()
    assert publish.publish(url) == []
    assert state.writes == []


def test_full_read_only_registry_is_left_alone(url: str, state: Registry) -> None:
    """What the local stack serves."""
    publish.publish(url)
    state.mode = "READONLY"
    assert publish.publish(url) == []


def test_empty_read_only_registry_says_so(url: str, state: Registry) -> None:
    state.mode = "READONLY"
    with pytest.raises(RegistryError, match="Registry is in read-only mode"):
        publish.publish(url)


def test_only_the_missing_subject_is_uploaded(url: str, state: Registry) -> None:
    publish.publish(url)
    del state.subjects[SUBJECT]
    assert [entry.subject for entry in publish.publish(url)] == [SUBJECT]


def test_subject_with_versions_is_forced_into_import_mode(
    url: str, state: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish.publish(url)
    current = registry.latest()[SUBJECT]
    next_version = registry.Entry(SUBJECT, current.version + 1, 900, current.fingerprint, current.file)
    state.schemas[900] = current.schema_text()
    entries = (*registry.entries(), next_version)
    monkeypatch.setattr(registry, "entries", lambda: entries)
    assert publish.publish(url) == [next_version]


def test_mode_of_a_subject_is_given_back(url: str, state: Registry) -> None:
    state.modes[SUBJECT] = "READONLY_OVERRIDE"
    publish.publish(url)
    assert state.modes == {SUBJECT: "READONLY_OVERRIDE"}


def test_mode_is_given_back_when_an_upload_fails(url: str, state: Registry) -> None:
    state.fail_posts_after = 2
    with pytest.raises(RegistryError, match="500 Error in the backend data store"):
        publish.publish(url)
    assert state.modes == {}
    state.fail_posts_after = None
    assert len(publish.publish(url)) == len(registry.entries()) - 2


def test_registry_with_ids_of_its_own_is_refused_before_any_change(url: str, state: Registry) -> None:
    entry = registry.latest()[SUBJECT]
    state.subjects[SUBJECT] = {1: (100_001, entry.schema_text())}
    state.schemas[100_001] = entry.schema_text()
    [mismatch] = [one for one in publish.check_registry(url) if one.problem != "missing"]
    assert str(mismatch) == f"{SUBJECT} version 1 (id {entry.id}) has id 100001 there"
    with pytest.raises(RegistryError, match="publish to an empty one"):
        publish.publish(url)
    assert state.writes == []


def test_id_of_another_schema_is_refused_before_any_change(url: str, state: Registry) -> None:
    state.schemas[registry.latest()[SUBJECT].id] = '"string"'
    with pytest.raises(RegistryError, match="its id belongs to another schema"):
        publish.publish(url)
    assert state.writes == []


def test_another_schema_under_our_version_and_id_is_noticed(url: str, state: Registry) -> None:
    publish.publish(url)
    entry = registry.latest()[SUBJECT]
    state.subjects[SUBJECT][1] = (entry.id, 'syntax = "proto3";')
    assert [one.problem for one in publish.check_registry(url)] == ["other_schema"]


def test_reordered_schema_without_repeated_namespaces_is_ours(url: str, state: Registry) -> None:
    publish.publish(url)
    entry = registry.latest()[SUBJECT]
    schema = json.loads(entry.schema_text())
    for field in schema["fields"]:
        if isinstance(field["type"], dict) and "namespace" in field["type"]:
            del field["type"]["namespace"]
    state.subjects[SUBJECT][1] = (entry.id, json.dumps(schema, sort_keys=True))
    assert publish.check_registry(url) == []


def test_no_registry_there() -> None:
    with pytest.raises(RegistryError, match="set MG_REGISTRY_URL") as caught:
        publish.check_registry("http://user:hunter2@127.0.0.1:1")
    assert "hunter2" not in str(caught.value)


def test_server_that_is_no_registry(url: str, state: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "answer", lambda *_: ["hello"])
    with pytest.raises(RegistryError, match="not a schema registry"):
        publish.check_registry(url)
