"""Every read model made anew from the log under live traffic, and read again from the middle of the log."""

import asyncio
import math
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import msgspec
import psycopg
from msgspec import Struct

from bootstrap.rebuilding import Rebuilt
from devstack import assets
from proofs import read_models
from proofs.benchmarks.rebuild_readers import Stage
from proofs.figures import Figure
from proofs.load import settling
from proofs.load.plan import EVENING, sends
from proofs.load.traffic import Traffic
from proofs.read_models import NAMES, Rows
from proofs.system import System, SystemFailed, fresh
from runtime import settings as settings_module

_SEED: Final = 11
_FILL_SECONDS: Final = 40.0
_GENTLE: Final = 0.2
_SLICE_SECONDS: Final = 5.0
_RATINGS: Final = 2000
_CONNECTIONS: Final = 64
_PATIENCE: Final = 120.0
_AT_ONCE: Final = 3
_TRIES: Final = 3
_MOVIELENS: Final = "movielens"


class _Found(Struct):
    rebuilt: dict[str, Rebuilt] = {}
    rows: dict[str, int] = {}
    differing: dict[str, int] = {}
    again: int = 0
    changed: int = 0
    wrong: Counter[str] = msgspec.field(default_factory=Counter)
    answers: Counter[str] = msgspec.field(default_factory=Counter)


def rebuild() -> list[Figure]:
    """On a system of its own. Raises SystemFailed when that does not start or a rebuild gives up."""
    home = settings_module.home_from()
    with fresh(home / "bench", home) as system:
        found = asyncio.run(_under_traffic(system))
        _settle(system)
        _rebuild_at_rest(system, found)
        _replay(system, found)
        return figures(found)


async def _under_traffic(system: System) -> _Found:
    found = _Found()
    traffic = Traffic(system, _SEED, connections=_CONNECTIONS)
    stage: Stage | None = None
    try:
        await traffic.list_films()
        await asyncio.to_thread(_demo, system)
        await traffic.follow(sends(EVENING, _FILL_SECONDS, _SEED))
        stage = Stage(system, *await asyncio.to_thread(_untouched, system))
        await stage.begin()
        _say("rebuilding under traffic")
        async with _going_on(traffic, stage):
            for name in NAMES:
                async with _during(stage.read(name)):
                    found.rebuilt[name] = await asyncio.to_thread(_rebuild, system, name)
                _say(f"{name}: {found.rebuilt[name]}, {stage.answers[name]} answers, wrong: {dict(stage.wrong)}")
        found.wrong, found.answers = stage.wrong, stage.answers
    finally:
        await traffic.close()
        if stage is not None:
            await stage.close()
    return found


def _demo(system: System) -> None:
    """Films, and people who watched and rated them and do nothing any more."""
    system.mg("catalog", "import", "--provider", _MOVIELENS, str(assets.movielens_items(system.home)))
    _settle(system)
    ratings = str(assets.movielens_ratings(system.home))
    system.mg("replay", "ratings", ratings, "--provider", _MOVIELENS, "--most", str(_RATINGS), "--wait")


def _untouched(system: System) -> tuple[list[str], list[str], list[str]]:
    """Titles, their names and people that were there before and that nobody changes. Long names are rare ones: a
    search for them need not show twenty others first."""
    with psycopg.connect(system.settings.postgres_dsn) as connection:
        titles = connection.execute(
            "SELECT c.title_id, c.name FROM title_catalog AS c WHERE c.state = 'live' AND length(c.name) > 15 "
            "AND EXISTS (SELECT FROM provider_items AS p WHERE p.title_id::text = c.title_id AND p.provider = %s) "
            "AND NOT EXISTS (SELECT FROM provider_items AS p WHERE p.title_id::text = c.title_id AND p.provider <> %s) "
            "ORDER BY c.title_id LIMIT 100",
            [_MOVIELENS, _MOVIELENS],
        ).fetchall()
        people = connection.execute(
            "SELECT user_id FROM playback_history WHERE user_id LIKE 'ml-%' AND ended_at IS NOT NULL "
            "GROUP BY 1 ORDER BY count(*) DESC LIMIT 10"
        ).fetchall()
    return [one for one, _ in titles], [name for _, name in titles], [one for (one,) in people]


@asynccontextmanager
async def _during(reading: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Ends it afterwards; what it raised is raised."""
    task = asyncio.create_task(reading)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _going_on(traffic: Traffic, stage: Stage) -> AsyncIterator[None]:
    """A part of an evening's traffic, in slices so that it ends between requests."""
    done = asyncio.Event()

    async def gently() -> None:
        flows, number = [flow.times(_GENTLE) for flow in EVENING], 0
        while not done.is_set():
            number += 1
            await traffic.follow(sends(flows, _SLICE_SECONDS, _SEED + number))

    going = asyncio.create_task(gently())
    try:
        async with _during(stage.stir()):
            yield
    finally:
        done.set()
        await going


def _rebuild(system: System, read_model: str) -> Rebuilt:
    return msgspec.json.decode(system.mg("rebuild", read_model, "--json"), type=Rebuilt)


def _rebuild_at_rest(system: System, found: _Found) -> None:
    def all_of_them() -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: _rebuild(system, name), NAMES))

    before, after = _around(system, all_of_them, read_models.OF_WRITING)
    found.rows = {name: len(rows) for name, rows in before.items()}
    found.differing = {name: _difference(name, before[name], after[name]) for name in NAMES}


def _replay(system: System, found: _Found) -> None:
    """Into the versions that serve. Their writers end and start, as they read their positions then."""

    def from_the_middle() -> None:
        found.again = sum(read_models.move_back(system.settings, name) for name in NAMES)
        _say(f"{found.again} events are read again")
        read_models.restart_writers(system)

    before, after = _around(system, from_the_middle, frozenset())
    found.changed = sum(_difference(name, before[name], after[name]) for name in NAMES)


def _around(
    system: System, action: Callable[[], None], without: frozenset[str]
) -> tuple[dict[str, Rows], dict[str, Rows]]:
    """Rows before and after. Sessions that end by themselves and offers that run out are events too: when the log went
    on meanwhile it is done again."""
    for _ in range(_TRIES):
        ends, before = read_models.ends(system.settings), _content(system, without)
        action()
        _settle(system)
        after = _content(system, without)
        if read_models.ends(system.settings) == ends:
            return before, after
        _say("the log went on meanwhile; once more")
    raise SystemFailed("the log never rests")


def _content(system: System, without: frozenset[str]) -> dict[str, Rows]:
    return {name: read_models.rows(system.settings, name, without=without) for name in NAMES}


def _difference(name: str, before: Rows, after: Rows) -> int:
    """Rows that only one of them has."""
    left, right = Counter(map(repr, before)), Counter(map(repr, after))
    missing, surplus = list((left - right).elements()), list((right - left).elements())
    for sign, rows in (("-", missing), ("+", surplus)):
        for row in rows[:3]:
            _say(f"{name}: {sign} {row[:700]}")
    return max(len(missing), len(surplus))


def _settle(system: System) -> None:
    if math.isnan(settling.caught_up(system, _PATIENCE)):
        raise SystemFailed(f"consumers have not read everything within {_PATIENCE:.0f} s")


def figures(found: _Found) -> list[Figure]:
    made: list[Figure] = []
    for name, one in found.rebuilt.items():
        rate, rows = one.events / max(one.seconds, 0.001), found.rows[name]
        made += [
            Figure.information(f"{name}: events/s", rate, "events/s", one.events),
            Figure.information(f"{name}: until it has caught up", one.seconds, "s", 1),
            Figure.information(f"{name}: rows", rows, "rows", 1),
            Figure.against(f"{name}: rows that differ", found.differing[name], "rows", "≤", 0, rows),
        ]
    rows, answers = sum(found.rows.values()), found.answers.total()
    return [
        *made,
        Figure.against("wrong answers to readers", found.wrong.total(), "answers", "≤", 0, answers),
        Figure.information("events read again from the middle of the log", found.again, "events", 1),
        Figure.against("rows that reading them again changed", found.changed, "rows", "≤", 0, rows),
    ]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
