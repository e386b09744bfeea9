"""What a schema registry answers to each path, over the entries of `schemas/registry.lock.json`.

Paths, error codes and JSON are those of the Confluent Schema Registry API reference; every write is refused.
"""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from schemas import registry
from schemas.registry import Entry


class RegistryError(Exception):
    """An answer in the registry's error form."""

    def __init__(self, status: HTTPStatus, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def subject_missing(subject: str) -> RegistryError:
    return RegistryError(HTTPStatus.NOT_FOUND, 40401, f"Subject '{subject}' not found.")


def version_missing(version: str) -> RegistryError:
    return RegistryError(HTTPStatus.NOT_FOUND, 40402, f"Version {version} not found.")


def schema_missing(what: str) -> RegistryError:
    return RegistryError(HTTPStatus.NOT_FOUND, 40403, f"Schema {what} not found")


READ_ONLY = RegistryError(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    42205,
    "This registry is read only: `mg schemas lock` registers a schema, `mg schemas publish` fills another registry",
)


class Answers:
    """What each path answers, over a fixed set of entries. Raises RegistryError."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._by_id = {entry.id: entry for entry in entries}
        self._subjects: dict[str, dict[int, Entry]] = {}
        for entry in sorted(entries, key=lambda entry: entry.version):
            self._subjects.setdefault(entry.subject, {})[entry.version] = entry

    def schema(self, schema_id: str) -> dict[str, Any]:
        return {"schema": self._entry(schema_id).schema_text()}

    def schema_text(self, schema_id: str) -> Any:
        return json.loads(self._entry(schema_id).schema_text())

    def places_of(self, schema_id: str) -> list[dict[str, Any]]:
        entry = self._entry(schema_id)
        return [{"subject": entry.subject, "version": entry.version}]

    def subjects_of(self, schema_id: str) -> list[str]:
        return [self._entry(schema_id).subject]

    def types(self) -> list[str]:
        return ["AVRO"]

    def subjects(self) -> list[str]:
        return sorted(self._subjects)

    def versions(self, subject: str) -> list[int]:
        return list(self._versions(subject))

    def version(self, subject: str, version: str) -> dict[str, Any]:
        return described(self._version(subject, version))

    def version_text(self, subject: str, version: str) -> Any:
        return json.loads(self._version(subject, version).schema_text())

    def config(self) -> dict[str, str]:
        return {"compatibilityLevel": "FULL_TRANSITIVE"}

    def subject_config(self, subject: str) -> dict[str, str]:
        self._versions(subject)
        return self.config()

    def mode(self) -> dict[str, str]:
        return {"mode": "READONLY"}

    def subject_mode(self, _subject: str) -> dict[str, str]:
        return self.mode()

    def lookup(self, subject: str, body: bytes) -> dict[str, Any]:
        """The newest version of the subject whose schema is the posted one (same JSON, white space aside)."""
        versions = self._versions(subject)
        try:
            wanted = json.loads(json.loads(body)["schema"])
        except (ValueError, KeyError, TypeError) as error:
            raise RegistryError(
                HTTPStatus.UNPROCESSABLE_ENTITY, 42201, "Invalid schema: not JSON with a `schema`"
            ) from error
        for entry in reversed(versions.values()):
            if json.loads(entry.schema_text()) == wanted:
                return described(entry)
        raise schema_missing("")

    def _entry(self, schema_id: str) -> Entry:
        try:
            return self._by_id[int(schema_id)]
        except KeyError:
            raise schema_missing(schema_id) from None

    def _versions(self, subject: str) -> dict[int, Entry]:
        try:
            return self._subjects[subject]
        except KeyError:
            raise subject_missing(subject) from None

    def _version(self, subject: str, version: str) -> Entry:
        versions = self._versions(subject)
        if version in {"latest", "-1"}:
            return versions[max(versions)]
        if not version.isdecimal() or int(version) < 1:
            raise RegistryError(
                HTTPStatus.UNPROCESSABLE_ENTITY, 42202, f"The specified version '{version}' is not a valid version id."
            )
        try:
            return versions[int(version)]
        except KeyError:
            raise version_missing(version) from None


def described(entry: Entry) -> dict[str, Any]:
    return {"subject": entry.subject, "version": entry.version, "id": entry.id, "schema": entry.schema_text()}


class Route(NamedTuple):
    pattern: re.Pattern[str]
    answer: Callable[..., Any]


ROUTES = tuple(
    Route(re.compile(pattern), answer)
    for pattern, answer in (
        (r"/schemas/ids/(\d{1,10})", Answers.schema),
        (r"/schemas/ids/(\d{1,10})/schema", Answers.schema_text),
        (r"/schemas/ids/(\d{1,10})/versions", Answers.places_of),
        (r"/schemas/ids/(\d{1,10})/subjects", Answers.subjects_of),
        (r"/schemas/types", Answers.types),
        (r"/subjects", Answers.subjects),
        (r"/subjects/([^/]+)/versions", Answers.versions),
        (r"/subjects/([^/]+)/versions/([^/]+)", Answers.version),
        (r"/subjects/([^/]+)/versions/([^/]+)/schema", Answers.version_text),
        (r"/config", Answers.config),
        (r"/config/([^/]+)", Answers.subject_config),
        (r"/mode", Answers.mode),
        (r"/mode/([^/]+)", Answers.subject_mode),
    )
)
LOOKUP = re.compile(r"/subjects/([^/]+)")


class Source:
    """The entries as they are on disk: `mg schemas lock` is seen without a restart."""

    def __init__(self) -> None:
        self._stamp: int | None = None
        self._answers = Answers(())

    def answers(self) -> Answers:
        stamp = registry.LOCK.stat().st_mtime_ns
        if stamp != self._stamp:
            registry.entries.cache_clear()
            self._answers, self._stamp = Answers(registry.entries()), stamp
        return self._answers


def respond(source: Source, method: str, path: str, body: bytes) -> tuple[HTTPStatus, Any]:
    """The status and JSON for one request."""
    path = urlsplit(path).path.rstrip("/") or "/"
    try:
        if method in {"GET", "HEAD"}:
            if path == "/":
                return HTTPStatus.OK, {}
            for route in ROUTES:
                if found := route.pattern.fullmatch(path):
                    return HTTPStatus.OK, route.answer(source.answers(), *map(unquote, found.groups()))
        elif method == "POST" and (found := LOOKUP.fullmatch(path)):
            return HTTPStatus.OK, source.answers().lookup(unquote(found[1]), body)
        elif method in {"POST", "PUT", "DELETE"} and path.startswith(("/subjects", "/config", "/mode")):
            raise READ_ONLY
    except RegistryError as error:
        return error.status, {"error_code": error.code, "message": error.message}
    return HTTPStatus.NOT_FOUND, {"error_code": 404, "message": "HTTP 404 Not Found"}
