"""What the app sees: at once, offline, after a restart, and after others did something."""

from collections.abc import Callable
from typing import Any

import pytest

from sync_client import InvalidOperation, NotOnWatchlist, QueueFull, SyncClient, WatchlistFull
from sync_laws import clock
from sync_laws.watchlist import ordered
from tests.support.sync_service import SyncService
from tests.unit.sync_client.conftest import NOW, Open, Wall


async def synced(*clients: SyncClient) -> None:
    for client in clients:
        await client.flush()
    for client in clients:
        await client.pull()


async def test_what_was_done_shows_at_once_and_after_a_restart(opened: Open) -> None:
    client = opened()
    client.add("a")
    client.add("b")
    client.add("c", 0)
    client.move("b", 0)
    client.remove("a")
    client.set_progress("film", 60_000, 7_000_000)
    client.mark_watched("old")
    client.set_preference("subtitles.language", "de")
    before = (client.watchlist(), client.continue_watching(), client.watched(), client.preferences())
    assert before[0] == ["b", "c"]
    assert [(each.title_id, each.position_ms) for each in before[1]] == [("film", 60_000)]
    assert before[2:] == (["old"], {"subtitles.language": "de"})
    await client.close()
    again = opened()
    assert (again.watchlist(), again.continue_watching(), again.watched(), again.preferences()) == before
    assert again.status().waiting == 8


async def test_syncing_changes_nothing_that_shows_and_empties_the_queue(opened: Open, service: SyncService) -> None:
    client = opened()
    for title in "abc":
        client.add(title)
    client.move("c", 1)
    client.set_progress("film", 60_000, 7_000_000)
    shown = (client.watchlist(), client.continue_watching())
    assert (await client.flush()).accepted == 5
    assert client.status().accepted == 5
    assert (client.watchlist(), client.continue_watching()) == shown
    await client.pull()
    status = client.status()
    assert (status.waiting, status.accepted, status.rejected) == (0, 0, 0)
    assert (client.watchlist(), client.continue_watching()) == shown
    assert ordered(service.items) == shown[0]


async def test_a_title_added_and_removed_offline_is_gone_everywhere(opened: Open, service: SyncService) -> None:
    """The device knows the tag that the service will give its addition."""
    client = opened()
    client.add("a")
    client.remove("a")
    assert client.watchlist() == []
    await client.flush()
    assert not service.items["a"].present
    await client.pull()
    assert client.watchlist() == []


async def test_an_addition_elsewhere_survives_a_removal_that_did_not_see_it(opened: Open) -> None:
    tv, phone = opened("tv"), opened("phone")
    tv.add("a")
    await synced(tv, phone)
    phone.remove("a")
    tv.add("a")
    await synced(phone, tv)
    await synced(phone, tv)
    assert phone.watchlist() == tv.watchlist() == ["a"]


async def test_two_devices_that_add_at_the_same_place_agree_and_can_still_move_between(opened: Open) -> None:
    tv, phone = opened("tv"), opened("phone")
    tv.add("x")
    phone.add("y")
    await synced(tv, phone)
    await tv.pull()
    assert tv.watchlist() == phone.watchlist() == ["x", "y"], "the same rank: by title"
    tv.add("z", 1)
    assert tv.watchlist() == ["x", "z", "y"]
    await synced(tv, phone)
    assert phone.watchlist() == ["x", "z", "y"]


async def test_the_newer_progress_wins_on_every_device(opened: Open, wall: Wall) -> None:
    tv, phone = opened("tv"), opened("phone")
    tv.set_progress("film", 10_000, 100_000)
    wall.milliseconds += 1_000
    phone.set_progress("film", 30_000, 100_000)
    await synced(phone, tv)
    await phone.pull()
    for client in (tv, phone):
        found = client.progress("film")
        assert found is not None
        assert found.position_ms == 30_000


async def test_what_was_seen_elsewhere_is_older_than_what_is_done_next(opened: Open, wall: Wall) -> None:
    """Writes follow reads, also on a device whose clock is two minutes behind."""
    behind = Wall(NOW - 120_000)
    tv, phone = opened("tv"), opened("phone", wall_ms=behind)
    tv.set_preference("p", "tv")
    await synced(tv, phone)
    phone.set_preference("p", "phone")
    await synced(phone, tv)
    assert tv.preferences() == phone.preferences() == {"p": "phone"}


async def test_unsent_progress_of_a_title_is_replaced_by_the_newest(opened: Open, service: SyncService) -> None:
    client = opened()
    first = client.set_progress("film", 1_000, 100_000)
    client.set_progress("other", 1_000)
    last = client.set_progress("film", 2_000, 100_000)
    assert client.status().waiting == 2
    await client.flush()
    assert [each["operationId"] for each in service.log if each["titleId"] == "film"] == [last]
    assert first != last


async def test_progress_that_completed_a_title_is_not_replaced_by_a_later_one(opened: Open) -> None:
    """It marks the title as watched, and a second viewing must not undo that."""
    client = opened()
    client.set_progress("film", 96_000, 100_000)
    client.set_progress("film", 1_000, 100_000)
    client.set_progress("film", 2_000, 100_000)
    assert client.status().waiting == 2
    await synced(client)
    assert client.watched() == ["film"]
    client.set_progress("film", 96_000, 100_000)
    client.set_progress("film", 97_000, 100_000)
    assert client.status().waiting == 1


async def test_progress_that_may_have_been_sent_is_never_replaced(opened: Open, service: SyncService) -> None:
    client = opened()
    first = client.set_progress("film", 1_000)
    service.faults.extend(["lost"] * 50)
    with pytest.raises(Exception, match="stays queued"):
        await client.flush(patience=0)
    second = client.set_progress("film", 2_000)
    service.faults.clear()
    await client.flush()
    assert [each["operationId"] for each in service.log] == [first, second]
    assert service.repeated == 1
    assert not service.conflicts


async def test_a_full_queue_says_so_and_loses_nothing(opened: Open) -> None:
    client = opened(limit=3)
    client.set_progress("film", 1_000)
    client.add("a")
    client.add("b")
    with pytest.raises(QueueFull, match="3 operations wait to be synced, at most 3 may"):
        client.add("c")
    client.set_progress("film", 2_000)
    assert client.watchlist() == ["a", "b"]
    with pytest.raises(QueueFull):
        client.set_progress("another", 1)
    await synced(client)
    client.add("c")
    assert client.watchlist() == ["a", "b", "c"]


async def test_adding_again_keeps_the_place(opened: Open) -> None:
    client = opened()
    client.add("a")
    client.add("b")
    client.add("a")
    assert client.watchlist() == ["a", "b"]
    client.add("a", 9)
    assert client.watchlist() == ["b", "a"]


@pytest.mark.parametrize("index", [-1, 0, 1, 2, 99])
async def test_a_moved_title_is_number_index(opened: Open, index: int) -> None:
    client = opened()
    for title in "abc":
        client.add(title)
    client.move("b", index)
    expected = ["a", "c"]
    expected.insert(max(0, min(index, 2)), "b")
    assert client.watchlist() == expected


async def test_what_is_not_on_the_list_cannot_be_moved_or_removed(opened: Open) -> None:
    client = opened()
    client.add("a")
    client.remove("a")
    with pytest.raises(NotOnWatchlist):
        client.move("a", 0)
    for title in ("a", "never"):
        with pytest.raises(NotOnWatchlist):
            client.remove(title)
    assert client.status().waiting == 2


async def test_a_list_has_an_end(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync_client.client.MOST_ITEMS", 2)
    client = opened()
    client.add("a")
    client.add("b")
    client.add("b", 0)
    with pytest.raises(WatchlistFull):
        client.add("c")
    client.remove("a")
    client.add("c")
    assert client.watchlist() == ["b", "c"]


BAD: list[Callable[[Any], object]] = [
    lambda c: c.add(""),
    lambda c: c.add("x" * 201),
    lambda c: c.add("a\nb"),
    lambda c: c.add(7),
    lambda c: c.set_progress("film", -1),
    lambda c: c.set_progress("film", 2**63),
    lambda c: c.set_progress("film", float("nan")),
    lambda c: c.set_progress("film", 1.5),
    lambda c: c.set_progress("film", 10, 0),
    lambda c: c.set_progress("film", 10, -5),
    lambda c: c.set_progress("film", 11, 10),
    lambda c: c.set_preference("", 1),
    lambda c: c.set_preference("no spaces", 1),
    lambda c: c.set_preference("p", "x" * 5000),
    lambda c: c.set_preference("p", object()),
    lambda c: c.set_preference("p", "\ud800"),
    lambda c: c.mark_watched("\x00"),
]


@pytest.mark.parametrize("change", BAD)
async def test_what_the_service_would_never_accept_is_refused_at_once(
    opened: Open, change: Callable[[Any], object]
) -> None:
    client = opened()
    with pytest.raises(InvalidOperation, match="cannot be queued"):
        change(client)
    assert client.status().waiting == 0
    assert client.watchlist() == []


async def test_stamps_grow_across_restarts_and_a_clock_set_back(opened: Open, service: SyncService, wall: Wall) -> None:
    for milliseconds in (NOW, NOW - 100_000, NOW - 140_000, NOW + 1):
        wall.milliseconds = milliseconds
        client = opened()
        client.add("a")
        client.add("b")
        await client.close()
    client = opened()
    await client.flush()
    stamps = [int(each["hlc"]) for each in service.log]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 8


@pytest.mark.parametrize("off", [-40 * 365 * 86_400_000, -600_000, 600_000, 20 * 365 * 86_400_000])
async def test_a_clock_that_is_far_off_is_corrected_by_the_services(
    opened: Open, service: SyncService, wall: Wall, off: int
) -> None:
    """Without it every operation of such a device would be refused, or lose against all others for years."""
    wall.milliseconds = NOW + off
    client = opened()
    service.from_elsewhere("u", "progress.set", titleId="film", positionMs=99)
    ids = [client.add("a"), client.add("b"), client.set_progress("film", 5)]
    shown = client.watchlist()
    await synced(client)
    assert [each["operationId"] for each in service.log] == ids
    assert client.rejected() == []
    assert client.watchlist() == shown
    if abs(off) > 31_536_000_000:  # a clock that was never set, or one of the far future
        progress = client.progress("film")
        assert progress is not None
        assert progress.position_ms == 5
    service.from_elsewhere("u", "preference.set", name="p", value="other")
    await client.pull()
    client.set_preference("p", "mine")
    await synced(client)
    assert client.preferences() == {"p": "mine"}
    stamps = [int(each["hlc"]) for each in service.log]
    assert stamps[-1] == max(stamps)
    assert abs(clock.milliseconds_of(stamps[-1]) - NOW) < 2_000
    await client.close()
    assert opened().preferences() == {"p": "mine"}


async def test_ids_that_would_make_ambiguous_tags_are_refused(opened: Open) -> None:
    with pytest.raises(InvalidOperation, match="line breaks"):
        opened("t\nv")
