"""Replaying ratings as playback: who rated a film must have watched it, so each rating becomes a sitting before it.

A rating says who, what and when. The rest is made up, but the same in every replay: each person has two to four
devices, each film a length, good films are watched to the end and poor ones given up. Times are moved so that the
newest rating is `until`, and everything is posted in the order of time through the real edges, one window of time after
the other, so that no event is later against its neighbours than it would have been.
"""

import asyncio
import csv
import hashlib
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bootstrap.catalog_files import CatalogFileError
from bootstrap.importing import retry_after
from runtime.backoff import Backoff
from sync_laws import clock

_COLUMNS = ("user_id:token", "item_id:token", "rating:float", "timestamp:float")
_WINDOW = timedelta(minutes=30)  # trends take what is up to an hour late
_PARALLEL = 16
_MOST_EVENTS, _MOST_RATINGS = 500, 100
_PATIENCE_SECONDS = 120.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_REGIONS = ("US", "US", "US", "US", "GB", "DE", "FR", "CA")


@dataclass(frozen=True, slots=True)
class Rating:
    user: str
    item: str
    rating: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a person did: `path` is where it is posted (`playback/events` or `ratings`)."""

    at: datetime
    user: str
    path: str
    region: str
    body: dict[str, Any]


@dataclass(slots=True)
class Replayed:
    """What the edges acknowledged."""

    events: int = 0
    ratings: int = 0
    requests: int = 0
    seconds: float = 0.0
    people: set[str] = field(default_factory=set)


class ReplayFailed(ConnectionError):
    """The edge refused or never answered; the message says why. What was accepted before stays accepted."""


def read_ratings(path: Path) -> list[Rating]:
    """Tab separated with a typed header, as in MovieLens-100k's `.inter`. Raises CatalogFileError naming the line."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines, delimiter="\t")
            if tuple(next(rows, ())) != _COLUMNS:
                raise CatalogFileError(path, f"the first line must be {' '.join(_COLUMNS)}, separated by tabs", 1)
            return [_rating(path, number, row) for number, row in enumerate(rows, 2)]
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogFileError(path, str(error)) from error


def _rating(path: Path, number: int, row: Sequence[str]) -> Rating:
    try:
        user, item, rating, at = row
        found = Rating(user, item, float(rating), datetime.fromtimestamp(float(at), UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise CatalogFileError(path, f"not a rating: {error}", number) from error
    if not 0.5 <= found.rating <= 5 or found.rating * 2 % 1:
        raise CatalogFileError(path, f"rating {rating} is not from 0.5 to 5 in halves", number)
    return found


def plan(ratings: Iterable[Rating], titles: Mapping[str, str], until: datetime) -> list[Act]:
    """Everything those people did, oldest first. `titles` maps items to title ids; an item without one keeps a name of
    its own, as a device would that knows a title before the catalog does."""
    known = sorted(ratings, key=lambda one: (one.at, one.user, one.item))
    if not known:
        return []
    move = until - known[-1].at
    acts = itertools.chain.from_iterable(_sitting(one, titles, move) for one in known)
    return sorted(acts, key=lambda act: act.at)


def _sitting(one: Rating, titles: Mapping[str, str], move: timedelta) -> Iterator[Act]:
    person = _dice(one.user)
    film = _dice(one.item)
    whim = _dice(one.user, one.item)
    user = f"ml-{one.user}"
    region = _REGIONS[person % len(_REGIONS)]
    device = f"{user}-{('tv', 'phone', 'tablet', 'desktop')[whim % (2 + person % 3)]}"
    title = titles.get(one.item, f"movielens:{one.item}")
    length = timedelta(minutes=75 + film % 76)
    finished = one.rating >= 3 and whim % 8 != 0
    seen = length * ((960 + whim % 40) / 1000 if finished else (50 + whim % 750) / 1000)
    ended = one.at + move
    began = ended - seen
    last = "completed" if finished else "stopped"
    for ordinal, (kind, at) in enumerate((("started", began), ("progressed", began + seen / 2), (last, ended))):
        event = {
            "kind": kind,
            "sessionId": f"{user}-{one.item}",
            "titleId": title,
            "deviceId": device,
            "positionMs": _milliseconds(at - began),
            "durationMs": _milliseconds(length),
            "hlc": str(clock.pack(_milliseconds_of(at), (whim + ordinal) % 65_000)),
            "occurredAt": _text(at),
        }
        yield Act(at, user, "playback/events", region, event)
    rated = {
        "titleId": title,
        "rating": one.rating,
        "deviceId": device,
        "hlc": str(clock.pack(_milliseconds_of(ended), (whim + 3) % 65_000)),
        "occurredAt": _text(ended),
    }
    yield Act(ended, user, "ratings", region, rated)


class Replayer:
    """Posts acts to the service `playback`. `token` signs nothing here: it is one that may write for everybody."""

    def __init__(self, base_url: str, token: str, progress: Callable[[int], None]) -> None:
        self._base_url = base_url
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._progress = progress

    async def run(self, acts: Sequence[Act], speed: float | None) -> Replayed:
        """`speed` times as fast as it happened; None for as fast as it goes. Raises ReplayFailed."""
        result = Replayed()
        started = time.monotonic()
        gate = asyncio.Semaphore(_PARALLEL)
        try:
            async with httpx.AsyncClient(base_url=self._base_url, headers=self._headers, timeout=60.0) as client:
                for window in windows(acts):
                    if speed is not None:
                        due = started + (window[0].at - acts[0].at).total_seconds() / speed
                        await asyncio.sleep(max(due - time.monotonic(), 0))
                    async with asyncio.TaskGroup() as group:
                        for batch in by_person(window):
                            await gate.acquire()
                            task = group.create_task(self._post_all(client, batch, result))
                            task.add_done_callback(lambda _: gate.release())
        except ExceptionGroup as failed:  # the first failure ends the others
            raise failed.exceptions[0] from None
        result.seconds = time.monotonic() - started
        return result

    async def _post_all(self, client: httpx.AsyncClient, acts: Sequence[Act], result: Replayed) -> None:
        """One person's acts, in order, plays before ratings."""
        plays = [act for act in acts if act.path == "playback/events"]
        ratings = [act for act in acts if act.path == "ratings"]
        for chunk in _chunks(plays, _MOST_EVENTS):
            await self._post(client, chunk[0], {"events": [act.body for act in chunk], "region": chunk[0].region})
            result.events += len(chunk)
            self._progress(len(chunk))
        for chunk in _chunks(ratings, _MOST_RATINGS):
            await self._post(client, chunk[0], {"ratings": [act.body for act in chunk]})
            result.ratings += len(chunk)
            self._progress(len(chunk))
        result.people.add(acts[0].user)
        result.requests += 1

    async def _post(self, client: httpx.AsyncClient, act: Act, body: dict[str, Any]) -> None:
        path = f"/v1/users/{act.user}/{act.path}"
        backoff = Backoff(most=5.0)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = await client.post(path, content=msgspec.json.encode(body))
            except httpx.TransportError as error:
                trouble, wait = f"{type(error).__name__} {error}".strip(), backoff.next_delay()
            else:
                if answer.status_code == 202:
                    return
                trouble = f"{answer.status_code}: {answer.text[:500]}"
                if answer.status_code not in _TRY_AGAIN:
                    raise ReplayFailed(f"{self._base_url}{path} answered {trouble}")
                wait = max(backoff.next_delay(), retry_after(answer))
            if time.monotonic() + wait > deadline:
                raise ReplayFailed(f"{self._base_url}{path}: no success: {trouble}; is `mg up` running?")
            await asyncio.sleep(wait)


def windows(acts: Sequence[Act]) -> Iterator[list[Act]]:
    """Stretches of half an hour, without empty ones."""
    for _, group in itertools.groupby(acts, key=lambda act: (act.at - acts[0].at) // _WINDOW):
        yield list(group)


def by_person(window: Iterable[Act]) -> list[list[Act]]:
    found: dict[str, list[Act]] = defaultdict(list)
    for act in window:
        found[act.user].append(act)
    return list(found.values())


def _chunks(acts: Sequence[Act], size: int) -> Iterator[Sequence[Act]]:
    for start in range(0, len(acts), size):
        yield acts[start : start + size]


def _dice(*words: str) -> int:
    """A number that looks thrown and is the same every time."""
    return int.from_bytes(hashlib.blake2b("/".join(words).encode(), digest_size=6).digest(), "big")


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _milliseconds_of(moment: datetime) -> int:
    return _milliseconds(moment - datetime(1970, 1, 1, tzinfo=UTC))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
