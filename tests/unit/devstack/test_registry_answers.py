import json
from http import HTTPStatus
from typing import Any

import pytest

from devstack.registry_answers import Source, respond
from schemas import registry


@pytest.fixture(scope="module")
def source() -> Source:
    return Source()


def get(source: Source, path: str) -> Any:
    status, content = respond(source, "GET", path, b"")
    assert status == HTTPStatus.OK, content
    return content


def test_every_id_of_the_lock_is_served_with_its_schema(source: Source) -> None:
    for entry in registry.entries():
        assert get(source, f"/schemas/ids/{entry.id}") == {"schema": entry.schema_text()}
        assert get(source, f"/schemas/ids/{entry.id}/versions") == [
            {"subject": entry.subject, "version": entry.version}
        ]
        described = get(source, f"/subjects/{entry.subject}/versions/{entry.version}")
        assert described == {
            "subject": entry.subject,
            "version": entry.version,
            "id": entry.id,
            "schema": entry.schema_text(),
        }
        assert entry.version in get(source, f"/subjects/{entry.subject}/versions")


def test_latest_is_the_newest_version(source: Source) -> None:
    for subject, entry in registry.latest().items():
        assert get(source, f"/subjects/{subject}/versions/latest")["id"] == entry.id


def test_lists_and_modes(source: Source) -> None:
    assert get(source, "/subjects") == sorted(registry.latest())
    assert get(source, "/schemas/types") == ["AVRO"]
    assert get(source, "/mode") == {"mode": "READONLY"}
    assert get(source, "/config") == {"compatibilityLevel": "FULL_TRANSITIVE"}


def test_an_existing_schema_is_looked_up_whatever_its_white_space(source: Source) -> None:
    entry = registry.entries()[-1]
    schema = json.dumps(json.loads(entry.schema_text()), indent=3)
    status, content = respond(
        source, "POST", f"/subjects/{entry.subject}?normalize=false", json.dumps({"schema": schema}).encode()
    )
    assert (status, content["id"], content["version"]) == (HTTPStatus.OK, entry.id, entry.version)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/schemas/ids/99999", "", 404, 40403),
        ("GET", "/subjects/nobody/versions", "", 404, 40401),
        ("GET", "/subjects/nobody/versions/1", "", 404, 40401),
        ("GET", "/subjects/{subject}/versions/99", "", 404, 40402),
        ("GET", "/subjects/{subject}/versions/first", "", 422, 42202),
        ("GET", "/schemas/ids/one", "", 404, 404),
        ("POST", "/subjects/{subject}", '{"schema": "\\"string\\""}', 404, 40403),
        ("POST", "/subjects/nobody", '{"schema": "\\"string\\""}', 404, 40401),
        ("POST", "/subjects/{subject}", "not json", 422, 42201),
        ("POST", "/subjects/{subject}/versions", '{"schema": "\\"string\\""}', 422, 42205),
        ("DELETE", "/subjects/{subject}", "", 422, 42205),
        ("PUT", "/config", "{}", 422, 42205),
        ("PUT", "/mode", "{}", 422, 42205),
        ("DELETE", "/elsewhere", "", 404, 404),
    ],
)
def test_errors_are_in_the_registrys_form(
    source: Source, method: str, path: str, body: str, status: int, code: int
) -> None:
    found, content = respond(source, method, path.format(subject=registry.entries()[0].subject), body.encode())
    assert found == status
    assert content["error_code"] == code
    assert content["message"]
