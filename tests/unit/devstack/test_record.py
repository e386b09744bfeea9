import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from devstack import record
from devstack.errors import StackError
from devstack.record import Record, Running
from runtime.settings import load


def silent(_line: str) -> None:
    pass


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    state = Record(
        addresses={"kafka": "127.0.0.1:1"},
        ports={"kafka": {"kafka": 1}},
        processes={"kafka": Running(pid=7, started=1.5)},
    )
    record.save(tmp_path, state)
    assert record.load(tmp_path) == state


def test_no_file_is_an_empty_record(tmp_path: Path) -> None:
    assert record.load(tmp_path) == Record()


def test_the_file_is_private_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    record.save(tmp_path, Record(addresses={"redis_url": "redis://:secret@here"}))
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_empty_record_removes_the_file(tmp_path: Path) -> None:
    record.save(tmp_path, Record(addresses={"kafka": "here"}))
    record.save(tmp_path, Record())
    record.save(tmp_path, Record())
    assert list(tmp_path.iterdir()) == []


def test_settings_read_the_addresses(tmp_path: Path) -> None:
    names = ("kafka", "postgres_dsn", "postgres_reader_dsn", "redis_url", "qdrant_url", "registry_url")
    record.save(tmp_path, Record(addresses={name: f"here-{name}" for name in names}))
    settings = load({"MG_HOME": str(tmp_path)})
    assert [getattr(settings, name) for name in names] == [f"here-{name}" for name in names]


def test_a_broken_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(StackError, match="delete the file") as caught:
        record.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StackError, match="set MG_HOME to a folder you can write") as saving:
        record.save(blocked, Record(addresses={"kafka": "here"}))
    with pytest.raises(StackError, match="set MG_HOME to a folder you can write") as locking:
        ExitStack().enter_context(record.locked(blocked / "lock", silent))
    assert "\n" not in f"{saving.value}{locking.value}"


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record.save(tmp_path, Record(addresses={"kafka": "old"}))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("devstack.record.os.fsync", full)
    with pytest.raises(StackError, match=r"No space left on device.*free disk space"):
        record.save(tmp_path, Record(addresses={"kafka": "new"}))
    monkeypatch.undo()
    assert record.load(tmp_path).addresses == {"kafka": "old"}
    assert [file.name for file in tmp_path.iterdir()] == ["stack.json"]


def test_the_lock_is_held_across_processes_and_freed_by_a_kill(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from devstack.record import locked\n"
        "with locked(Path(sys.argv[1]), print):\n    print('held', flush=True); time.sleep(60)"
    )
    lock = tmp_path / "stack.lock"
    with subprocess.Popen([sys.executable, "-c", program, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waited: list[str] = []

        def report(line: str) -> None:
            waited.append(line)
            holder.kill()

        begun = time.monotonic()
        with record.locked(lock, report):
            pass
        assert waited == [f"waiting for another command that holds {lock}"]
        assert time.monotonic() - begun < 10
