"""`mg webhooks`: what operators see and order."""

import asyncio
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result
from standardwebhooks import Webhook

from bootstrap.commands.webhooks import webhooks
from runtime import settings as settings_module
from runtime.settings import Settings
from streams.senders.webhooks.store import Attempt, Deliveries
from streams.senders.webhooks.subscribers import KnownSubscribers, SubscribersError
from tests.support.migrated import migrated, settings
from tests.support.receiver import receiving

__all__ = ["migrated", "settings"]
Mg = Callable[..., Result]


@pytest.fixture
def own(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    ready = msgspec.structs.replace(settings, subscribers_file=tmp_path / "subscribers.json")
    monkeypatch.setattr(settings_module, "load", lambda: ready)
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute("DELETE FROM webhook_subscribers")
    return ready


@pytest.fixture
def mg(own: Settings) -> Mg:
    def run(*words: str, fails: bool = False) -> Result:
        found = CliRunner().invoke(webhooks, words)
        assert (found.exit_code != 0) == fails, found.output
        return found

    return run


def with_a_delivery(settings: Settings, state: str) -> str:
    """What the sender would have left of one message."""
    deliveries = Deliveries(settings.postgres_dsn)
    deliveries.fan_out(KnownSubscribers(settings.subscribers_file).look()["acme"])
    deliveries.close()
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute(
            "INSERT INTO webhook_deliveries (subscriber, event_id, change, document, state) VALUES"
            " ('acme', 'e-1', 'started', '{}', %s)",
            (state,),
        )
    return "e-1"


def test_adding_makes_a_private_file_and_shows_the_secret_once(mg: Mg, own: Settings) -> None:
    secret = mg("add", "acme", "https://127.0.0.1:9/hook", "--private", "--region", "DE").stdout.strip()
    Webhook(secret)
    path = own.subscribers_file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {
        "acme": {"url": "https://127.0.0.1:9/hook", "secrets": [secret], "regions": ["DE"], "private": True}
    }
    assert secret not in mg("list").output
    assert "there is a subscriber acme" in mg("add", "acme", "https://127.0.0.1/", "--private", fails=True).output


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://127.0.0.1/", "127.0.0.1 is 127.0.0.1, which is not a public address; --private allows it"),
        ("https://nobody.invalid/", "the name nobody.invalid is not known"),
    ],
)
def test_an_address_that_cannot_be_told_is_refused_and_nothing_is_written(
    mg: Mg, own: Settings, url: str, says: str
) -> None:
    assert says in mg("add", "acme", url, fails=True).output
    assert not (own.subscribers_file).exists()


def test_an_address_that_is_none(mg: Mg) -> None:
    assert isinstance(mg("add", "acme", "acme.example", fails=True).exception, SubscribersError)


def test_secrets_rotate(mg: Mg, own: Settings) -> None:
    old = mg("add", "acme", "https://127.0.0.1/", "--private").stdout.strip()
    new = mg("rotate", "acme").stdout.strip()
    known = KnownSubscribers(own.subscribers_file)
    assert [secret.reveal() for secret in known.look()["acme"].secrets] == [new, old]
    mg("rotate", "acme", "--finish")
    assert [secret.reveal() for secret in known.look()["acme"].secrets] == [new]


def test_the_log_and_sending_again(mg: Mg, own: Settings) -> None:
    mg("add", "acme", "https://127.0.0.1/", "--private")
    assert mg("log", "acme").output == "nothing yet\n"
    event_id = with_a_delivery(own, "waiting")
    deliveries = Deliveries(own.postgres_dsn)
    (due,) = deliveries.due("acme", 9, datetime(2100, 1, 1, tzinfo=UTC), ())
    deliveries.record(due, Attempt(due.created_at, 500, "HTTP 500", 12), "failed", None)
    deliveries.close()
    (line,) = map(json.loads, mg("log", "acme", "--json").output.splitlines())
    assert (line["eventId"], line["state"], line["status"], line["trouble"]) == (event_id, "failed", 500, "HTTP 500")
    (attempt,) = map(json.loads, mg("log", "acme", event_id, "--json").output.splitlines())
    assert (attempt["attempt"], attempt["milliseconds"]) == (1, 12)
    assert "no message other" in mg("log", "acme", "other", fails=True).output
    (row,) = map(json.loads, mg("list", "--json").output.splitlines())
    assert (row["state"], row["waiting"], row["failed"]) == ("active", 0, 1)
    assert "1 messages" in mg("replay", "acme", "--failed").output
    (row,) = map(json.loads, mg("list", "--json").output.splitlines())
    assert (row["waiting"], row["failed"]) == (1, 0)
    assert "no such messages" in mg("replay", "acme", "--since", "2100-01-01", fails=True).output
    assert "give EVENT_ID" in mg("replay", "acme", fails=True).output
    assert "no ISO 8601 time" in mg("replay", "acme", "--since", "yesterday", fails=True).output


def test_disabled_enabled_removed(mg: Mg, own: Settings) -> None:
    mg("add", "acme", "https://127.0.0.1/", "--private")
    assert "never sent to" in mg("enable", "acme", fails=True).output
    with_a_delivery(own, "waiting")
    mg("disable", "acme")
    assert "disabled" in mg("list").output
    assert "is disabled" in mg("disable", "acme", fails=True).output
    assert "1 messages waited" in mg("enable", "acme").output
    mg("remove", "acme")
    assert mg("list").output.startswith("no subscribers")
    assert "no subscriber acme" in mg("remove", "acme", fails=True).output


def test_a_test_message(mg: Mg, own: Settings) -> None:
    async def scenario() -> None:
        async with receiving() as receiver:
            secret = (await asyncio.to_thread(mg, "add", "acme", receiver.url, "--private")).stdout.strip()
            assert "delivered in" in (await asyncio.to_thread(mg, "test", "acme")).output
            headers, body = receiver.got[0]
            assert Webhook(secret).verify(body, headers)["type"] == "webhooks.test"
            receiver.answer = lambda _id, _times: "503 Service Unavailable"
            refused = await asyncio.to_thread(lambda: mg("test", "acme", fails=True))
            assert "refused in" in refused.output
            assert "HTTP 503" in refused.output

    asyncio.run(scenario())
