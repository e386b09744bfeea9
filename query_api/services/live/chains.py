"""Whether anything was missed: stretches of the log that notices tell of must join up, and reach what is stored.

Pure. A chain is one partition of one read model; its end is the next offset nobody has told of yet.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from schemas.read_models.notices import Moved

_UNREAD: Final = 0
"""Where a partition starts that has no stored position yet."""

Key = tuple[str, str, int]
"""(read model, topic, partition)."""


class Standing(Struct, frozen=True):
    """What the database says: the serving version of each read model, and the next offset of each chain."""

    versions: Mapping[str, int]
    ends: Mapping[Key, int]


class Chains:
    """Starts out knowing nothing: until `learn` was called once, any notice may follow a lost one."""

    def __init__(self) -> None:
        self._ends: dict[Key, int] = {}
        self._versions: dict[str, int] = {}

    def follow(self, read_model: str, moved: Iterable[Moved]) -> bool:
        """Takes in one notice. False when something before it was missed."""
        joined = True
        for stretch in moved:
            key = (read_model, stretch.topic, stretch.partition)
            end = self._ends.get(key, _UNREAD if read_model in self._versions else -1)
            joined = joined and stretch.first <= end
            self._ends[key] = max(end, stretch.next)
        return joined

    def missing(self, standing: Standing) -> tuple[str, ...]:
        """Read models whose stored position is further than what was told, or whose version is another one.

        A notice follows its commit, so ask with what was stored a moment ago.
        """
        found = {key[0] for key, end in standing.ends.items() if self._ends.get(key, _UNREAD) < end}
        found |= {name for name, version in standing.versions.items() if self._versions.get(name) != version}
        return tuple(sorted(found))

    def learn(self, standing: Standing) -> None:
        """From here on these count as told. A read model of another version starts new chains."""
        for name, version in standing.versions.items():
            if self._versions.get(name, version) != version:
                self._ends = {key: end for key, end in self._ends.items() if key[0] != name}
            self._versions[name] = version
        for key, end in standing.ends.items():
            self._ends[key] = max(self._ends.get(key, _UNREAD), end)

    @property
    def known(self) -> bool:
        """Whether anything was learned since listening began."""
        return bool(self._versions)

    def forget(self) -> None:
        """Listening was interrupted."""
        self._ends.clear()
        self._versions.clear()
