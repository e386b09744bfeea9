"""Ratings become sittings: the same every time, in order, and only of the past."""

import asyncio
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bootstrap import replaying
from bootstrap.catalog_files import CatalogFileError
from bootstrap.replaying import Rating, Replayer, ReplayFailed
from sync_laws import clock

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(1998, 1, 1, tzinfo=UTC)
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def ratings(people: int = 6, films: int = 20) -> list[Rating]:
    return [
        Rating(str(person), str(film), 1 + (person * film) % 5, LONG_AGO + timedelta(hours=person * 7 + film))
        for person in range(people)
        for film in range(films)
    ]


def test_each_rating_is_three_events_and_itself() -> None:
    acts = replaying.plan(ratings(), {}, NOW)
    paths = [act.path for act in acts]
    assert (paths.count("playback/events"), paths.count("ratings")) == (360, 120)
    assert acts == replaying.plan(reversed(ratings()), {}, NOW)


def test_it_is_in_order_and_the_newest_is_now() -> None:
    acts = replaying.plan(ratings(), {}, NOW)
    times = [act.at for act in acts]
    assert times == sorted(times)
    assert times[-1] == NOW


def test_a_sitting_goes_forward_and_its_clocks_are_its_times() -> None:
    sittings = defaultdict(list)
    for act in replaying.plan(ratings(), {"3": "title-3"}, NOW):
        if act.path == "playback/events":
            sittings[act.body["sessionId"]].append(act)
    assert len(sittings) == 120
    for acts in sittings.values():
        kinds = [act.body["kind"] for act in acts]
        positions = [act.body["positionMs"] for act in acts]
        assert kinds[:2] == ["started", "progressed"]
        assert kinds[2] == ("completed" if positions[2] >= 0.95 * acts[2].body["durationMs"] else "stopped")
        assert 0 == positions[0] < positions[1] < positions[2] <= acts[2].body["durationMs"]
        stamps = [int(act.body["hlc"]) for act in acts]
        assert stamps == sorted(set(stamps))
        assert [clock.milliseconds_of(stamp) for stamp in stamps] == [act.at.timestamp() * 1000 // 1 for act in acts]
        assert len({act.body["deviceId"] for act in acts}) == 1
    assert {acts[0].body["titleId"] for name, acts in sittings.items() if name.endswith("-3")} == {"title-3"}
    assert {acts[0].body["titleId"] for name, acts in sittings.items() if name.endswith("-4")} == {"movielens:4"}


def test_everybody_has_two_to_four_devices() -> None:
    devices = defaultdict(set)
    for act in replaying.plan(ratings(films=60), {}, NOW):
        devices[act.user].add(act.body["deviceId"])
    assert {2, 3, 4} >= {len(found) for found in devices.values()}
    assert min(len(found) for found in devices.values()) >= 2


def test_windows_are_half_hours_and_hold_everything() -> None:
    acts = replaying.plan(ratings(), {}, NOW)
    found = list(replaying.windows(acts))
    assert [act for window in found for act in window] == acts
    assert all(window[-1].at - window[0].at < timedelta(minutes=30) for window in found)
    assert list(replaying.windows([])) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "first line"),
        ("user\titem\n", "first line"),
        (HEADER + "1\t2\t3\n", ":2: not a rating"),
        (HEADER + "1\t2\tfour\t881250949\n", ":2: not a rating"),
        (HEADER + "1\t2\t3\t1e300\n", ":2: not a rating"),
        (HEADER + "1\t2\t3\t881250949\n1\t2\t6\t881250949\n", ":3: rating 6"),
        (HEADER + "1\t2\t3.3\t881250949\n", ":2: rating 3.3"),
        (HEADER + "1\t2\tnan\t881250949\n", ":2: rating nan"),
    ],
)
def test_a_bad_file_names_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x.inter"
    path.write_text(text)
    with pytest.raises(CatalogFileError, match=says):
        replaying.read_ratings(path)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.inter"
    path.write_text(HEADER + "196\t242\t3\t881250949\n")
    assert replaying.read_ratings(path) == [Rating("196", "242", 3.0, datetime(1997, 12, 4, 15, 55, 49, tzinfo=UTC))]


class Edge:
    """Accepts everything but what `answers` say first."""

    def __init__(self, *answers: int, retry_after: str = "0") -> None:
        self.answers = list(answers)
        self.retry_after = retry_after
        self.posted: list[tuple[str, dict[str, object]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        status = self.answers.pop(0) if self.answers else 202
        if status == 202:
            self.posted.append((request.url.path, json.loads(request.content)))
        return httpx.Response(status, headers={"retry-after": self.retry_after}, json={})


def replay(edge: Edge, monkeypatch: pytest.MonkeyPatch, people: int = 3) -> replaying.Replayed:
    client = httpx.AsyncClient

    def over_edge(**options: object) -> httpx.AsyncClient:
        return client(transport=httpx.MockTransport(edge), **options)  # type: ignore[arg-type]

    monkeypatch.setattr(httpx, "AsyncClient", over_edge)
    acts = replaying.plan(ratings(people), {}, NOW)
    return asyncio.run(Replayer("http://edge", "token", lambda _: None).run(acts, None))


def test_each_persons_events_arrive_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = Edge()
    result = replay(edge, monkeypatch)
    assert (result.events, result.ratings, len(result.people)) == (180, 60, 3)
    for user in result.people:
        posted = [body for path, body in edge.posted if path == f"/v1/users/{user}/playback/events"]
        times = [event["occurredAt"] for body in posted for event in body["events"]]  # type: ignore[attr-defined]
        assert times == sorted(times)
        assert len(times) == 60


def test_what_may_work_later_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert replay(Edge(503, 429, 502), monkeypatch).events == 180


def test_the_time_to_try_again_may_be_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    assert replay(Edge(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), monkeypatch).events == 180


def test_a_refusal_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReplayFailed, match="answered 401"):
        replay(Edge(401), monkeypatch)
