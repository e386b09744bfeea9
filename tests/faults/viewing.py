"""One run of people through the real edges, disturbed or not, and what it leaves behind in a normal form.

Of two runs equal are: every id without the run's name, every time and clock since the run's beginning, and every value.
Left out are revisions, `written_at`, the text of tags (they derive from the names; how many there are counts), and
trends' scores and ends of windows, which depend on the minute of the day; plays of each title count.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import httpx
import msgspec
import psycopg
from psycopg.rows import dict_row

from bootstrap import outcomes
from devstack.tokens import signer_of
from proofs.system import System, wait_until
from runtime.connections import redis
from runtime.settings import Settings
from schemas.read_models import trending
from schemas.read_models.trending import Trend
from sync_laws.watching import Watching
from sync_laws.watchlist import Item
from tests.faults.people import Act, Run, acts, new_run
from tests.faults.running import DEADLINE_SECONDS, position_of
from tests.faults.units import VIEWING, consumers

RATE = 100.0
"""Requests a second, so that a run lasts long enough to be disturbed in its middle."""
LANES = 8
READ_MODELS = ("watch_state", "watchlist", "ratings", "preferences", "playback_history")
WINDOWS = ("24h", "7d")
_AGAIN = frozenset({425, 429, 500, 502, 503, 504})
_CLOCKS = frozenset({"hlc", "position_hlc", "watched_hlc"})
_UNEQUAL = frozenset({"revision", "written_at"})

State = dict[str, list[Any]]
"""Sorted rows by read model."""


class Viewing:
    """`check` compares with an undisturbed run."""

    _runs = 0

    def __init__(self, system: System, expected: State | None = None) -> None:
        self.system = system
        self.settings: Settings = system.settings
        Viewing._runs += 1
        self.run = new_run(Viewing._runs)
        self.acts = acts(self.run)
        self.posted = 0
        self._expected = expected
        self._dead_letters = outcomes.dead_letters(self.settings)
        self._before = {consumer: position_of(self.settings, consumer) for consumer in consumers(VIEWING)}
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._post_all, name="people", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def posting(self) -> bool:
        return self._thread.is_alive()

    def done(self, consumer: str) -> int:
        """Events of this run that a consumer has durably done."""
        return position_of(self.settings, consumer) - self._before[consumer]

    def until_posted(self, share: float) -> None:
        wait_until(lambda: self.posted >= share * len(self.acts), DEADLINE_SECONDS, f"{share:.0%} of all requests")

    def until_busy(self, consumer: str, events: int) -> int:
        wait_until(lambda: self.done(consumer) >= events, DEADLINE_SECONDS, f"{consumer} in the middle of its work")
        return self.done(consumer)

    def check(self) -> State:
        """Nothing lost, nothing doubled. Returns the final state."""
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive(), "posting did not end"
        if self._failure is not None:
            raise self._failure
        outcomes.wait_until_done(self.settings, "waiting", tuple(consumers(VIEWING)))
        sittings = self._sittings()
        wait_until(lambda: self._plays() >= sittings, DEADLINE_SECONDS, f"{sittings} plays in the trends")
        found = capture(self.settings, self.run)
        assert outcomes.dead_letters(self.settings) == self._dead_letters
        assert len(found["playback_history"]) == sittings
        assert all(row["ended_at"] is not None for row in found["playback_history"])
        if self._expected is not None:
            differing = difference(self._expected, found)
            assert not differing, differing
        return found

    def settle(self) -> None:
        """Lets a run that failed half-way come to its end."""
        for backend in self.system.stack.names:
            self.system.stack.start(backend)
        self._thread.join(DEADLINE_SECONDS)

    def _sittings(self) -> int:
        events = (event for act in self.acts for event in act.body.get("events", ()))
        return sum(event["kind"] == "started" for event in events)

    def _plays(self) -> int:
        return min(sum(plays for _, plays in _trend(self.settings, self.run, window)) for window in WINDOWS)

    # Posting.

    def _post_all(self) -> None:
        try:
            asyncio.run(self._post_lanes())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting test
            self._failure = error

    async def _post_lanes(self) -> None:
        lanes: list[list[tuple[float, Act]]] = [[] for _ in range(LANES)]
        for number, act in enumerate(self.acts):
            lanes[sum(act.user.encode()) % LANES].append((number / RATE, act))
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(self._post_lane(lane, began))

    async def _post_lane(self, lane: Sequence[tuple[float, Act]], began: float) -> None:
        signer = signer_of(self.settings.home, self.settings.identity)
        tokens = {
            pair: signer.sign(*pair, (), region=self.run.region) for pair in {(act.user, act.device) for _, act in lane}
        }
        async with httpx.AsyncClient(timeout=30) as client:
            for due, act in lane:
                await asyncio.sleep(max(began + due - time.monotonic(), 0))
                await self._post(client, act, tokens[act.user, act.device])
                self.posted += 1

    async def _post(self, client: httpx.AsyncClient, act: Act, token: str) -> None:
        """Until it is accepted, under its one set of ids."""
        url = f"{self.system.url(act.service)}/v1/users/{act.user}/{act.path}"
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                answer = await client.post(url, json=act.body, headers={"Authorization": f"Bearer {token}"})
                if answer.status_code == 202:
                    return
                trouble = f"{answer.status_code}: {answer.text[:500]}"
                assert answer.status_code in _AGAIN, trouble
            except httpx.TransportError as error:
                trouble = repr(error)
            assert time.monotonic() < deadline, trouble
            await asyncio.sleep(0.2)


def capture(settings: Settings, run: Run) -> State:
    found: State = {}
    with psycopg.connect(settings.postgres_dsn, row_factory=dict_row) as connection:
        for read_model in READ_MODELS:
            query = f"SELECT * FROM {read_model} WHERE user_id LIKE %s".encode()
            rows = connection.execute(query, [f"{run.name}%"]).fetchall()
            found[read_model] = sorted((_row(run, row) for row in rows), key=repr)
    for window in WINDOWS:
        found[f"trending {window}"] = _trend(settings, run, window)
    return found


def difference(expected: State, found: State) -> str:
    """Empty when they are equal, else the first few rows that differ of each read model."""
    lines = []
    for part, rows in expected.items():
        left, right = Counter(map(repr, rows)), Counter(map(repr, found[part]))
        missing, surplus = list((left - right).elements()), list((right - left).elements())
        if missing or surplus:
            lines.append(f"{part}: {len(missing)} missing, {len(surplus)} too many")
            lines += [f"  - {line[:600]}" for line in missing[:3]] + [f"  + {line[:600]}" for line in surplus[:3]]
    return "\n".join(lines)


def _row(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: _value(run, name, value) for name, value in row.items() if name not in _UNEQUAL}
    if "document" in row:
        kept["document"] = _document(run, row["document"], Watching if "watched" in row else Item)
    return kept


def _value(run: Run, name: str, value: Any) -> Any:
    match value:
        case str():
            return value.replace(run.region, "region") if name == "region" else _named(run, value)
        case datetime():
            return (value - run.began).total_seconds()
        case int() if name in _CLOCKS:
            return value - run.began_hlc
        case _:
            return value


def _named(run: Run, text: str) -> str:
    return text.replace(run.name, "")


def _document(run: Run, document: bytes, laws: type[Watching | Item]) -> Any:
    since, known = run.began_hlc, msgspec.msgpack.decode(document, type=laws)
    if isinstance(known, Item):
        clocks = [sorted(hlc - since for hlc in tags.values()) for tags in (known.added, known.removed)]
        return [*clocks, known.rank, known.rank_hlc and known.rank_hlc - since, _named(run, known.rank_device)]
    sittings = [
        (
            _named(run, name),
            sitting.began - since,
            sitting.ended and sitting.ended - since,
            sitting.place.hlc - since,
            sitting.place.position_ms,
        )
        for name, sitting in sorted(known.sittings.items())
    ]
    return [sittings, known.flag and (known.flag.hlc - since, known.flag.watched)]


def _trend(settings: Settings, run: Run, window: str) -> list[tuple[str, int]]:
    """Plays by title in the run's own region."""
    client = redis.blocking_client(settings.redis_url, "mg-fault-tests")
    try:
        version = trending.serving_version(cast("bytes | None", client.get(trending.SERVING_KEY)))
        value = cast("bytes | None", client.get(trending.key(version, run.region, window)))
    except redis.Error:
        return []
    finally:
        client.close()
    titles = msgspec.json.decode(value, type=Trend).titles if value else ()
    return sorted((_named(run, title.title_id), title.plays) for title in titles)
