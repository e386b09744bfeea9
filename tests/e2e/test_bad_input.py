"""What should never be sent, sent: the documented refusal, nothing half done, and the pipeline goes on.

Every refusal is checked against the log: not one event is appended by it.
"""

import gzip
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtime.connections.kafka import EventProducer, Message
from tests.support.running import Running, SmallCatalog, delivery, eventually, film, problem, sign, unchanged

PROVIDER = "disney_plus"
MEBIBYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def _unharmed(running: Running, catalog: SmallCatalog, request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test the system is ready and takes a delivery."""
    yield
    for client in (running.ingestion, running.discovery):
        eventually(lambda: client.get("/health/ready").status_code == 200, "readiness")  # noqa: B023 - called at once
    running.upsert(PROVIDER, film("canary", f"Canary {request.node.name}"[:100]))


@pytest.fixture(scope="module", autouse=True)
def _still_flowing(running: Running) -> Iterator[None]:
    """After all of them the last delivery arrives, and no unit had to be started again."""
    restarts = running.system.processes()
    yield
    running.upsert(PROVIDER, film("after-all", "The Pipeline Survives Bad Input"))
    running.settle()
    assert len(running.named("The Pipeline Survives Bad Input")) == 1
    assert {name: one.pid for name, one in running.system.processes().items()} == {
        name: one.pid for name, one in restarts.items()
    }


def reasons(running: Running, consumer: str) -> dict[str, str]:
    """Reason of each dead letter by the position it came from."""
    lines = running.mg("dlq", "list", consumer, "--json").out.splitlines()
    return {letter["position"]: letter["reason"] for letter in map(json.loads, lines)}


class TestSignatures:
    def refused(self, running: Running, headers: dict[str, str], body: bytes = b"", said: str = "") -> None:
        body = body or delivery(film("sig", "Never Let In"))
        with unchanged(running, "catalog-deliveries"):
            answer = running.post(PROVIDER, body, headers)
            assert said in problem(answer, 401, "invalid-signature")["detail"]

    def test_none_wrong_and_anothers(self, running: Running) -> None:
        body = delivery(film("sig", "Never Let In"))
        good = running.headers(PROVIDER, body)
        self.refused(running, {"content-type": "application/json"}, said="missing")
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            self.refused(running, {key: value for key, value in good.items() if key != name}, body, name)
        for wrong in ("v1,AAAA", "v2," + good["webhook-signature"][3:], "v1", "", "v1," + "A" * 44):
            self.refused(running, good | {"webhook-signature": wrong}, body)
        sent: dict[str, Any] = good | {"webhook-signature": b"v1,\xff\x80"}
        self.refused(running, sent, body)
        self.refused(running, running.headers(PROVIDER, body, secret=running.secrets["movielens"][0]), body)
        self.refused(running, good, body + b" ")
        self.refused(running, good | {"webhook-id": "another"}, body)

    def test_expired_and_from_the_future(self, running: Running) -> None:
        body = delivery(film("sig", "Never Let In"))
        for minutes in (-6, 6):
            at = datetime.now(UTC) + timedelta(minutes=minutes)
            self.refused(running, running.headers(PROVIDER, body, at=at), body, "five minutes")
        for timestamp in ("nan", "-1", "1e9", "9" * 30, "٣"):
            sent = {**running.headers(PROVIDER, body), "webhook-timestamp": timestamp}
            encoded = {name: value.encode() for name, value in sent.items()}
            with unchanged(running, "catalog-deliveries"):
                problem(running.post(PROVIDER, body, encoded), 401, "invalid-signature")  # type: ignore[arg-type] # bytes

    def test_a_replay_gets_the_first_answer_and_appends_nothing(self, running: Running) -> None:
        body = delivery(film("replay", "Replayed Once"))
        headers = running.headers(PROVIDER, body)
        first = running.post(PROVIDER, body, headers)
        assert first.status_code == 202
        with unchanged(running, "catalog-deliveries"):
            again = running.post(PROVIDER, body, headers)
        assert (again.status_code, again.content) == (202, first.content)
        assert again.headers["mg-position"] == first.headers["mg-position"]

    def test_the_same_id_with_another_body_is_a_conflict(self, running: Running) -> None:
        webhook_id = f"twice_{time.time_ns()}"
        body, other = delivery(film("twice", "The First Body")), delivery(film("twice", "The Second Body"))
        assert running.post(PROVIDER, body, webhook_id=webhook_id).status_code == 202
        with unchanged(running, "catalog-deliveries"):
            problem(running.post(PROVIDER, other, webhook_id=webhook_id), 409, "delivery-conflict")
        running.settle("title_search")
        assert len(running.named("The First Body")) == 1
        assert running.named("The Second Body") == []
        # Another provider's ids are its own.
        assert running.post("netflix", other, webhook_id=webhook_id).status_code == 202

    def test_secrets_rotate(self, running: Running) -> None:
        new, old = running.secrets["netflix"]
        body = delivery(film("rotated", "Signed With Either Secret"))
        webhook_id, at = f"rotate_{time.time_ns()}", datetime.now(UTC)
        headers = running.headers("netflix", body, webhook_id=webhook_id, at=at, secret=old)
        assert running.post("netflix", body, headers).status_code == 202
        assert running.post("netflix", body, secret=new).status_code == 202
        both = f"v1,{'A' * 43}= {sign(old, webhook_id, at, body)}"
        assert running.post("netflix", body, headers | {"webhook-signature": both}).status_code == 202
        problem(running.post("netflix", body, secret=running.secrets[PROVIDER][0]), 401, "invalid-signature")

    def test_an_unknown_provider_is_not_found(self, running: Running) -> None:
        body = delivery(film("x", "Nobody"))
        headers = running.headers(PROVIDER, body)
        problem(running.post("nobody", body, headers), 404, "not-found")
        for name in ("a%00b", "UPPER", "x" * 100):
            assert running.post(name, body, headers).status_code in (400, 404)

    def test_a_secret_is_nowhere_in_the_logs(self, running: Running) -> None:
        written = b"".join(path.read_bytes() for path in (running.system.home / "logs").iterdir())
        known = [secret for secrets in running.secrets.values() for secret in secrets]
        known.append(running.settings.operator_token.reveal())
        for secret in known:
            assert secret.removeprefix("whsec_").encode() not in written


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status", "slug", "said"),
        [
            (b"", 400, "invalid-request", ""),
            (b"{", 400, "invalid-request", ""),
            (b"\xff\xfe", 400, "invalid-request", "UTF-8"),
            (delivery(film("u", "x")).replace(b"Drama", b"Dr\xe9ma"), 400, "invalid-request", "UTF-8"),
            (b"[" * 100_000, 422, "invalid-delivery", "envelope"),
            (b'{"type":"catalog.item.upserted","data":' + b"[" * 100_000, 400, "invalid-request", ""),
            (b'{"type":"catalog.item.upserted","data":' + b'{"a":' * 100_000, 400, "invalid-request", ""),
            (b"null", 422, "invalid-delivery", "envelope"),
            (b"{}", 422, "invalid-delivery", "envelope"),
            (b'{"type":"catalog.item.exploded","data":{}}', 422, "invalid-delivery", "type"),
            (b'{"type":"catalog.items.upserted","data":{"items":[]}}', 422, "invalid-delivery", "number"),
            (b'{"type":"catalog.items.upserted","data":[]}', 422, "invalid-delivery", "data"),
            (b'{"type":"catalog.item.upserted","data":{"item":{}}}', 422, "invalid-delivery", "item"),
            (b'{"type":"catalog.item.upserted","data":{"id":"","item":{}}}', 422, "invalid-delivery", "item"),
            (b'{"type":"catalog.item.upserted","data":{"id":7,"item":{}}}', 422, "invalid-delivery", "item"),
            (b'{"type":"catalog.item.upserted","data":{"id":"x","item":[]}}', 422, "invalid-delivery", "item"),
            (b'{"type":"catalog.item.upserted","data":{"id":"x","item":{"a":1e999}}}', 422, "invalid-delivery", "item"),
            (b'{"type":"catalog.item.withdrawn","data":{}}', 422, "invalid-delivery", "item"),
        ],
    )
    def test_unusable(self, running: Running, body: bytes, status: int, slug: str, said: str) -> None:
        with unchanged(running, "catalog-deliveries"):
            assert said in problem(running.post(PROVIDER, body), status, slug)["detail"]

    @pytest.mark.parametrize(
        ("item", "pointer"),
        [
            ({"id": "nul\u0000", "item": {}}, "#/data/items/1/id"),
            ({"id": " spaces ", "item": {}}, "#/data/items/1/id"),
            ({"id": "x" * 201, "item": {}}, "#/data/items/1/id"),
            ({"id": "x", "item": {"title": "a\u0000b"}}, "#/data/items/1/item"),
            ({"id": "x", "item": {"title": "t" * MEBIBYTE}}, "#/data/items/1/item"),
            ({"id": "x", "item": json.loads("[" * 70 + "]" * 70)}, "#/data/items/1/item"),
            ({"id": "x", "item": {"deep": json.loads("[" * 70 + "]" * 70)}}, "#/data/items/1/item"),
            ({"id": "good", "item": {}}, "#/data/items/1/id"),
            ({"id": "x", "item": {}, "updatedAt": "yesterday"}, "#/data/items/1/updatedAt"),
            ({"id": "x", "item": {}, "updatedAt": "2001-01-01T00:00:00"}, "#/data/items/1/updatedAt"),
            ({"id": "x", "item": {}, "updatedAt": "9999-12-31T23:59:59Z"}, "#/data/items/1/updatedAt"),
            ({"id": "x", "item": {}, "updatedAt": "0001-01-01T00:00:00+23:59"}, "#/data/items/1/updatedAt"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_one_bad_item_refuses_the_delivery_and_is_pointed_at(
        self, running: Running, item: dict[str, Any], pointer: str
    ) -> None:
        body = delivery(film("good", "Beside A Bad One"), item, film("other", "Beside A Bad One Too"))
        with unchanged(running, "catalog-deliveries"):
            found = problem(running.post(PROVIDER, body), 422, "invalid-delivery")
        assert [error["pointer"] for error in found["errors"]] == [pointer]

    def test_every_bad_item_is_pointed_at_and_the_list_is_bounded(self, running: Running) -> None:
        items = [{"id": f"bad{number}", "item": []} for number in range(300)]
        found = problem(running.post(PROVIDER, delivery(*items)), 422, "invalid-delivery")
        assert len(found["errors"]) == 100
        assert "300 of 300" in found["detail"]

    def test_too_many_items(self, running: Running) -> None:
        items = [{"id": f"many{number}", "item": {}} for number in range(1001)]
        with unchanged(running, "catalog-deliveries"):
            found = problem(running.post(PROVIDER, delivery(*items)), 422, "invalid-delivery")
        assert "1001" in found["errors"][0]["detail"]

    def test_six_megabytes(self, running: Running) -> None:
        body = delivery(film("big", "t" * 6 * MEBIBYTE))
        with unchanged(running, "catalog-deliveries"):
            problem(running.post(PROVIDER, body), 413, "too-large")

            def chunks() -> Iterator[bytes]:
                for at in range(0, len(body), 65536):
                    yield body[at : at + 65536]

            streamed = running.ingestion.post(
                f"/v1/webhooks/{PROVIDER}", content=chunks(), headers=running.headers(PROVIDER, body)
            )
            problem(streamed, 413, "too-large")

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
    def test_compressed_bodies_are_refused_unread(self, running: Running, encoding: str) -> None:
        bomb = gzip.compress(b"0" * 50 * MEBIBYTE)
        with unchanged(running, "catalog-deliveries"):
            answer = running.post(PROVIDER, bomb, running.headers(PROVIDER, bomb) | {"content-encoding": encoding})
        problem(answer, 415, "unsupported-media-type")
        assert answer.headers["accept-encoding"] == "identity"

    @pytest.mark.parametrize(
        "media_type",
        ["text/plain", "application/xml", "application/json; charset=utf-16", "", "application/x-www-form"],
    )
    def test_other_media_types(self, running: Running, media_type: str) -> None:
        body = delivery(film("type", "Of Another Type"))
        headers = running.headers(PROVIDER, body) | {"content-type": media_type}
        with unchanged(running, "catalog-deliveries"):
            problem(running.post(PROVIDER, body, headers), 415, "unsupported-media-type")

    def test_more_than_the_allowance(self, running: Running) -> None:
        """hulu may post three at once, then one every two seconds."""
        answers = [running.post("hulu", delivery(film("rate", "Posted Too Often"))) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {202, 429}
        refused = next(answer for answer in answers if answer.status_code == 429)
        problem(refused, 429, "rate-limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 2
        assert refused.headers["ratelimit-policy"] == '"deliveries";q=3;w=6'
        assert refused.headers["ratelimit"].startswith('"deliveries";r=0;t=')


class TestStrangeItems:
    def test_years_that_are_none_are_dropped_and_the_title_stays(self, running: Running) -> None:
        years = ("0", "9999", "-5", "nineteen", "1e3")
        running.upsert(
            PROVIDER, *(film(f"y{year}", f"Strange Year Number {year}", release_year=year) for year in years)
        )
        running.settle()
        for year in years:
            (hit,) = running.named(f"Strange Year Number {year}")
            assert running.title(hit["titleId"]).json()["year"] is None

    @pytest.mark.parametrize(
        ("item", "reason"),
        [
            (film("odd-kind", "x", type="Hologram"), "unknown_kind"),
            (film("odd-name", "n" * 501), "name_too_long"),
            (film("odd-none", "\u200b\u200b"), "missing_name"),
            ({"id": "odd-shape", "item": film("odd-shape", "x")["item"] | {"title": ["a", "list"]}}, "bad_shape"),
            ({"id": "odd-id", "item": film("another-id", "x")["item"]}, "id_mismatch"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_an_item_nobody_can_use_becomes_a_dead_letter(
        self, running: Running, item: dict[str, Any], reason: str
    ) -> None:
        sent = running.upsert(PROVIDER, item)
        running.settle("normalization")
        assert reasons(running, "normalization")[sent.headers["mg-position"]] == reason

    def test_a_provider_without_an_adapter_sends_our_own_shape(self, running: Running) -> None:
        sent = running.upsert("newcomer", film("new", "Nobody Reads This"))
        running.settle("normalization")
        assert reasons(running, "normalization")[sent.headers["mg-position"]] == "bad_shape"
        running.upsert("newcomer", {"id": "own", "item": {"kind": "movie", "name": "A Newcomer In Our Own Shape"}})
        running.settle()
        assert [hit["kind"] for hit in running.named("A Newcomer In Our Own Shape")] == ["movie"]

    def test_an_item_that_changes_kind(self, running: Running) -> None:
        running.upsert(PROVIDER, film("kind", "A Thing Of Two Kinds"))
        running.settle()
        (before,) = running.named("A Thing Of Two Kinds")
        running.upsert(PROVIDER, film("kind", "A Thing Of Two Kinds", type="TV Show"))
        running.settle()
        (after,) = running.named("A Thing Of Two Kinds")
        assert (before["kind"], after["kind"]) == ("movie", "series")
        assert after["titleId"] == before["titleId"]
        assert running.named("A Thing Of Two Kinds", kind="movie") == []

    def test_any_script_comes_back_as_it_was(self, running: Running) -> None:
        names = [
            "مدينة الملح",
            "עיר המלח",
            "塩の都",
            "🎬🍿 Emoji Night",
            "Ça, c’était l’été — œuvre",
            "Ωμέγα'); DROP TABLE x",
        ]
        running.upsert(PROVIDER, *(film(f"script{at}", name) for at, name in enumerate(names)))
        running.settle()
        for name in names:
            (hit,) = running.named(name)
            assert running.title(hit["titleId"]).json()["name"] == name

    def test_a_clock_that_runs_backwards_changes_nothing(self, running: Running) -> None:
        now = datetime.now(UTC)
        running.upsert(PROVIDER, {**film("clock", "Told At Noon"), "updatedAt": now.isoformat()})
        running.settle()
        (hit,) = running.named("Told At Noon")
        version = running.title(hit["titleId"]).json()["version"]
        with unchanged(running, "titles"):
            earlier = (now - timedelta(hours=1)).isoformat()
            running.upsert(PROVIDER, {**film("clock", "Told In The Morning"), "updatedAt": earlier})
            running.withdraw(PROVIDER, "clock", withdrawnAt=earlier)
            running.settle()
        found = running.title(hit["titleId"]).json()
        assert (found["name"], found["version"]) == ("Told At Noon", version)

    def test_a_withdrawal_of_what_never_was(self, running: Running) -> None:
        running.settle()  # the canaries
        with unchanged(running, "titles"):
            running.withdraw(PROVIDER, "never-was")
            running.settle()


class TestForeignBytes:
    """Whoever can write to a topic can write anything."""

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (b"\x00\x00\x0f\x42\x3f" + b"\x02\x04", "unknown_schema"),
            (b"{}", "too_short"),
            (b'{"json": "instead of Avro"}', "bad_magic"),
            (b"\x00\x00\x00\x00\x01\xff\xff\xff\xff", "bad_body"),
            (b"", "too_short"),
        ],
    )
    def test_on_the_first_topic(self, running: Running, value: bytes, reason: str) -> None:
        position = _append(running, "catalog-deliveries", value)
        running.settle()
        assert reasons(running, "normalization")[position] == reason
        assert reasons(running, "provider_deliveries")[position] == reason

    def test_on_the_titles_topic_every_reader_puts_it_aside(self, running: Running) -> None:
        position = _append(running, "titles", b"\x00\x00\x0f\x42\x3fxx")
        running.settle()
        for consumer in ("embedding", "title_catalog", "availability", "title_search"):
            assert reasons(running, consumer)[position] == "unknown_schema"
        shown = running.mg("tap", "titles", "--from", "earliest", "--key", "foreign", "--json").out
        assert "unknown_schema" in shown
        assert json.loads(running.mg("lag", "--json").out)


def _append(running: Running, topic: str, value: bytes) -> str:
    producer = EventProducer(running.settings.kafka, "e2e")
    try:
        (position,) = producer.send_and_wait([Message(topic, b"foreign", value)])
    finally:
        producer.close()
    return str(position)
