"""What is committed arrives: at once, after a reconnect, and whatever is lost on the way."""

import asyncio

import msgspec
import pytest

from query_api.services.live import hub
from runtime.settings import Settings
from tests.support.live_channel import Writer, following, served

MINUTE = 60_000


async def test_a_change_reaches_every_device_of_its_user_and_nobody_else(
    address: str, writer: Writer, user: str
) -> None:
    async with (
        following(address, user, "tv") as tv,
        following(address, user, "phone") as phone,
        following(address, f"not-{user}") as other,
    ):
        for client in (tv, phone, other):
            assert (await client.message())["type"] == "hello"
        revision = writer.watch(user, "heat", 5 * MINUTE)
        for client in (tv, phone):
            (state,) = (await client.message())["watchStates"]
            assert (state["titleId"], state["position"]["positionMs"], state["revision"]) == (
                "heat",
                5 * MINUTE,
                revision,
            )
        writer.watch(f"not-{user}", "wave")
        (state,) = (await other.message())["watchStates"]
        assert state["titleId"] == "wave"


async def test_a_reconnect_with_the_last_cursor_misses_nothing_and_repeats_nothing(
    address: str, writer: Writer, user: str
) -> None:
    async with following(address, user) as client:
        await client.message("hello")
        writer.watch(user, "one")
        await client.positions(1)
        cursor = client.cursor
    for title in ("two", "three"):
        writer.watch(user, title)
    writer.rate(user, "two")
    async with following(address, user, since=cursor) as client:
        assert (await client.message())["type"] == "hello"
        delta = await client.message("changes")
        assert [state["titleId"] for state in delta["watchStates"]] == ["two", "three"]
        assert [rating["titleId"] for rating in delta["ratings"]] == ["two"]
        writer.watch(user, "four")
        assert [state["titleId"] for state in (await client.message())["watchStates"]] == ["four"]
        cursor = client.cursor
    async with following(address, user, since=cursor) as client:
        assert (await client.message())["type"] == "hello"
        writer.watch(user, "five")
        assert [state["titleId"] for state in (await client.message())["watchStates"]] == ["five"]


async def test_a_long_delta_comes_in_pages(address: str, writer: Writer, user: str) -> None:
    async with following(address, user) as client:
        cursor = (await client.message())["cursor"]
    for number in range(450):
        writer.watch(user, f"t{number}", number, told=False)
    async with following(address, user, since=cursor) as client:
        assert len(await client.positions(450)) == 450
        writer.watch(user, "last")
        await client.until("last", MINUTE)


async def test_lost_notices_show_as_a_gap_in_what_follows(address: str, writer: Writer, user: str) -> None:
    async with following(address, user) as client:
        await client.message("hello")
        writer.watch(user, "first")
        await client.positions(1)
        for title in ("lost-1", "lost-2"):
            writer.watch(user, title, told=False)
        writer.watch(f"not-{user}", "heard")  # another user's, in the same log
        assert set(await client.positions(2)) == {"lost-1", "lost-2"}


async def test_the_last_notice_is_missed_too(address: str, writer: Writer, user: str) -> None:
    async with following(address, user) as client:
        await client.message("hello")
        writer.watch(user, "lost", told=False)
        assert set(await client.positions(1)) == {"lost"}


async def test_a_notice_without_rows_is_looked_up(address: str, writer: Writer, user: str) -> None:
    async with following(address, user) as client:
        await client.message("hello")
        writer.watch(user, "one", rows=False)
        writer.watch(user, "two")
        assert set(await client.positions(2)) == {"one", "two"}


async def test_nothing_is_lost_when_the_connection_to_redis_is(address: str, writer: Writer, user: str) -> None:
    async with following(address, user) as client:
        await client.message("hello")
        for number in range(60):
            writer.watch(user, f"t{number}", number)
            if number % 20 == 10:
                assert writer.deafen() >= 1
            await asyncio.sleep(0.02)
        assert len(await client.positions(60)) == 60


async def test_without_redis_it_takes_longer(settings: Settings, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SWEEP_SECONDS", 2.0)
    writer = Writer(settings)
    async with (
        served(msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1")) as address,
        following(address, user) as client,
    ):
        await client.message("hello")
        for title in ("one", "two"):
            writer.watch(user, title)
            assert set(await client.positions(1)) == {title}
    writer.close()


async def test_of_many_changes_some_untold_every_client_ends_at_the_last(
    address: str, writer: Writer, user: str
) -> None:
    async with following(address, user, "tv") as tv, following(address, user, "phone") as phone:
        for client in (tv, phone):
            await client.message("hello")
        for number in range(300):
            writer.watch(user, f"t{number % 7}", number, told=number % 5 != 3)
            if number % 10 == 0:
                await asyncio.sleep(0)
        await asyncio.gather(tv.until("t5", 299), phone.until("t5", 299))
