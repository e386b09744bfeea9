"""Every endpoint of discovery over real PostgreSQL and a real engine."""

from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from query_api.services.discovery import SPEC
from runtime.http.app import build_app
from runtime.settings import Settings

Client = AsyncTestClient[Litestar]


async def search(client: Client, **parameters: Any) -> dict[str, Any]:
    answer = await client.get("/v1/search", params={name.rstrip("_"): value for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [item["titleId"] for item in found["items"]]


async def problem(client: Client, path: str, status: int, **more: Any) -> str:
    answer = await client.get(path, **more)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    return str(answer.json()["type"]).removeprefix("/problems/")


async def test_names_first_then_words(client: Client) -> None:
    found = await search(client, q="heat")
    assert ids(found) == ["heat", "remake", "german", "wave", "pilot"]
    assert [item["match"] for item in found["items"]] == ["exact", "exact", "other_name", "prefix", "text"]
    assert found["total"] == 5
    assert found["degraded"] == ["dense"], "there is no model in this test"
    assert found["asOf"]


async def test_accents_and_signs_do_not_matter(client: Client) -> None:
    for text in ("war and peace", "WÄR & PEACE", "  wär and   peace "):
        assert ids(await search(client, q=text))[0] == "war"


async def test_people_and_overviews_are_searched(client: Client) -> None:
    assert ids(await search(client, q="Ana Bell")) == ["heat"]
    assert ids(await search(client, q="summers")) == ["pilot"]


async def test_filters_apply_to_every_leg(client: Client) -> None:
    assert ids(await search(client, q="heat", kind="series")) == ["wave"]
    assert ids(await search(client, q="heat", genre="crime")) == ["heat"]
    assert ids(await search(client, q="heat", genre=["crime", "drama"])) == ["heat"]
    assert ids(await search(client, q="heat", genre=["comedy", "drama"])) == []
    assert ids(await search(client, q="heat", yearFrom=2000)) == ["remake", "wave"]
    assert ids(await search(client, q="heat", yearFrom=1990, yearTo=1999)) == ["heat", "german"]
    assert ids(await search(client, q="heat", region="DE")) == ["heat"]
    assert set(ids(await search(client, q="heat", provider="hulu"))) == {"heat", "pilot"}


async def test_provider_and_region_mean_the_same_offer(client: Client) -> None:
    assert ids(await search(client, provider="hulu", region="US")) == ["pilot"]
    assert ids(await search(client, provider="hulu", region="DE")) == ["heat"]
    assert ids(await search(client, provider="netflix", region="DE")) == []


async def test_facets_and_total_do_not_depend_on_the_page(client: Client) -> None:
    for text in ("heat", ""):
        seen: list[str] = []
        whole = await search(client, q=text)
        page = await search(client, q=text, limit=2)
        while True:
            assert (page["total"], page["facets"]) == (whole["total"], whole["facets"])
            seen += ids(page)
            if page["nextCursor"] is None:
                break
            page = await search(client, q=text, limit=2, cursor=page["nextCursor"])
        assert seen == ids(whole)
        assert len(set(seen)) == whole["total"]


async def test_browsing_is_by_popularity_and_counts_everything(client: Client) -> None:
    found = await search(client)
    assert ids(found)[:3] == ["german", "heat", "remake"]
    assert found["total"] == 6
    assert {"value": "series", "count": 1} in found["facets"]["kind"]
    assert found["facets"]["genre"][0] == {"value": "drama", "count": 3}
    assert "match" not in found["items"][0]


async def test_explain_shows_legs(client: Client) -> None:
    found = await search(client, q="heat", explain="true")
    pilot = next(item for item in found["items"] if item["titleId"] == "pilot")
    (leg,) = pilot["explanation"]["legs"]
    assert leg["leg"] == "bm25"
    assert pilot["explanation"]["fused"] == pytest.approx(1 / (60 + leg["rank"]), abs=1e-6)
    assert found["milliseconds"]["engine"] > 0


@pytest.mark.parametrize(
    ("query", "type_"),
    [
        ("limit=101", "invalid-request"),
        ("limit=0", "invalid-request"),
        ("limit=x", "invalid-request"),
        ("colour=red", "unknown-parameter"),
        ("cursor=AAAA", "invalid-cursor"),
        ("q=heat&cursor=%F0%9F%92%A9", "invalid-cursor"),
        ("kind=book", "invalid-request"),
        ("region=usa", "invalid-request"),
        ("yearFrom=2000&yearTo=1999", "invalid-request"),
        ("yearFrom=-1", "invalid-request"),
        ("q=" + "x" * 10_000, "invalid-request"),
        ("q=%00", "invalid-request"),
        ("q=%ED%A0%80", "invalid-request"),
    ],
)
async def test_what_does_not_fit_is_refused(client: Client, query: str, type_: str) -> None:
    assert await problem(client, f"/v1/search?{query}", 400) == type_


@pytest.mark.parametrize(
    "text", ["💩", "'; DROP TABLE title_catalog; --", "name:(a OR b)~2^4 *", "\u202eשלום עולם", "???", "\\"]
)
async def test_odd_queries_are_just_queries(client: Client, text: str) -> None:
    await search(client, q=text)


async def test_a_cursor_of_another_query_is_refused(client: Client) -> None:
    cursor = (await search(client, q="heat", limit=1))["nextCursor"]
    assert await problem(client, "/v1/search", 400, params={"q": "cold", "cursor": cursor}) == "invalid-cursor"


async def test_title_with_etag(client: Client) -> None:
    answer = await client.get("/v1/titles/heat")
    assert answer.status_code == 200
    assert answer.json()["name"] == "Heat"
    assert answer.json()["externalIds"] == [{"source": "imdb", "value": "ttheat"}]
    etag = answer.headers["etag"]
    for header in (etag, f'"x", W/{etag}', "*"):
        again = await client.get("/v1/titles/heat", headers={"If-None-Match": header})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await client.get("/v1/titles/heat", headers={"If-None-Match": '"x"'})
    assert other.status_code == 200


@pytest.mark.parametrize("rest", ["", "/availability", "/similar"])
async def test_merged_moves_retired_is_gone_unknown_is_not_found(client: Client, rest: str) -> None:
    moved = await client.get(f"/v1/titles/twin{rest}", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (301, f"/v1/titles/heat{rest}")
    assert await problem(client, f"/v1/titles/gone{rest}", 410) == "gone"
    assert await problem(client, f"/v1/titles/nobody-knows{rest}", 404) == "not-found"
    assert await problem(client, f"/v1/titles/%ED%A0%80{rest}", 404) == "not-found"


async def test_titles_by_external_id(client: Client) -> None:
    found = (await client.get("/v1/titles", params={"externalId": "imdb:tt0000066"})).json()
    assert [item["titleId"] for item in found["items"]] == ["war"]
    assert (await client.get("/v1/titles", params={"externalId": "imdb:tt9"})).json()["items"] == []
    assert await problem(client, "/v1/titles", 400) == "invalid-request"
    assert await problem(client, "/v1/titles?externalId=tt9", 400) == "invalid-request"


async def test_batch_get(client: Client) -> None:
    answer = await client.post(
        "/v1/titles:batchGet", json={"titleIds": ["war", "nobody", "heat", "war", "twin", "gone"]}
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [item["titleId"] for item in found["items"]] == ["war", "heat"]
    assert found["redirects"] == {"twin": "heat"}
    assert found["missing"] == ["nobody", "gone"]


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"titleIds": []}', b'{"titleIds": ["a\\u0000"]}', b'{"titleIds": ["a"], "x": 1}', b"[",
     b'{"titleIds": [1]}', b'{"titleIds": ["\\ud800"]}',
     msgspec.json.encode({"titleIds": [str(i) for i in range(101)]})],
)  # fmt: skip
async def test_bad_batches_are_refused(client: Client, body: bytes) -> None:
    answer = await client.post("/v1/titles:batchGet", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text


async def test_availability(client: Client) -> None:
    found = (await client.get("/v1/titles/heat/availability")).json()
    assert [(offer["provider"], offer["region"]) for offer in found["offers"]] == [("hulu", "DE"), ("netflix", "US")]
    german = (await client.get("/v1/titles/heat/availability?region=DE")).json()
    assert [(offer["price"], offer["currency"]) for offer in german["offers"]] == [("3.99", "EUR")]
    assert (await client.get("/v1/titles/war/availability?region=FR")).json()["offers"] == []
    assert await problem(client, "/v1/titles/heat/availability?region=fr", 400) == "invalid-request"


async def test_similar(client: Client) -> None:
    found = (await client.get("/v1/titles/heat/similar")).json()
    assert [(item["titleId"], round(item["similarity"], 3)) for item in found["items"]] == [
        ("remake", 0.9),
        ("pilot", 0.0),
    ]
    assert found["embedded"]
    without = (await client.get("/v1/titles/war/similar")).json()
    assert (without["embedded"], without["items"]) == (False, [])
    assert await problem(client, "/v1/titles/heat/similar?limit=51", 400) == "invalid-request"


@pytest.mark.parametrize("path", ["/v1/search?q=heat", "/v1/titles/heat", "/v1/titles/heat/availability"])
async def test_read_your_writes(client: Client, path: str) -> None:
    assert (await client.get(path, headers={"MG-After": "titles:0:9"})).status_code == 200
    behind = await problem(client, path, 503, headers={"MG-After": "titles:0:10"})
    assert behind == "read-model-behind"
    assert await problem(client, path, 400, headers={"MG-After": "provider-items:0:1"}) == "invalid-position"
    assert await problem(client, path, 400, headers={"MG-After": "rubbish"}) == "invalid-position"


async def test_ready(client: Client) -> None:
    assert (await client.get("/health/ready")).json()["checks"] == ["postgres", "qdrant"]


async def test_without_the_engine_titles_still_answer(catalog: Settings) -> None:
    away = msgspec.structs.replace(catalog, qdrant_url="http://127.0.0.1:1")
    async with AsyncTestClient(build_app("discovery", [SPEC], away), raise_server_exceptions=False) as client:
        for path in ("/v1/search?q=heat", "/v1/search", "/v1/titles/heat/similar"):
            assert await problem(client, path, 503) == "unavailable"
        assert (await client.get("/v1/titles/heat")).status_code == 200
        assert await problem(client, "/health/ready", 503) == "not-ready"


async def test_without_postgres_search_still_answers(catalog: Settings) -> None:
    away = msgspec.structs.replace(catalog, postgres_reader_dsn="postgresql://127.0.0.1:1/x?connect_timeout=1")
    async with AsyncTestClient(build_app("discovery", [SPEC], away), raise_server_exceptions=False) as client:
        found = await search(client, q="heat")
        assert found["asOf"] is None
        assert ids(found)[0] == "heat"
        assert await problem(client, "/v1/titles/heat", 503) == "unavailable"
