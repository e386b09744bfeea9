"""The file: durable, one client at a time, and clear about what is wrong with it."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_client import (
    StoreCorrupt,
    StoreFull,
    StoreInUse,
    StoreReadOnly,
    SyncStoreError,
    WrongStore,
)
from sync_client.ledger import Ledger
from sync_client.operations import PreferenceSet, WatchedMark, WatchlistAdd

ADD = WatchlistAdd("a", "a0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device.db"


def ledger_at(path: Path, user: str = "u", device: str = "tv") -> Ledger:
    return Ledger(path, user, device)


def filled(path: Path, count: int = 5) -> list[str]:
    ledger = ledger_at(path)
    ids = [ledger.append([WatchedMark(f"t{number}")])[0] for number in range(count)]
    ledger.close()
    return ids


def test_commits_go_through_to_the_disk(path: Path) -> None:
    ledger = ledger_at(path)
    pragma = ledger._store._connection.execute
    found = [pragma(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "locking_mode")]
    assert found == ["wal", 2, "exclusive"]
    ledger.close()


def test_a_second_client_of_a_process_is_refused_and_the_first_goes_on(path: Path) -> None:
    first = ledger_at(path)
    with pytest.raises(StoreInUse, match="one client a file"):
        ledger_at(path)
    first.append([ADD])
    first.close()
    again = ledger_at(path)
    assert again.view.watchlist() == ["a"]
    again.close()


def test_a_second_process_is_refused_until_the_first_is_dead(path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from sync_client.ledger import Ledger\n"
        "from sync_client.operations import WatchlistAdd\n"
        "ledger = Ledger(Path(sys.argv[1]), 'u', 'tv'); ledger.append([WatchlistAdd('a', 'a0')])\n"
        "print('open', flush=True); time.sleep(600)"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreInUse, match="another process has it open"):
            ledger_at(path)
    finally:
        other.kill()
        other.communicate()
    ledger = ledger_at(path)
    assert ledger.view.watchlist() == ["a"], "and what it had acknowledged is there"
    ledger.close()


def test_a_file_belongs_to_one_user_and_one_device(path: Path) -> None:
    filled(path)
    for user, device in (("other", "tv"), ("u", "phone")):
        with pytest.raises(WrongStore, match="use another path"):
            ledger_at(path, user, device)
    assert len(ledger_at(path).view.queue) == 5


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    with pytest.raises(WrongStore, match="some other program"):
        ledger_at(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    connection.close()


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(WrongStore, match=r"newer version \(99"):
        ledger_at(path)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"\0" * 8192, b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_database_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SyncStoreError, match=r"move it away|some other program"):
        ledger_at(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.9])
def test_a_damaged_file_is_noticed_when_it_is_opened(path: Path, part: float) -> None:
    filled(path, 300)
    content = bytearray(path.read_bytes())
    start = int(len(content) * part) // 4096 * 4096
    content[start : start + 4096] = b"\xa5" * len(content[start : start + 4096])
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="left as it is"):
        ledger_at(path)
    assert path.read_bytes() == bytes(content)


def test_a_file_that_was_cut_short_is_noticed(path: Path) -> None:
    filled(path, 300)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StoreCorrupt, match="move it away"):
        ledger_at(path)


@pytest.mark.parametrize("body", ["{", '{"op": "unknown"}', '{"op":"watchlist.add"}'])
def test_an_operation_that_cannot_be_read_is_not_skipped(path: Path, body: str) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE operations SET body = ? WHERE seq = 3", (body,))
    connection.close()
    with pytest.raises(StoreCorrupt, match="operation cannot be read"):
        ledger_at(path)


def test_an_empty_file_is_a_new_one(path: Path) -> None:
    path.touch()
    ledger = ledger_at(path)
    ledger.append([ADD])
    ledger.close()


def test_a_folder_that_is_not_there(path: Path) -> None:
    with pytest.raises(StoreReadOnly, match="its folder must exist"):
        ledger_at(path.parent / "missing" / "device.db")


def test_a_folder_in_place_of_a_file(path: Path) -> None:
    path.mkdir()
    with pytest.raises(SyncStoreError):
        ledger_at(path)


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """One that a process without privileges may reach; root may write anything, so rights are given up for the test."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def as_owner(folder: Path, mode: int) -> None:
    mine = os.geteuid()
    os.seteuid(os.getuid())
    folder.chmod(mode)
    os.seteuid(mine)


@pytest.mark.parametrize("folder_too", [False, True])
def test_a_read_only_file(nobodys_folder: Path, folder_too: bool) -> None:
    path = nobodys_folder / "device.db"
    filled(path)
    path.chmod(0o444)
    if folder_too:
        path.chmod(0o644)
        as_owner(nobodys_folder, 0o555)
    with pytest.raises(StoreReadOnly, match="writ"):
        ledger_at(path)


def test_a_file_that_may_not_be_read(nobodys_folder: Path) -> None:
    path = nobodys_folder / "device.db"
    filled(path)
    path.chmod(0)
    with pytest.raises(StoreReadOnly):
        ledger_at(path)


def test_a_full_disk_refuses_the_operation_and_keeps_all_others(path: Path) -> None:
    ledger = ledger_at(path)
    ledger._store._connection.execute("PRAGMA max_page_count = 20")
    ids: list[str] = []

    def fill() -> None:
        while len(ids) < 10_000:
            ids.extend(ledger.append([PreferenceSet(f"p{len(ids)}", "x" * 500)]))

    with pytest.raises(StoreFull, match="make room and try again"):
        fill()
    assert 20 < len(ids) < 10_000
    assert len(ledger.view.preferences()) == len(ids), "the view shows nothing that was not stored"
    ledger._store._connection.execute("PRAGMA max_page_count = 1000")
    ids.extend(ledger.append([PreferenceSet("late", 1)]))
    ledger.close()
    again = ledger_at(path)
    assert list(again.view.queue) == ids
    again.close()


_LIMITED = """
import resource, sys
from pathlib import Path
from sync_client import SyncStoreError
from sync_client.ledger import Ledger
from sync_client.operations import PreferenceSet
ledger = Ledger(Path(sys.argv[1]), "u", "tv")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    for number in range(10_000):
        print(ledger.append([PreferenceSet(f"p{number}", "x" * 500)])[0], flush=True)
except SyncStoreError as error:
    print(type(error).__name__, error, file=sys.stderr)
    print(len(ledger.view.queue), file=sys.stderr)
"""


def test_a_disk_that_takes_no_more_bytes_loses_nothing_acknowledged(path: Path) -> None:
    """The operating system itself refuses to let the file grow."""
    done = subprocess.run([sys.executable, "-c", _LIMITED, str(path)], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("StoreFull"), done.stderr
    ids = done.stdout.split()
    assert 5 < len(ids) < 10_000
    assert done.stderr.split()[-1] == str(len(ids))
    ledger = ledger_at(path)
    assert list(ledger.view.queue) == ids
    ledger.append([ADD])
    ledger.close()


def test_a_closed_store_says_so(path: Path) -> None:
    ledger = ledger_at(path)
    ledger.close()
    ledger.close()
    with pytest.raises(SyncStoreError, match="closed"):
        ledger.append([ADD])
