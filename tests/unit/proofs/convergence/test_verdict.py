"""Each promise that is broken is found. No backend: the journals are made up."""

from pathlib import Path
from typing import Any

import pytest

from proofs.convergence import journal, verdict
from proofs.convergence.journal import Did, Journal, Played, Read, Record, Sent, Violation
from proofs.convergence.oracle import Picture
from sync_laws.tags import tag_of

WHO = ("ann", "tv")
TITLES = 8
ORDERLY, RESTLESS = "title-007", "title-000"


def did(operation_id: str, kind: str = "watched.mark", title: str = ORDERLY, *, completed: bool = False) -> Did:
    return Did(*WHO, operation_id, kind, title, completed)


def sent(operation_id: str, op: str = "watched.mark", title: str = ORDERLY, **body: Any) -> Sent:
    return Sent(*WHO, {"op": op, "operationId": operation_id, "titleId": title, "hlc": "1", **body})


def violations(*records: Record) -> list[str]:
    return verdict.history(records, TITLES).violations


def test_what_was_sent_is_not_lost() -> None:
    assert violations(did("1"), sent("1"), sent("1")) == []
    assert len(violations(did("1"), did("2"), sent("2"))) == 1


@pytest.mark.parametrize(
    ("first", "second", "lost"), [(False, False, 0), (False, True, 0), (True, True, 0), (True, False, 1)]
)
def test_progress_may_be_replaced_by_newer_progress_of_its_title(first: bool, second: bool, lost: int) -> None:
    calls = (did("1", "progress.set", completed=first), did("2", "progress.set", completed=second))
    body: dict[str, Any] = {"positionMs": 100 if second else 5, "durationMs": 100}
    assert len(violations(*calls, sent("2", "progress.set", **body))) == lost
    unheard = violations(calls[0], sent("2", "progress.set", **body))
    assert len(unheard) == lost, "the process died before it could write down the second call"
    assert violations(calls[0], sent("2", "progress.set", title="title-006", **body)), "of another title"


def test_an_operation_has_one_content() -> None:
    assert len(violations(did("1"), sent("1"), sent("1", title="title-006"))) == 1


def read(title: str, revision: int, hlc: int) -> Read:
    return Read(*WHO, ((title, revision, hlc),))


def test_reads_do_not_go_back() -> None:
    assert violations(read(ORDERLY, 1, 10), read(ORDERLY, 1, 10), read(ORDERLY, 2, 11)) == []
    assert len(violations(read(ORDERLY, 2, 10), read(ORDERLY, 1, 10))) == 1
    assert len(violations(read(ORDERLY, 1, 10), read(ORDERLY, 2, 9))) == 1
    assert violations(read(RESTLESS, 1, 10), read(RESTLESS, 2, 9)) == [], "a session behind an end that was late"
    other = Read("ann", "phone", ((ORDERLY, 1, 1),))
    assert violations(read(ORDERLY, 2, 10), other) == [], "devices are not equally far"


def test_what_devices_found_themselves_counts() -> None:
    assert violations(Violation(*WHO, "stale")) == ["ann/tv: stale"]


def test_the_log_holds_everything_once() -> None:
    played = Played(*WHO, {"eventId": "e-1"})
    expected = verdict.history([did("1"), sent("1"), played], TITLES).event_ids()
    assert expected == {tag_of(*WHO, "1"), tag_of(*WHO, "playback:e-1")}
    whole = {event_id: {b"x"} for event_id in expected}
    assert verdict.judge_log(expected, whole) == []
    assert len(verdict.judge_log(expected, {**whole, tag_of(*WHO, "1"): {b"x", b"y"}})) == 1
    assert len(verdict.judge_log(expected, {**whole, "another": {b"x"}})) == 1
    assert len(verdict.judge_log(expected, dict(list(whole.items())[:1]))) == 1


def shown(**different: Any) -> dict[str, Any]:
    whole = {
        "user": "ann",
        "device": "tv",
        "unsent": 0,
        "unseen": 0,
        "rejected": [],
        "watchlist": ["t"],
        "watched": [],
        "continue": ["t"],
        "progress": {"t": [1, 2, False, False]},
        "preferences": {"x": 1},
    }
    return {**whole, **different}


ANSWERS = {"ann": Picture(["t"], [], ["t"], {"t": [1, 2, False, False]}, {"x": 1})}


def test_devices_that_show_what_the_apis_answer_agree() -> None:
    assert verdict.judge_devices([shown(), shown(device="phone")], ANSWERS) == ([], [])


@pytest.mark.parametrize(
    "different",
    [
        {"watchlist": []},
        {"watched": ["t"]},
        {"continue": []},
        {"progress": {"t": [2, 2, False, False]}},
        {"progress": {}},
        {"preferences": {}},
    ],
)
def test_every_part_of_a_view_is_compared(different: dict[str, Any]) -> None:
    divergences, found = verdict.judge_devices([shown(), shown(device="phone", **different)], ANSWERS)
    assert (len(divergences), found) == (1, [])
    assert divergences[0].startswith("ann/phone: ")


@pytest.mark.parametrize("different", [{"unsent": 1}, {"unseen": 1}, {"rejected": ["no"]}])
def test_queues_are_empty_in_the_end(different: dict[str, Any]) -> None:
    divergences, found = verdict.judge_devices([shown(**different)], ANSWERS)
    assert (divergences, len(found)) == ([], 1)


def test_journals_of_processes_that_died_in_the_middle_of_a_line(tmp_path: Path) -> None:
    first = Journal(journal.path_of(tmp_path, "clients-0", 0))
    first.write(did("1"), sent("1"))
    first.close()
    path = journal.path_of(tmp_path, "clients-0", 0)
    path.write_bytes(path.read_bytes() + b'{"type":"Did","us')
    second = Journal(journal.path_of(tmp_path, "clients-0", 1))
    second.write(did("2"))
    second.close()
    assert list(journal.read(tmp_path)) == [did("1"), sent("1"), did("2")]
    assert list(journal.read(tmp_path, "clients-1")) == []
    with pytest.raises(FileExistsError):
        Journal(path)
