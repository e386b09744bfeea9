"""All channels together, over a store in memory and with a clock that stands still."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from query_api.services.live.hub import Heard, Hub
from query_api.services.live.stream import Encoded
from runtime.clock import FrozenClock
from runtime.http.problems import Problem
from tests.support.live_model import NOW, Device, MemoryReader, command, hub_over, notice, settle, state


@pytest.fixture
def reader() -> MemoryReader:
    return MemoryReader()


@pytest.fixture
async def hub(reader: MemoryReader) -> Hub:
    """It has learned that nothing is stored yet."""
    found = hub_over(reader)
    found.sweep(await reader.standing())
    return found


async def test_in_the_usual_case_the_database_is_not_asked(hub: Hub, reader: MemoryReader) -> None:
    devices = [Device(hub, "ann", "tv"), Device(hub, "ann", "phone"), Device(hub, "bob")]
    for device in devices:
        await device.connect()
    for number in range(1, 101):
        row = state("ann", f"t{number % 5}", number)
        hub.heard(notice(reader.commit(row), row))
        await settle(3)
    assert [device.titles for device in devices] == [reader.of("ann"), reader.of("ann"), {}]
    assert (reader.reads, reader.comparisons) == (0, 0)
    for device in devices:
        await device.disconnect()
    assert len(hub) == 0


async def test_devices_of_one_person_get_the_same_text(hub: Hub, reader: MemoryReader) -> None:
    encoded, devices = Encoded(), [Device(hub, "ann", "tv"), Device(hub, "ann", "phone")]
    for device in devices:
        await device.connect(encoded)
    row = state("ann", "heat", 1)
    hub.heard(notice(reader.commit(row), row))
    await settle()
    assert devices[0].messages[1] == devices[1].messages[1]
    assert len(encoded._texts) == 1


async def test_after_a_gap_only_those_with_news_read(hub: Hub, reader: MemoryReader) -> None:
    devices = [Device(hub, user) for user in ("ann", "bob", "cy")]
    for device in devices:
        await device.connect()
    reader.commit(state("bob", "lost", 1))
    row = state("ann", "after", 2)
    hub.heard(notice(reader.commit(row), row))
    await settle()
    assert devices[0].titles == {}, "a notice after a gap is not believed"
    await hub.reassure()
    await settle()
    assert [device.titles for device in devices] == [{"after": 2}, {"lost": 1}, {}]
    assert (reader.reads, reader.comparisons) == (2, 1)


async def test_a_lost_last_notice_shows_in_the_sweep(hub: Hub, reader: MemoryReader) -> None:
    device = Device(hub)
    await device.connect()
    reader.commit(state("ann", "lost", 1))
    hub.sweep(await reader.standing())
    await hub.reassure()
    await settle()
    assert device.titles == {"lost": 1}
    epoch = hub.epoch
    hub.sweep(await reader.standing())
    assert hub.epoch == epoch, "nothing is missing any more"


async def test_a_gap_during_the_comparison_is_compared_again(hub: Hub, reader: MemoryReader) -> None:
    device = Device(hub)
    await device.connect()
    hub.heard(None)
    comparing = asyncio.create_task(hub.reassure())
    await asyncio.sleep(0)
    reader.commit(state("ann", "lost", 1))
    hub.heard(None)
    await comparing
    await hub.reassure()
    await settle()
    assert device.titles == {"lost": 1}


async def test_a_gap_during_a_channels_own_read_is_looked_into(hub: Hub, reader: MemoryReader) -> None:
    device = Device(hub)
    await device.connect()
    await settle()
    await device.disconnect()
    await device.connect()  # with its cursor: it reads
    await settle(1)
    hub.heard(None)
    hub._doubt.clear()  # the comparison came while it was reading, and left it out
    await settle()
    assert hub._doubt.is_set()


async def test_what_is_told_during_the_comparison_is_not_lost(hub: Hub, reader: MemoryReader) -> None:
    device = Device(hub)
    await device.connect()
    hub.distrust("test")
    comparing = asyncio.create_task(hub.reassure())
    await settle(2)
    row = state("ann", "meanwhile", 1)
    hub.heard(notice(reader.commit(row), row))
    await comparing
    await settle()
    assert device.titles == {"meanwhile": 1}


async def test_while_the_database_is_away_nothing_is_lost(hub: Hub, reader: MemoryReader) -> None:
    device = Device(hub)
    await device.connect()
    reader.commit(state("ann", "lost", 1))
    async with hub.running():
        hub.heard(None)
        reader.away = True
        await asyncio.sleep(0.3)
        assert device.titles == {}
        reader.away = False
        await _until(lambda: device.titles == {"lost": 1})
        row = state("ann", "next", 2)
        hub.heard(notice(reader.commit(row), row))
        await _until(lambda: device.titles == {"lost": 1, "next": 2})
    assert device.ended


async def test_a_channel_ends_with_its_token_and_pings_until_then(reader: MemoryReader) -> None:
    clock = FrozenClock(NOW)
    hub = hub_over(reader, clock)
    device = Device(hub)
    await device.connect()  # good for 600 s
    await settle()
    for _ in range(599):
        clock.advance(1.0)
        hub.tick()
        await settle(5)
    assert [message["type"] for message in device.messages] == ["hello", *["ping"] * 39]
    clock.advance(1.0)
    hub.tick()
    await settle()
    assert (device.messages[-1], device.ended) == ({"type": "expired"}, True)
    assert len(hub) == 0


async def test_a_slow_client_slows_nobody_and_is_told_to_refetch(
    hub: Hub, reader: MemoryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("query_api.services.live.connection.MOST_WAITING", 20)
    slow, quick = Device(hub, "ann", "tv"), Device(hub, "ann", "phone")
    for device in (slow, quick):
        await device.connect()
    await settle()
    slow.may_read.clear()
    for number in range(1, 201):
        row = state("ann", f"t{number}", number)
        hub.heard(notice(reader.commit(row), row))
        await settle(4)
        assert slow.stream is not None
        assert slow.stream.connection.waiting <= 21
    assert quick.titles == reader.of("ann")
    slow.may_read.set()
    await settle()
    assert slow.messages[-1] == {"type": "refetch", "reason": "too_slow"}
    assert (slow.ended, quick.ended) == (True, False)


async def test_stopping_ends_every_channel_and_lets_nobody_in(hub: Hub, reader: MemoryReader) -> None:
    device, late = Device(hub), Device(hub)
    await device.connect()
    await settle()
    hub.stop()
    await late.connect()
    await settle()
    assert device.ended
    assert late.ended


async def test_one_user_cannot_open_channels_without_end(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("query_api.services.live.hub.MOST_OF_ONE_USER", 2)
    for _ in range(2):
        await Device(hub).connect()
    with pytest.raises(Problem, match="rate-limited"):
        await Device(hub).connect()
    await Device(hub, "bob").connect()


async def test_a_loop_that_fails_begins_again_and_what_it_missed_is_looked_up(
    reader: MemoryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("query_api.services.live.hub.TICK_SECONDS", 0.01)
    heard: asyncio.Queue[Heard | Exception | None] = asyncio.Queue()

    class Faulty:
        async def notices(self) -> AsyncIterator[Heard | None]:
            while True:
                found = await heard.get()
                if isinstance(found, Exception):
                    raise found
                yield found

    hub = Hub(reader, Faulty(), FrozenClock(NOW))
    async with hub.running():
        device = Device(hub)
        await device.connect()
        reader.commit(state("ann", "lost", 1))
        heard.put_nowait(KeyError("a bug"))
        await _until(lambda: device.titles == {"lost": 1})
        row = state("ann", "next", 2)
        heard.put_nowait(notice(reader.commit(row), row))
        await _until(lambda: device.titles == {"lost": 1, "next": 2})


async def test_commands_go_on_where_the_cursor_says(hub: Hub, reader: MemoryReader) -> None:
    device, other = Device(hub, "ann", "tv"), Device(hub, "ann", "phone")
    for each in (device, other):
        await each.connect()
    await settle()
    await device.disconnect()
    row = command("ann", "c1", 1)
    hub.heard(notice(reader.commit(row), row, read_model="devices"))
    await device.connect()
    await settle()
    await device.disconnect()
    await device.connect()
    await settle()
    assert (device.commands, other.commands) == (["c1"], [])


async def _until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)
