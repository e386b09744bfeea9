"""Queries that nobody should ask: every parameter that is wrong is named, and any text may be searched for."""

import json

import pytest

from tests.support.running import Running, problem

pytestmark = pytest.mark.usefixtures("catalog")
MEBIBYTE = 1024 * 1024
WEBHOOKS = "/v1/webhooks/disney_plus"


@pytest.mark.parametrize(
    "query",
    [
        "x" * 1000,
        "🎬 🍿 👩‍👩‍👧",
        "'; DROP TABLE title_catalog; --",
        '"toy story" AND (year:[1990 TO 2000] OR kind:*) ~2 ^5 \\',
        "مدينة الملح שלום",
        "\u202eyrots yot\u202c",
        "%_%",
        "\\x00 \\u0000 ${jndi:ldap://x} {{7*7}} <script>",
        "a" + "\u0301" * 500,
        " \t\n ",
        "." * 1000,
        "the the the the",
        "\ufffe\uffff",
    ],
    ids=ascii,
)
def test_any_text_is_a_query(running: Running, query: str) -> None:
    found = running.discovery.get("/v1/search", params={"q": query, "explain": "true"})
    assert found.status_code == 200, found.text
    assert found.json()["query"] == query
    assert found.json()["degraded"] == []
    assert len(running.by_imdb("tt0114709")) <= 1  # the tables are still there


@pytest.mark.parametrize(
    ("path", "slug", "parameter"),
    [
        ("/v1/search?q=" + "x" * 10_240, "invalid-request", "q"),
        ("/v1/search?q=%ed%a0%80", "invalid-request", None),
        ("/v1/search?q=%ff", "invalid-request", None),
        ("/v1/search?q=%00", "invalid-request", "q"),
        ("/v1/search?limit=0", "invalid-request", "limit"),
        ("/v1/search?limit=101", "invalid-request", "limit"),
        ("/v1/search?limit=-1", "invalid-request", "limit"),
        ("/v1/search?limit=abc", "invalid-request", "limit"),
        ("/v1/search?limit=", "invalid-request", "limit"),
        ("/v1/search?limit=1.5", "invalid-request", "limit"),
        ("/v1/search?limit=99999999999999999999999", "invalid-request", "limit"),
        ("/v1/search?limit=1&limit=2", "invalid-request", "limit"),
        ("/v1/search?yearFrom=-1", "invalid-request", "yearFrom"),
        ("/v1/search?yearFrom=10000", "invalid-request", "yearFrom"),
        ("/v1/search?yearFrom=2001&yearTo=2000", "invalid-request", "yearFrom"),
        ("/v1/search?kind=hologram", "invalid-request", "kind"),
        ("/v1/search?region=us", "invalid-request", "region"),
        ("/v1/search?region=USA", "invalid-request", "region"),
        ("/v1/search?explain=perhaps", "invalid-request", "explain"),
        ("/v1/search?" + "&".join(f"genre=g{n}" for n in range(21)), "invalid-request", "genre"),
        ("/v1/search?" + "&".join(f"genre=g{n}" for n in range(101)), "invalid-request", None),
        ("/v1/search?query=toy", "unknown-parameter", "query"),
        ("/v1/search?Q=toy", "unknown-parameter", "Q"),
        ("/v1/search?cursor=nonsense", "invalid-cursor", "cursor"),
        ("/v1/search?cursor=" + "A" * 3000, "invalid-cursor", "cursor"),
        ("/v1/search?cursor=%C3%A9", "invalid-cursor", "cursor"),
        ("/v1/titles", "invalid-request", "externalId"),
        ("/v1/titles?externalId=imdb", "invalid-request", "externalId"),
        ("/v1/titles?externalId=imdb:" + "t" * 300, "invalid-request", "externalId"),
        ("/v1/titles/a%00b", "invalid-request", "title_id"),
        ("/v1/titles/" + "x" * 201, "invalid-request", "title_id"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_wrong_parameters_are_named(running: Running, path: str, slug: str, parameter: str | None) -> None:
    found = problem(running.discovery.get(path), 400, slug)
    named = {error.get("parameter") for error in found.get("errors", [])}
    assert parameter is None or parameter in named, found


def test_a_cursor_belongs_to_its_query(running: Running) -> None:
    page = running.discovery.get("/v1/search", params={"limit": 5}).json()
    cursor = page["nextCursor"]
    assert running.discovery.get("/v1/search", params={"cursor": cursor, "limit": 7}).status_code == 200
    for other in ({"kind": "movie"}, {"q": "star"}, {"yearFrom": 1990}, {"genre": "drama"}):
        problem(running.discovery.get("/v1/search", params={**other, "cursor": cursor}), 400, "invalid-cursor")
    flipped = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    for damaged in (cursor[:-3], flipped, cursor + "AAAA", cursor[::-1]):
        problem(running.discovery.get("/v1/search", params={"cursor": damaged}), 400, "invalid-cursor")
    operators = {"authorization": f"Bearer {running.settings.operator_token.reveal()}"}
    foreign = running.ingestion.get("/v1/providers/wikidata/deliveries", params={"cursor": cursor}, headers=operators)
    problem(foreign, 400, "invalid-cursor")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", None),
        (b"{", None),
        (b'{"titleIds": []}', "#/titleIds"),
        (b'{"titleIds": [1]}', "#/titleIds/0"),
        (json.dumps({"titleIds": ["x"] * 101}).encode(), "#/titleIds"),
        (b'{"titleIds": ["x"], "more": 1}', "#"),
        (b'{"titleIds": ["a\\u0000"]}', None),
        (b"\xff", None),
        (b"[" * 50_000, None),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_batches(running: Running, body: bytes, pointer: str | None) -> None:
    answer = running.discovery.post("/v1/titles:batchGet", content=body, headers={"content-type": "application/json"})
    found = problem(answer, 400, "invalid-request")
    assert pointer is None or [error["pointer"] for error in found["errors"]] == [pointer]


def test_a_body_beyond_the_limit(running: Running) -> None:
    body = json.dumps({"titleIds": ["x" * 2 * MEBIBYTE]}).encode()
    answer = running.discovery.post("/v1/titles:batchGet", content=body)
    problem(answer, 413, "too-large")


def test_paths_and_methods_that_are_not_there(running: Running) -> None:
    for client in (running.discovery, running.ingestion):
        for path in ("/", "/v2/search", "/v1/titles/x/y", "/../../etc/passwd", "/schema/nothing"):
            problem(client.get(path), 404, "not-found")
    refused = running.discovery.request("DELETE", "/v1/titles/x")
    problem(refused, 405, "method-not-allowed")
    assert "GET" in refused.headers["allow"]
    problem(running.ingestion.get(WEBHOOKS), 405, "method-not-allowed")
    problem(running.discovery.get("/v1/titles/nobody"), 404, "not-found")
