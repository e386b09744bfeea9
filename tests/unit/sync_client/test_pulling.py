"""What others did, and what becomes of our own when it comes back."""

import pytest

from sync_client import UnexpectedAnswer
from tests.support.sync_service import Reply, SyncService, problem
from tests.unit.sync_client.conftest import Open


def changes_asked(service: SyncService) -> list[str]:
    return [what for what, _ in service.requests if what.startswith("GET")]


async def test_pages_are_fetched_until_there_are_no_more(opened: Open, service: SyncService) -> None:
    service.page_size = 7
    for number in range(30):
        service.from_elsewhere("u", "watchlist.add", titleId=f"t{number:02}", rank=f"a{number % 10}")
    client = opened()
    await client.pull()
    assert len(client.watchlist()) == 30
    assert len(changes_asked(service)) == 5
    await client.pull()
    assert len(changes_asked(service)) == 6, "from the cursor on"
    await client.close()
    again = opened()
    await again.pull()
    assert len(again.watchlist()) == 30
    assert changes_asked(service)[-1].endswith("since=30")


async def test_a_page_is_kept_when_the_next_one_fails(opened: Open, service: SyncService) -> None:
    client = opened()
    await client.pull()
    service.page_size = 5
    for number in range(12):
        service.from_elsewhere("u", "preference.set", name=f"p{number:02}", value=number)
    service.faults.extend([None, Reply(404, "gone")])
    with pytest.raises(UnexpectedAnswer):
        await client.pull()
    assert len(client.preferences()) == 5
    await client.pull()
    assert len(client.preferences()) == 12


async def test_read_your_writes_waits_for_our_own_position(opened: Open, service: SyncService) -> None:
    client = opened()
    client.add("a")
    client.set_preference("p", 1)
    await client.flush()
    assert client.mg_after == "preference-changes:0:1, watchlist-changes:0:0"
    await client.pull()
    assert service.requests[-1][1]["mg-after"] == client.mg_after
    await client.pull()
    assert "mg-after" not in service.requests[-1][1], "what it waited for is here"


async def test_when_the_service_is_behind_others_still_show_and_our_own_stay_on_top(
    opened: Open, service: SyncService
) -> None:
    client = opened()
    client.add("mine")
    await client.flush()
    service.forget_row("watchlist", "mine")
    service.from_elsewhere("u", "watchlist.add", titleId="theirs", rank="a5")
    service.behind = True
    await client.pull(patience=0)
    assert client.watchlist() == ["mine", "theirs"]
    assert client.status().accepted == 1


async def test_positions_of_another_log_are_forgotten(opened: Open, service: SyncService) -> None:
    client = opened()
    client.add("a")
    await client.flush()
    service.faults.append(problem("invalid-position", 400))
    await client.pull()
    assert client.mg_after == ""
    assert client.status().accepted == 0
    assert client.watchlist() == ["a"]


@pytest.mark.parametrize("how", [problem("cursor-too-old", 410), problem("invalid-cursor", 400)], ids=["410", "400"])
async def test_a_cursor_that_is_no_good_fetches_everything_and_replaces_it(
    opened: Open, service: SyncService, how: Reply
) -> None:
    service.page_size = 3
    for number in range(8):
        service.from_elsewhere("u", "watchlist.add", titleId=f"t{number}", rank=f"a{number}")
    client = opened()
    await client.pull()
    service.forget_row("watchlist", "t3")
    client.add("mine", 0)
    service.faults.append(how)
    await client.pull()
    assert client.watchlist() == ["mine", "t0", "t1", "t2", "t4", "t5", "t6", "t7"]
    await client.close()
    assert opened().watchlist() == ["mine", "t0", "t1", "t2", "t4", "t5", "t6", "t7"]


async def test_a_full_fetch_that_breaks_off_replaces_nothing(opened: Open, service: SyncService) -> None:
    service.page_size = 3
    for number in range(8):
        service.from_elsewhere("u", "watchlist.add", titleId=f"t{number}", rank=f"a{number}")
    client = opened()
    await client.pull()
    service.forget_row("watchlist", "t3")
    service.faults.extend([problem("cursor-too-old", 410), None, Reply(404, "broken")])
    with pytest.raises(UnexpectedAnswer):
        await client.pull()
    assert len(client.watchlist()) == 8


async def test_rows_that_are_older_than_what_is_known_change_nothing(opened: Open, service: SyncService) -> None:
    """Monotonic reads, also when answers come from replicas that are behind."""
    client = opened()
    service.from_elsewhere("u", "preference.set", name="p", value="old")
    old = Reply(200, service._changes({}, "").body)
    service.from_elsewhere("u", "preference.set", name="p", value="new")
    await client.pull()
    service.faults.append(old)
    await client.pull()
    assert client.preferences() == {"p": "new"}


async def test_rows_and_kinds_of_a_newer_service_are_ignored(opened: Open, service: SyncService) -> None:
    body = {
        "cursor": "1", "more": False, "asOf": None, "somethingNew": [{"x": 1}], "ratings": [], "commands": [],
        "preferences": [{"name": "p", "value": {"a": [1]}, "hlc": "7", "deviceId": "x", "revision": 1, "new": True}],
        "devices": [{"deviceId": "tv", "name": "TV", "kind": "tv", "capabilities": ["play"], "removed": False,
                     "hlc": "5", "updatedAt": "2026-01-01T00:00:00Z", "revision": 2}],
    }  # fmt: skip
    client = opened()
    service.faults.append(Reply(200, body))
    await client.pull()
    assert client.preferences() == {"p": {"a": [1]}}
    assert [device.name for device in client.devices()] == ["TV"]


@pytest.mark.parametrize("body", [{}, [], "x", {"cursor": 5, "more": "perhaps"}, {"cursor": "1", "more": False,
                                  "watchlist": [{"titleId": 3}]}])  # fmt: skip
async def test_an_answer_that_makes_no_sense_changes_nothing(opened: Open, service: SyncService, body: object) -> None:
    client = opened()
    service.faults.append(Reply(200, body))
    with pytest.raises(UnexpectedAnswer, match="something else than expected"):
        await client.pull()
    assert not client.status().pulled


COMMAND = {
    "commandId": "c1", "deviceId": "phone", "targetDeviceId": "tv", "command": "play", "titleId": "film",
    "positionMs": 7, "issuedAt": "2026-01-01T00:00:00Z", "expiresAt": "2999-01-01T00:00:00Z", "revision": 1,
}  # fmt: skip


async def test_commands_are_told_once_and_to_their_device_and_in_time(opened: Open, service: SyncService) -> None:
    told: list[str] = []
    client = opened(on_command=lambda command: told.append(command.command_id))
    commands = [
        COMMAND,
        COMMAND | {"commandId": "c2", "targetDeviceId": "web"},
        COMMAND | {"commandId": "c3", "expiresAt": "2020-01-01T00:00:00Z"},
        COMMAND | {"commandId": "c4", "expiresAt": "whenever"},
    ]
    answer = Reply(200, {"cursor": "1", "more": False, "commands": commands})
    service.faults.extend([answer, answer, problem("cursor-too-old", 410), answer])
    await client.pull()
    await client.pull()
    await client.pull()
    assert told == ["c1"]
