"""A disk that is full when it should be, and has room again afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs import small_disk
from proofs.small_disk import SmallDisk
from proofs.system import SystemFailed


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if lacking := small_disk.why_not():
        pytest.skip(lacking)
    with SmallDisk(tmp_path / "disk", 8) as made:
        yield made


def test_full_and_free_again(disk: SmallDisk) -> None:
    (disk.folder / "before").write_bytes(bytes(100_000))
    with disk.full(), pytest.raises(OSError, match="No space left"):
        (disk.folder / "more").write_bytes(bytes(100_000))
    (disk.folder / "after").write_bytes(bytes(1_000_000))
    assert (disk.folder / "before").read_bytes() == bytes(100_000)


def test_only_the_logs_outlive_it(tmp_path: Path, disk: SmallDisk) -> None:
    folder = tmp_path / "other"
    with SmallDisk(folder, 1):
        (folder / "logs").mkdir()
        (folder / "logs" / "up.log").write_text("said")
        (folder / "data").write_text("gone")
    assert not folder.is_mount()
    assert [path.name for path in folder.iterdir()] == ["logs"]
    assert (folder / "logs" / "up.log").read_text() == "said"


def test_one_that_a_killed_run_left_is_replaced(tmp_path: Path, disk: SmallDisk) -> None:
    folder = tmp_path / "left"
    SmallDisk(folder, 1).__enter__()
    (folder / "left").write_text("over")
    with SmallDisk(folder, 1):
        assert list(folder.iterdir()) == []
    assert not folder.is_mount()


def test_without_the_right_to_mount_it_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "mount"
    command.write_text("#!/bin/sh\necho usage >&2\necho 'only root can do that' >&2\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert small_disk.why_not() == "cannot mount a small disk: only root can do that"
    with pytest.raises(SystemFailed, match="only root"):
        SmallDisk(tmp_path / "disk", 1).__enter__()
