"""What there is to go on with: one entry a title, one a series. Pure.

The catalog links an episode to its series by name only, so titles of one series are those whose series has the same
name key. Of a series counts what was touched last: if that is unfinished it is the entry, and if it is a finished
episode, the next one that the catalog knows is. Where it knows none, the newest unfinished episode is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from schemas.read_models.text import name_key

Reason = Literal["resume", "next_episode"]


class Candidate(Struct, frozen=True, kw_only=True):
    """A title that somebody has touched; `shown_id` differs from `title_id` when it was merged."""

    title_id: str
    finished: bool
    stamp: int
    shown_id: str
    kind: str | None = None
    series_name: str | None = None
    season_number: int | None = None
    episode_number: int | None = None

    @property
    def place(self) -> tuple[int, str]:
        """Newest first, then by id."""
        return -self.stamp, self.title_id

    @property
    def leads_on(self) -> bool:
        """An episode that was seen to its end, and that another one may follow."""
        return self.finished and self.kind == "episode" and bool(self.series_name) and self.episode_number is not None

    @property
    def _group(self) -> tuple[str, str]:
        series = name_key(self.series_name) if self.series_name else ""
        return ("series", series) if series else ("title", self.shown_id)


class Place(Struct, frozen=True, array_like=True):
    """Where an entry stands, for cursors."""

    stamp: int
    title_id: str


class Entry(Struct, frozen=True):
    """`touched` decides the place; `title_id` is what to play."""

    touched: Candidate
    title_id: str
    reason: Reason

    @property
    def place(self) -> Place:
        return Place(self.touched.stamp, self.touched.title_id)


def groups(candidates: Iterable[Candidate]) -> list[Sequence[Candidate]]:
    """One list a title or series, each newest first."""
    found: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        found.setdefault(candidate._group, []).append(candidate)
    return [sorted(group, key=lambda each: each.place) for group in found.values()]


def entries(
    grouped: Iterable[Sequence[Candidate]], next_episodes: Mapping[str, str], after: Place | None
) -> list[Entry]:
    """Newest first, those behind `after`. `next_episodes`: by the id of the episode before."""
    found = [entry for group in grouped if (entry := _entry(group, next_episodes)) is not None]
    found.sort(key=lambda entry: entry.touched.place)
    if after is None:
        return found
    return [entry for entry in found if entry.touched.place > (-after.stamp, after.title_id)]


def _entry(group: Sequence[Candidate], next_episodes: Mapping[str, str]) -> Entry | None:
    newest = group[0]
    following = next_episodes.get(newest.title_id) if newest.leads_on else None
    if following is not None:
        return Entry(newest, following, "next_episode")
    unfinished = next((each for each in group if not each.finished), None)
    return None if unfinished is None else Entry(unfinished, unfinished.title_id, "resume")
