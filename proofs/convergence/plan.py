"""How large a run is, and what each client process has to know. Deterministic in the seed."""

from pathlib import Path
from random import Random
from typing import Literal

import msgspec
from msgspec import Struct

SITTINGS_A_TITLE = 12
"""Sessions of one person and title: fewer than are remembered (sync_laws.watching), so that nothing is forgotten."""
PREFERENCES = 12
SKEW_MS = 120_000
"""A device's wall clock is at most so wrong."""

Phase = Literal["live", "flush", "show"]


class Scale(Struct, frozen=True):
    users: int
    devices: int
    """Of each user."""
    operations: int
    """Of all together, at least."""
    client_processes: int
    titles: int
    """Of each user."""
    rate: float
    """Operations a second of all together, at most: offline they cost nothing, and the network is to keep up."""
    client_kills: int
    """Client processes die so often, spread over the run; units likewise, each when all are back."""
    unit_kills: int
    seed: int = 1

    @property
    def quota(self) -> int:
        """Operations of each device."""
        return -(-self.operations // (self.users * self.devices))


class Member(Struct, frozen=True):
    """One device."""

    user: str
    device: str
    token: str
    sittings: tuple[str, ...]
    """Titles to play, one session each."""

    @property
    def file(self) -> str:
        return f"{self.user}-{self.device}.sqlite"


class Job(Struct, frozen=True):
    """What a client process does. The same job again goes on where the journals in `folder` end."""

    name: str
    folder: str
    phase: Phase
    incarnation: int
    """How often it was started before."""
    seed: int
    sync_url: str
    playback_url: str
    quota: int
    rate: float
    titles: int
    members: tuple[Member, ...]

    def write(self) -> Path:
        path = Path(self.folder) / f"{self.name}.{self.phase}.job.json"
        path.write_bytes(msgspec.json.encode(self))
        return path

    @staticmethod
    def read(path: Path) -> "Job":
        return msgspec.json.decode(path.read_bytes(), type=Job)


def title(number: int) -> str:
    return f"title-{number:03}"


def titles_of(count: int) -> list[str]:
    return [title(number) for number in range(count)]


def is_orderly(title_id: str, count: int) -> bool:
    """Of the first quarter of the titles players report late: positions from behind a session's end. Those may move a
    position to an older clock when the next session begins; everywhere else clocks of positions only grow."""
    return int(title_id.rpartition("-")[2]) >= count // 4


def sittings(scale: Scale, user: int) -> list[tuple[str, ...]]:
    """By device: every title is played SITTINGS_A_TITLE times, on devices by chance."""
    found = [title(number) for number in range(scale.titles) for _ in range(SITTINGS_A_TITLE)]
    Random(f"{scale.seed}/sittings/{user}").shuffle(found)
    return [tuple(found[device :: scale.devices]) for device in range(scale.devices)]
