"""The second half of `mg demo`: people watch those films, and every device of theirs agrees."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import httpx

from bootstrap import outcomes
from bootstrap.commands import replay
from bootstrap.serving_addresses import base_url
from bootstrap.terminal import table
from devstack import assets
from devstack.tokens import Signer, signer_of
from runtime import settings as settings_module
from runtime.http.identity import READ_USERS
from runtime.settings import Settings
from schemas.read_models.trending import WINDOWS
from sync_client import SyncClient

_VIEWING = (
    "playback_sessions", "title_trends", "watch_state", "playback_history", "watchlist", "ratings", "devices",
    "preferences", "trending",
)  # fmt: skip
_SHOWN_PEOPLE = ("ml-796", "ml-551", "ml-334")
_MOST = 4
_NEWEST = 10_000
"""Replayed once more when all 100,000 are there already: minutes are for the first demo."""
_TITLES_FOR_THE_PLANE = ("Casablanca", "Vertigo", "Alien")


def show_people(settings: Settings, home: Path) -> None:
    """Replays the ratings, then shows what some people would see."""
    there = outcomes.replayed_ratings(settings)
    most = _NEWEST if there > _NEWEST else None
    what = "all 100,000" if most is None else f"{there:,} are there already; again the newest {most:,}"
    click.echo(f"\n# people watch them: MovieLens-100k's ratings as the playback they came from ({what})")
    ratings = assets.movielens_ratings(home)
    replay.show(replay.replay_ratings(settings, ratings, speed=None, provider="movielens", most=most))
    waited = outcomes.wait_until_done(settings, "sessions, positions, trends", _VIEWING)
    click.echo(f"all in the read models {waited:.1f} s later")
    signer = signer_of(home, settings_module.load_identity())
    token = signer.sign("demo", "demo", (READ_USERS,))
    headers = {"authorization": f"Bearer {token}"}
    with (
        httpx.Client(base_url=base_url(settings, "sync"), headers=headers, timeout=10.0) as sync,
        httpx.Client(base_url=base_url(settings, "discovery"), timeout=10.0) as discovery,
    ):
        names = _names_of(_TITLES_FOR_THE_PLANE, discovery)
        asyncio.run(_on_a_plane(settings, signer, names))
        _show_watchlist(sync)
        for person in _SHOWN_PEOPLE:
            _show_person(person, sync)
        _show_trending(discovery)


def _show_person(person: str, sync: httpx.Client) -> None:
    path = f"/v1/users/{person}"
    going_on = sync.get(f"{path}/continue-watching", params={"limit": _MOST}).raise_for_status().json()["items"]
    click.echo(f"\n# {person}: continue watching")
    table(
        ("title", "at", "of", "since"),
        [
            (
                _name(item),
                _clock(item["position"], "positionMs"),
                _clock(item["position"], "durationMs"),
                item["updatedAt"],
            )
            for item in going_on
        ],
    )
    history = sync.get(f"{path}/history", params={"limit": _MOST}).raise_for_status().json()["sessions"]
    click.echo(f"\n# {person}: history")
    table(
        ("title", "device", "ended", "why"),
        [(_name(one), one["deviceId"], one.get("endedAt") or "", one.get("reason") or "") for one in history],
    )


def _show_trending(discovery: httpx.Client) -> None:
    for window in WINDOWS:
        answer = discovery.get("/v1/trending", params={"window": window, "limit": _MOST}).raise_for_status().json()
        click.echo(f"\n# trending everywhere, {window}")
        table(("title", "plays", "score"), [(_name(i), str(i["plays"]), f"{i['score']:.1f}") for i in answer["items"]])


def _names_of(wanted: tuple[str, ...], discovery: httpx.Client) -> dict[str, str]:
    """Names by title id."""
    found = {}
    for name in wanted:
        answer = discovery.get("/v1/search", params={"q": name, "limit": 1}).raise_for_status().json()
        found[answer["items"][0]["titleId"]] = answer["items"][0]["name"]
    return found


def _show_watchlist(sync: httpx.Client) -> None:
    items = sync.get(f"/v1/users/{_SHOWN_PEOPLE[0]}/watchlist").raise_for_status().json()["items"]
    click.echo(f"the service:     {', '.join(_name(item) for item in items)}")


async def _on_a_plane(settings: Settings, signer: Signer, names: dict[str, str]) -> None:
    """One person's phone edits the watchlist without a network while the TV at home edits it too."""
    person = _SHOWN_PEOPLE[0]
    first, second, third = names
    click.echo(f"\n# {person} edits the watchlist on a plane, on the phone; somebody at home does on the TV")
    with tempfile.TemporaryDirectory() as folder:

        def device(name: str) -> SyncClient:
            async def token() -> str:
                return signer.sign(person, name)

            return SyncClient(Path(folder) / f"{name}.db", person, name, base_url(settings, "sync"), token)

        async with device("phone") as phone, device("tv") as tv:
            await _sync(phone, tv)
            phone.add(first)
            phone.add(second)
            phone.set_progress(second, 1_800_000, 7_680_000)
            tv.add(third)
            click.echo(f"phone, offline:  {_list(phone, names)}")
            click.echo(f"TV, online:      {_list(tv, names)}")
            landed = time.monotonic()
            await _sync(tv, phone, tv)
            took = (time.monotonic() - landed) * 1000
            click.echo(f"phone, landed:   {_list(phone, names)}")
            click.echo(f"TV, {took:.0f} ms later: {_list(tv, names)}")


async def _sync(*devices: SyncClient) -> None:
    for device in devices:
        await device.flush()
        await device.pull()


def _list(client: SyncClient, names: dict[str, str]) -> str:
    return ", ".join(names.get(title, title) for title in client.watchlist()) or "(empty)"


def _name(item: dict[str, Any]) -> str:
    return str((item.get("title") or {}).get("name") or item.get("name") or item["titleId"])


def _clock(position: dict[str, Any] | None, member: str) -> str:
    milliseconds = (position or {}).get(member)
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(int(milliseconds) // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
