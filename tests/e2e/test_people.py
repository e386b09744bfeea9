"""One person's devices against the running system: what one does, the other sees; what is refused, and how."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import pytest

from devstack.tokens import signer_of
from runtime.settings import load_identity
from sync_laws import clock
from tests.support.running import Running, SmallCatalog, problem

_NUMBERS = count(1)


class Device:
    """A device of a person that nobody else is, with the clock that its hlcs come from."""

    def __init__(self, running: Running, user: str, name: str) -> None:
        token = signer_of(running.system.home, load_identity(running.system.environment)).sign(user, name, region="US")
        headers = {"authorization": f"Bearer {token}"}
        self.user, self.name = user, name
        self.sync = httpx.Client(base_url=running.system.url("sync"), headers=headers, timeout=30.0)
        self.playback = httpx.Client(base_url=running.system.url("playback"), headers=headers, timeout=30.0)
        self.discovery = httpx.Client(base_url=running.system.url("discovery"), headers=headers, timeout=30.0)
        self.position = ""

    def close(self) -> None:
        for client in (self.sync, self.playback, self.discovery):
            client.close()

    def now(self) -> str:
        return str(clock.pack(time.time_ns() // 1_000_000, next(_NUMBERS) % 60_000))

    def event(self, kind: str, title: str, at: int, session: str, /, **more: Any) -> dict[str, Any]:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = {
            "kind": kind,
            "sessionId": session,
            "titleId": title,
            "positionMs": at,
            "durationMs": 6_000_000,
            "hlc": self.now(),
            "occurredAt": moment,
        }
        return event | more

    def play(self, *events: dict[str, Any]) -> httpx.Response:
        return self._noted(self.playback.post(f"/v1/users/{self.user}/playback/events", json={"events": events}))

    def mutate(self, *operations: dict[str, Any]) -> httpx.Response:
        return self._noted(self.sync.post(f"/v1/users/{self.user}/sync/mutations", json={"operations": operations}))

    def operation(self, op: str, **fields: Any) -> dict[str, Any]:
        return {"op": op, "operationId": f"op-{next(_NUMBERS)}", "hlc": self.now(), **fields}

    def see(self, what: str, after: str, **parameters: Any) -> Any:
        """A read of this person's, not before `after` is in it."""
        answer = self.sync.get(f"/v1/users/{self.user}/{what}", params=parameters, headers={"mg-after": after})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _noted(self, answer: httpx.Response) -> httpx.Response:
        self.position = answer.headers.get("mg-position", "")
        return answer


@pytest.fixture
def devices(running: Running) -> Iterator[tuple[Device, Device]]:
    """Two devices of a new person."""
    user = f"person-{next(_NUMBERS)}-{time.time_ns()}"
    tv, phone = Device(running, user, "tv"), Device(running, user, "phone")
    yield tv, phone
    tv.close()
    phone.close()


@pytest.fixture
def film(running: Running, catalog: SmallCatalog) -> dict[str, Any]:
    """A title that the catalog has."""
    found: dict[str, Any] = running.discovery.get("/v1/search", params={"kind": "movie", "limit": 1}).json()["items"][0]
    return found


def test_what_one_device_watches_another_goes_on_with(devices: tuple[Device, Device], film: dict[str, Any]) -> None:
    tv, phone = devices
    title = film["titleId"]
    tv.play(tv.event("started", title, 0, "s1"), tv.event("progressed", title, 1_800_000, "s1"))
    going_on = phone.see("continue-watching", tv.position)["items"]
    assert [(one["titleId"], one["position"]["positionMs"]) for one in going_on] == [(title, 1_800_000)]
    assert (going_on[0]["titleKnown"], going_on[0]["title"]["name"]) == (True, film["name"])
    phone.play(phone.event("resumed", title, 1_800_000, "s2"), phone.event("completed", title, 5_900_000, "s2"))
    assert tv.see("continue-watching", phone.position)["items"] == []
    assert tv.see(f"progress/{title}", phone.position)["watched"]["value"] is True
    # The television was asleep and reports now what it had seen before: nothing moves back.
    late = tv.event("progressed", title, 1_900_000, "s1", hlc=str(clock.pack(time.time_ns() // 1_000_000 - 60_000)))
    tv.play(late)
    assert phone.see(f"progress/{title}", tv.position)["watched"]["value"] is True
    assert phone.see("continue-watching", tv.position)["items"] == []


def test_an_unknown_title_is_accepted_and_said_to_be_unknown(devices: tuple[Device, Device]) -> None:
    tv, phone = devices
    tv.mutate(tv.operation("watchlist.add", titleId="not-in-the-catalog-yet", rank="a0"))
    listed = phone.see("watchlist", tv.position)["items"]
    assert [(one["titleId"], one["titleKnown"], one["title"]) for one in listed] == [
        ("not-in-the-catalog-yet", False, None)
    ]


def test_both_devices_read_one_list_whatever_the_order(devices: tuple[Device, Device]) -> None:
    tv, phone = devices
    first = phone.operation("watchlist.add", titleId="t1", rank="a1")
    second = tv.operation("watchlist.add", titleId="t2", rank="a0")
    tv.mutate(second)
    phone.mutate(first, phone.operation("watchlist.move", titleId="t2", rank="a2"))
    seen = [[one["titleId"] for one in one.see("watchlist", phone.position)["items"]] for one in devices]
    assert seen == [["t1", "t2"]] * 2
    before = phone.see("watchlist", phone.position)["total"]
    again = phone.mutate(first)  # the answer was lost: the queue sends it once more
    assert again.status_code == 202
    assert phone.see("watchlist", phone.position)["total"] == before


def test_changes_since_a_cursor_and_the_delta_is_all_of_it(devices: tuple[Device, Device]) -> None:
    tv, phone = devices
    phone.mutate(phone.operation("watchlist.add", titleId="t1", rank="a0"))
    first = tv.see("changes", phone.position)
    phone.mutate(phone.operation("preference.set", name="subtitles.language", value="de"))
    second = tv.see("changes", phone.position, since=first["cursor"])
    assert [one["name"] for one in second["preferences"]] == ["subtitles.language"]
    assert not second["watchlist"]
    refused = tv.sync.get(f"/v1/users/{tv.user}/changes", params={"since": "no-cursor"})
    problem(refused, 400, "invalid-cursor")


def test_the_same_operation_with_another_body_is_refused_and_nothing_of_it_happens(
    devices: tuple[Device, Device],
) -> None:
    tv, _ = devices
    once = tv.operation("watchlist.add", titleId="t1", rank="a0")
    tv.mutate(once)
    other = {**once, "titleId": "t2"}
    answer = tv.sync.post(
        f"/v1/users/{tv.user}/sync/mutations",
        json={"operations": [tv.operation("watchlist.add", titleId="t3", rank="a1"), other]},
    )
    body = problem(answer, 409, "operation-conflict")
    assert [error["pointer"] for error in body["errors"]] == ["#/operations/1"]
    assert [one["titleId"] for one in tv.see("watchlist", tv.position)["items"]] == ["t1"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"positionMs": -1}, "positionMs"),
        ({"positionMs": 2**62}, "positionMs"),
        ({"durationMs": 0}, "durationMs"),
        ({"positionMs": 6_000_001}, "positionMs"),
        ({"hlc": "-1"}, "hlc"),
        ({"hlc": str(2**63)}, "hlc"),
        ({"kind": "rewound"}, "kind"),
        ({"occurredAt": "yesterday"}, "occurredAt"),
    ],
    ids=lambda value: "".join(c if c.isalnum() else "-" for c in str(value))[:40],
)
def test_a_bad_event_refuses_all_and_points_at_itself(
    devices: tuple[Device, Device], change: dict[str, Any], pointer: str
) -> None:
    tv, _ = devices
    answer = tv.play(tv.event("started", "t1", 0, "s1"), tv.event("progressed", "t1", 1000, "s1", **change))
    errors = problem(answer, 422, "invalid-content")["errors"]
    assert [error["pointer"] for error in errors] == [f"#/events/1/{pointer}"]
    assert tv.see("continue-watching", "")["items"] == []


def test_a_clock_that_is_ahead_is_told_the_time(devices: tuple[Device, Device]) -> None:
    tv, _ = devices
    ahead = str(clock.pack(time.time_ns() // 1_000_000 + 3_600_000))
    answer = tv.play(tv.event("started", "t1", 0, "s1", hlc=ahead))
    problem(answer, 422, "clock-ahead")
    assert "mg-time" in answer.headers


def test_another_persons_path_is_closed(running: Running, devices: tuple[Device, Device]) -> None:
    tv, _ = devices
    problem(tv.sync.get("/v1/users/somebody-else/watchlist"), 403, "forbidden")
    problem(httpx.get(f"{running.system.url('sync')}/v1/users/{tv.user}/watchlist"), 401, "unauthenticated")
