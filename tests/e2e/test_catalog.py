"""From a provider's webhook to a title that can be searched, read and watched, and back out again."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.running import Running, SmallCatalog, eventually, problem, unchanged


def on_netflix(native_id: str, title: str, **more: Any) -> dict[str, Any]:
    row = {
        "show_id": native_id,
        "type": "Movie",
        "title": title,
        "director": "Ida Lorentz",
        "cast": "Per Haugen, Liv Sand",
        "country": "Norway",
        "date_added": "2024-05-01",
        "release_year": "2019",
        "rating": "PG-13",
        "duration": "97 min",
        "listed_in": "Dramas, International Movies",
        "description": "A harbour pilot finds a ship that nobody is looking for.",
    }
    return {"id": native_id, "item": row | more}


def on_justwatch(work: str, title: str, **more: Any) -> dict[str, Any]:
    row = {"id": work, "title": title, "type": "MOVIE", "release_year": "2011", "_platform": "hulu"}
    return {"id": f"{work}@hulu", "item": row | {"genres": "['drama']", "runtime": "90", **more}}


def only(found: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(found) == 1, found
    return found[0]


def test_the_import_says_what_became_of_it(catalog: SmallCatalog) -> None:
    films, items = catalog.reports["wikidata"], catalog.reports["movielens"]
    assert (films["sent"], films["accepted"], films["rejected"], films["deadLettered"]) == (400, 400, 0, 0)
    assert films["titlesCreated"] == 400
    assert (items["accepted"], items["titlesCreated"] + items["itemsLinked"]) == (100, 100)
    assert items["itemsLinked"] >= len(catalog.pairs) * 0.95


def test_two_providers_items_are_one_title(running: Running, catalog: SmallCatalog) -> None:
    joined = 0
    for film, item in catalog.pairs:
        title = only(running.by_imdb(film["imdbID"]))
        sources = {(one["provider"], one["nativeId"]) for one in title["sources"]}
        assert ("wikidata", str(film["ID"])) in sources
        joined += ("movielens", str(item["item_id"])) in sources
    assert joined >= len(catalog.pairs) * 0.95


def test_a_webhook_becomes_a_title_that_is_found_and_can_be_watched(running: Running) -> None:
    answer = running.upsert("netflix", on_netflix("s-pilot", "The Lanternfish Pilot"))
    accepted = answer.json()
    assert accepted["count"] == 1
    assert re.fullmatch(r"catalog-deliveries:\d+:\d+", answer.headers["mg-position"])
    assert accepted["positions"] == [answer.headers["mg-position"]]
    running.settle()
    hit = only(running.named("The Lanternfish Pilot"))
    assert (hit["match"], hit["year"], hit["providers"]) == ("exact", 2019, ["netflix"])
    title = running.title(hit["titleId"]).json()
    assert (title["name"], title["runtimeMinutes"], title["countries"]) == ("The Lanternfish Pilot", 97, ["NO"])
    assert {"name": "Ida Lorentz", "role": "director", "character": None} in title["people"]
    offers = running.discovery.get(f"/v1/titles/{hit['titleId']}/availability", params={"region": "US"}).json()
    assert [(one["provider"], one["type"], one["region"]) for one in offers["offers"]] == [
        ("netflix", "subscription", "US")
    ]
    elsewhere = running.discovery.get(f"/v1/titles/{hit['titleId']}/availability", params={"region": "NO"}).json()
    assert elsewhere["offers"] == []
    assert running.named("The Lanternfish Pilot", provider="netflix", yearFrom=2019, yearTo=2019, kind="movie")
    assert not running.named("The Lanternfish Pilot", provider="disney_plus")


def test_offers_that_begin_and_end_are_told_since_a_cursor(running: Running) -> None:
    def told(cursor: str) -> dict[str, Any]:
        found: dict[str, Any] = running.discovery.get("/v1/availability/changes", params={"since": cursor}).json()
        return found

    start = told("latest")["cursor"]
    running.upsert("netflix", on_netflix("s-feed", "The Salt Cartographer"))
    running.settle()
    page = told(start)
    began = only(page["changes"])
    assert (began["change"], began["titleName"], began["provider"], began["region"]) == (
        "started",
        "The Salt Cartographer",
        "netflix",
        "US",
    )
    assert "link" in began["after"]
    assert "before" not in began
    running.withdraw("netflix", "s-feed")
    running.settle()
    page = told(page["cursor"])
    assert [(one["change"], one["titleId"]) for one in page["changes"]] == [("ended", began["titleId"])]
    assert told(page["cursor"])["changes"] == []


def test_an_update_keeps_the_id_and_counts_the_version(running: Running) -> None:
    running.upsert("netflix", on_netflix("s-update", "Before The Quarry"))
    running.settle()
    before = running.title(only(running.named("Before The Quarry"))["titleId"]).json()
    running.upsert("netflix", on_netflix("s-update", "After The Quarry", description="Another text altogether."))
    running.settle()
    after = running.title(before["titleId"]).json()
    assert (after["name"], after["version"] > before["version"]) == ("After The Quarry", True)
    assert only(running.named("After The Quarry"))["titleId"] == before["titleId"]
    assert not running.named("Before The Quarry")


def test_withdrawn_is_gone_and_upserted_again_is_back(running: Running) -> None:
    running.upsert("netflix", on_netflix("s-gone", "The Vanishing Ferry Line"))
    running.settle()
    title_id = only(running.named("The Vanishing Ferry Line"))["titleId"]
    running.withdraw("netflix", "s-gone")
    running.settle()
    problem(running.title(title_id), 410, "gone")
    problem(running.discovery.get(f"/v1/titles/{title_id}/availability"), 410, "gone")
    problem(running.discovery.get(f"/v1/titles/{title_id}/similar"), 410, "gone")
    assert not running.named("The Vanishing Ferry Line")
    running.upsert("netflix", on_netflix("s-gone", "The Vanishing Ferry Line"))
    running.settle()
    assert only(running.named("The Vanishing Ferry Line"))["titleId"] == title_id
    assert running.title(title_id).status_code == 200


def test_a_merged_title_leads_to_its_successor(running: Running) -> None:
    """Two works that turn out to be one: the second gets the first one's IMDb id."""
    first = {"ID": 990001, "Title": "Glass Meridian", "Year": 2011, "imdbID": "tt9900001", "Director": "Ida Lorentz"}
    running.upsert("wikidata", {"id": "990001", "item": first})
    running.upsert("justwatch", on_justwatch("tm990001", "An Entirely Different Name"))
    running.settle()
    survivor, other = only(running.by_imdb("tt9900001")), only(running.named("An Entirely Different Name"))
    assert survivor["titleId"] != other["titleId"]
    running.upsert("justwatch", on_justwatch("tm990001", "An Entirely Different Name", imdb_id="tt9900001"))
    running.settle()
    title = only(running.by_imdb("tt9900001"))
    assert {one["provider"] for one in title["sources"]} == {"wikidata", "justwatch"}
    (gone,) = {survivor["titleId"], other["titleId"]} - {title["titleId"]}
    for path in ("", "/availability", "/similar"):
        moved = running.discovery.get(f"/v1/titles/{gone}{path}")
        assert (moved.status_code, moved.headers["location"]) == (301, f"/v1/titles/{title['titleId']}{path}")
    followed = running.discovery.get(f"/v1/titles/{gone}/availability?region=US", follow_redirects=True)
    assert (followed.status_code, followed.json()["titleId"]) == (200, title["titleId"])
    assert followed.json()["region"] == "US"
    batch = running.discovery.post("/v1/titles:batchGet", json={"titleIds": [gone, title["titleId"], "nobody", gone]})
    assert batch.json()["redirects"] == {gone: title["titleId"]}
    assert batch.json()["missing"] == ["nobody"]
    assert [one["titleId"] for one in batch.json()["items"]] == [title["titleId"]]


def test_an_etag_saves_the_body_until_the_title_changes(running: Running) -> None:
    running.upsert("netflix", on_netflix("s-etag", "Etag Lighthouse Story"))
    running.settle()
    first = running.title(only(running.named("Etag Lighthouse Story"))["titleId"])
    title_id, etag = first.json()["titleId"], first.headers["etag"]
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = running.title(title_id, **{"if-none-match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert running.title(title_id, **{"if-none-match": '"other"'}).status_code == 200
    running.upsert("netflix", on_netflix("s-etag", "Etag Lighthouse Story", duration="101 min"))
    running.settle()
    changed = running.title(title_id, **{"if-none-match": etag})
    assert (changed.status_code, changed.json()["runtimeMinutes"]) == (200, 101)
    assert changed.headers["etag"] != etag


def test_similar_titles_are_other_titles_in_order(running: Running, catalog: SmallCatalog) -> None:
    title = only(running.by_imdb(catalog.pairs[0][0]["imdbID"]))
    found = running.discovery.get(f"/v1/titles/{title['titleId']}/similar", params={"limit": 5}).json()
    assert found["embedded"] is True
    assert len(found["items"]) == 5
    assert title["titleId"] not in {one["titleId"] for one in found["items"]}
    scores = [one["similarity"] for one in found["items"]]
    assert scores == sorted(scores, reverse=True)


def test_pages_cover_everything_once_and_their_counts_stay(running: Running, catalog: SmallCatalog) -> None:
    seen: list[str] = []
    cursor, heads = None, []
    while True:
        parameters: dict[str, Any] = {"limit": 100, "kind": "movie", "yearTo": 2000} | (
            {"cursor": cursor} if cursor else {}
        )
        page = running.discovery.get("/v1/search", params=parameters).json()
        seen += [one["titleId"] for one in page["items"]]
        heads.append((page["total"], json.dumps(page["facets"], sort_keys=True)))
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert len(heads) > 1
    assert len(set(heads)) == 1
    assert len(seen) == len(set(seen)) == heads[0][0]


def test_reading_ones_own_write(running: Running) -> None:
    """A position of the titles topic, as an analyst sees it with `mg tap`, is one that queries can wait for."""
    since = datetime.now(UTC).isoformat()
    posted = running.upsert("netflix", on_netflix("s-after", "Read Your Writes At Sea"))
    after_delivery = posted.headers["mg-position"]
    tapped: list[dict[str, Any]] = []

    def is_tapped() -> bool:
        done = running.mg("tap", "titles", "--from", since, "--json")
        assert done.code == 0, done.err
        records = [json.loads(line) for line in done.out.splitlines()]
        tapped[:] = [one for one in records if one["event"].get("name") == "Read Your Writes At Sea"]
        return bool(tapped)

    eventually(is_tapped, "the title in the log")
    position, title_id = tapped[0]["position"], tapped[0]["key"]

    def is_read() -> bool:
        """A wait that took too long on a busy machine says so and may be repeated."""
        answer = running.title(title_id, **{"mg-after": position})
        if answer.status_code == 503:
            assert problem(answer, 503, "read-model-behind")["detail"].endswith(position)
            assert answer.headers["retry-after"] == "1"
            return False
        assert answer.json()["name"] == "Read Your Writes At Sea"
        return answer.status_code == 200

    eventually(is_read, "the title after its position")
    problem(running.title(title_id, **{"mg-after": after_delivery}), 400, "invalid-position")
    topic, partition, _ = position.split(":")
    problem(running.title(title_id, **{"mg-after": f"{topic}:{partition}:999999999"}), 503, "read-model-behind")


def test_the_operators_page_shows_what_became_of_each_item(running: Running) -> None:
    nameless = on_netflix("s-nameless", "  ")
    sent = running.upsert("netflix", on_netflix("s-mixed", "A Mixed Delivery"), nameless)
    running.settle("normalization", "provider_deliveries")
    path, token = "/v1/providers/netflix/deliveries", running.settings.operator_token.reveal()
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {token}"}):
        refused = running.ingestion.get(path, headers=headers)
        problem(refused, 401, "unauthenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    operator = {"authorization": f"Bearer {token}", "mg-after": sent.headers["mg-position"]}
    page = running.ingestion.get(path, headers=operator)
    assert page.status_code == 200, page.text
    found = next(one for one in page.json()["deliveries"] if one["deliveryId"] == sent.json()["deliveryId"])
    assert (found["items"], found["normalized"], found["deadLettered"]) == (2, 1, 1)
    refused_item = only(found["refused"])
    assert (refused_item["id"], refused_item["ordinal"], refused_item["reason"]) == ("s-nameless", 1, "missing_name")
    pages = []
    cursor = None
    for _ in range(3):
        page = running.ingestion.get(
            path, headers=operator, params={"limit": 1} | ({"cursor": cursor} if cursor else {})
        )
        pages.append(only(page.json()["deliveries"])["deliveryId"])
        cursor = page.json()["nextCursor"]
    assert len(set(pages)) == 3
    problem(running.ingestion.get("/v1/providers/nobody/deliveries", headers=operator), 404, "not-found")


def test_an_upsert_that_changes_nothing_goes_no_further(running: Running, catalog: SmallCatalog) -> None:
    running.settle()
    film = catalog.films[0]
    native_id = str(film["ID"])
    with unchanged(running, "titles", "title-embeddings"):
        before = running.ends("provider-items")
        running.upsert("wikidata", {"id": native_id, "item": film})
        reordered = dict(reversed(film.items()))
        running.upsert("wikidata", {"id": native_id, "item": reordered})
        running.settle()
        assert sum(running.ends("provider-items").values()) == sum(before.values()) + 2


@pytest.mark.parametrize("header", ["titles", "titles:0", "titles:x:1", "titles:0:-1", ",".join(["titles:0:1"] * 17)])
def test_a_position_that_is_none_is_refused(running: Running, catalog: SmallCatalog, header: str) -> None:
    title = only(running.by_imdb(catalog.pairs[0][0]["imdbID"]))
    problem(running.title(title["titleId"], **{"mg-after": header}), 400, "invalid-position")
