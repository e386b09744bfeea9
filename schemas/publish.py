"""Uploads the locked schemas, with their ids, to a Confluent-compatible registry, and compares.

A registry gives out ids of its own unless a subject is in mode IMPORT (Confluent Schema Registry API, "Mode" and
"Subjects"). So each subject is switched, filled and switched back, also when filling fails.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import quote

import httpx
import msgspec

from schemas import registry
from schemas.registry import Entry

_SECONDS = 10.0
_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"


class RegistryError(Exception):
    """The registry is away, refuses, or holds something else under our ids; the message says what to do."""


class Mismatch(msgspec.Struct, frozen=True):
    """One locked version that the registry does not hold as it should."""

    entry: Entry
    problem: Literal["missing", "other_id", "other_schema", "id_taken"]
    found: str = ""

    def __str__(self) -> str:
        what = {
            "missing": "is not there",
            "other_id": f"has id {self.found} there",
            "other_schema": "is another schema there",
            "id_taken": "is not there, and its id belongs to another schema",
        }[self.problem]
        return f"{self.entry} {what}"


def check_registry(url: str) -> list[Mismatch]:
    """Locked versions that the registry lacks or has under another id; empty when a consumer can trust it.

    `url` may carry a user and a password. Raises RegistryError when the registry does not answer.
    """
    with _client(url) as client:
        return _mismatches(client)


def publish(url: str) -> list[Entry]:
    """Uploads what is missing and returns it; with nothing missing it changes nothing. Raises RegistryError.

    Refuses, before changing anything, a registry that gives one of our ids or versions to something else.
    """
    with _client(url) as client:
        found = _mismatches(client)
        conflicts = [mismatch for mismatch in found if mismatch.problem != "missing"]
        if conflicts:
            raise RegistryError(
                "this registry hands out ids of its own; publish to an empty one: " + "; ".join(map(str, conflicts))
            )
        missing = sorted((mismatch.entry for mismatch in found), key=lambda entry: (entry.subject, entry.version))
        for subject in dict.fromkeys(entry.subject for entry in missing):
            with _import_mode(client, subject):
                for entry in missing:
                    if entry.subject == subject:
                        _upload(client, entry)
        left = _mismatches(client)
    if left:
        raise RegistryError("uploaded, but the registry does not show it: " + "; ".join(map(str, left)))
    return missing


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=_SECONDS, headers={"accept": _CONTENT_TYPE})


def _mismatches(client: httpx.Client) -> list[Mismatch]:
    return [mismatch for entry in registry.entries() if (mismatch := _compare(client, entry)) is not None]


def _compare(client: httpx.Client, entry: Entry) -> Mismatch | None:
    answer = _request(client, "GET", f"/subjects/{_path(entry.subject)}/versions/{entry.version}", allow=(404,))
    if answer.status_code == httpx.codes.NOT_FOUND:
        taken = _request(client, "GET", f"/schemas/ids/{entry.id}", allow=(404,))
        if taken.status_code == httpx.codes.NOT_FOUND or _is_ours(_json(taken), entry):
            return Mismatch(entry, "missing")
        return Mismatch(entry, "id_taken")
    found = _json(answer)
    if found.get("id") != entry.id:
        return Mismatch(entry, "other_id", str(found.get("id")))
    return None if _is_ours(found, entry) else Mismatch(entry, "other_schema")


def _is_ours(answer: dict[str, Any], entry: Entry) -> bool:
    """Shapes are compared: a registry may reorder attributes and drop repeated namespaces."""
    try:
        return registry.same_shape(json.loads(answer["schema"]), json.loads(entry.schema_text()))
    except Exception:  # noqa: BLE001 - whatever a foreign schema holds (Protobuf, JSON Schema), it is not ours
        return False


@contextmanager
def _import_mode(client: httpx.Client, subject: str) -> Iterator[None]:
    """Puts the subject into mode IMPORT and gives it back the mode it had."""
    path = f"/mode/{_path(subject)}"
    before = _request(client, "GET", path, allow=(404,))
    versions = _request(client, "GET", f"/subjects/{_path(subject)}/versions", allow=(404,))
    # A subject that holds versions already is only let into import mode by force.
    force = {} if versions.status_code == httpx.codes.NOT_FOUND else {"force": "true"}
    _request(client, "PUT", path, params=force, body={"mode": "IMPORT"})
    try:
        yield
    finally:
        if before.status_code == httpx.codes.NOT_FOUND:
            _request(client, "DELETE", path)
        else:
            _request(client, "PUT", path, body={"mode": _json(before)["mode"]})


def _upload(client: httpx.Client, entry: Entry) -> None:
    body = {"schemaType": "AVRO", "schema": entry.schema_text(), "version": entry.version, "id": entry.id}
    answer = _request(client, "POST", f"/subjects/{_path(entry.subject)}/versions", body=body)
    if _json(answer).get("id") != entry.id:
        raise RegistryError(f"{entry.subject}: asked for id {entry.id}, the registry gave {_json(answer).get('id')}")


def _path(subject: str) -> str:
    return quote(subject, safe="")


def _request(
    client: httpx.Client,
    method: str,
    path: str,
    *,
    allow: tuple[int, ...] = (),
    params: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
) -> httpx.Response:
    headers = {} if body is None else {"content-type": _CONTENT_TYPE}
    where = f"{client.base_url.copy_with(username=None, password=None)}"
    try:
        answer = client.request(
            method, path, params=params, headers=headers, content=None if body is None else json.dumps(body)
        )
    except httpx.HTTPError as error:
        raise RegistryError(f"no registry answers at {where} ({error}): set MG_REGISTRY_URL") from error
    if answer.is_success or answer.status_code in allow:
        return answer
    raise RegistryError(f"{where} refused {method} {path}: {answer.status_code} {_message(answer)}")


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError as error:
        raise RegistryError(f"{answer.url.path}: not a schema registry, the answer is no JSON") from error
    if not isinstance(found, dict):
        raise RegistryError(f"{answer.url.path}: not a schema registry, the answer is {type(found).__name__}")
    return found


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
