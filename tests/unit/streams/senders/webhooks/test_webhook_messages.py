"""What is sent, when it is sent again, and to whom."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from runtime.settings import Secret
from schemas.envelope import Position
from streams.materializers.availability_changes.transform import transform
from streams.senders.webhooks.message import TYPES, body_of, headers_of
from streams.senders.webhooks.schedule import JITTER, MOST_ATTEMPTS, wait_after
from streams.senders.webhooks.subscribers import (
    Entry,
    KnownSubscribers,
    SubscribersError,
    read_entries,
    subscribers_of,
)
from tests.support.offers import offer_changed, offer_expiring

NEW, OLD = (f"whsec_{base64.b64encode(letter * 32).decode()}" for letter in (b"n", b"o"))


def document(event: object) -> str:
    (row,) = transform(event, Position("availability-changes", 0, 0))  # type: ignore[arg-type]  # an event of ours
    return row.document


def test_a_message_is_a_standard_webhook_that_each_secret_verifies() -> None:
    event = offer_expiring()
    body = body_of(document(event))
    headers = dict(headers_of("msg_1", body, (Secret(NEW), Secret(OLD)), datetime.now(UTC)))
    for secret in (NEW, OLD):
        payload = Webhook(secret).verify(body, headers)
        assert (payload["type"], payload["timestamp"]) == ("availability.expiring", "2026-03-01T12:00:00Z")
        assert (payload["data"]["titleName"], payload["data"]["days"]) == ("Title t", 3)
    stranger = "whsec_" + base64.b64encode(b"x" * 32).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(stranger).verify(body, headers)


def test_every_change_has_a_type() -> None:
    for change in TYPES:
        if change != "expiring":
            body = json.loads(body_of(document(offer_changed(change=change))))
            assert body["type"] == f"availability.{change}"


def test_a_message_is_sent_ten_times_in_a_little_more_than_75_hours() -> None:
    for draw, least in ((lambda: 0.0, 75.0), (lambda: 0.999, 75 * (1 + JITTER) - 1)):
        waits = [wait_after(attempts, draw) for attempts in range(1, MOST_ATTEMPTS)]
        total = sum((wait for wait in waits if wait is not None), timedelta())
        assert None not in waits
        assert least <= total.total_seconds() / 3600 <= least + 2
    assert MOST_ATTEMPTS == 10
    assert wait_after(MOST_ATTEMPTS) is None


def test_what_failed_together_is_not_sent_again_together() -> None:
    assert len({wait_after(3) for _ in range(50)}) > 40


def entries(path: Path, **given: object) -> Path:
    path.write_text(json.dumps({"acme": {"url": "https://acme.example/hook", "secrets": [NEW], **given}}))
    return path


def test_a_file_of_subscribers(tmp_path: Path) -> None:
    path = entries(tmp_path / "s.json", changes=["expiring"], regions=["DE"])
    acme = subscribers_of(read_entries(path))["acme"]
    assert (acme.url, acme.changes, acme.regions, acme.private) == (
        "https://acme.example/hook",
        ("expiring",),
        ("DE",),
        False,
    )
    assert NEW not in repr(acme)
    assert read_entries(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "http://acme.example/hook"}, "url must be https"),
        ({"url": "ftp://acme.example/hook", "private": True}, "url must be http or https"),
        ({"url": "https://user:pass@acme.example/"}, "without user"),
        ({"url": "https://"}, "url must be https"),
        ({"url": "https://acme.example:99999/"}, "url must be https"),
        ({"secrets": []}, "Expected `array` of length >= 1"),
        ({"secrets": ["hunter2"]}, "a secret must be whsec_"),
        ({"secrets": ["whsec_" + base64.b64encode(b"short").decode()]}, "24 to 64 bytes"),
        ({"changes": ["vanished"]}, "Invalid enum value"),
        ({"colour": "red"}, "unknown field"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_quotes_no_secret(
    tmp_path: Path, given: dict[str, object], says: str
) -> None:
    path = entries(tmp_path / "s.json", **given)
    with pytest.raises(SubscribersError, match=says) as refused:
        subscribers_of(read_entries(path))
    assert "hunter2" not in str(refused.value)
    assert "pass@" not in str(refused.value)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(SubscribersError, match="a name is"):
        subscribers_of({"Bad Name": Entry("https://acme.example/", (NEW,))})


def test_a_file_that_breaks_changes_nothing_until_it_is_repaired(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    known = KnownSubscribers(path)
    assert known.look() == {}
    entries(path)
    assert list(known.look()) == ["acme"]
    path.write_text("{")
    assert list(known.look()) == ["acme"]
    assert "s.json" in known.trouble
    path.write_text("{}")
    assert known.look() == {}
    assert known.trouble == ""
