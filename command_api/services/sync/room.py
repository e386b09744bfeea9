"""Watchlists have an end: which additions of a queue still fit. Pure."""

from collections.abc import Collection, Sequence

from command_api.services.sync.requests import AddToWatchlist, Queued, RemoveFromWatchlist
from runtime.http.problems import FieldError
from sync_laws.watchlist import MOST_ITEMS


def titles_in_question(queue: Sequence[Queued]) -> list[str]:
    """Titles whose presence decides; empty when nothing is added and nobody has to be asked."""
    if not any(isinstance(each.operation, AddToWatchlist) for each in queue):
        return []
    touching = (each.operation for each in queue)
    return sorted({op.title_id for op in touching if isinstance(op, AddToWatchlist | RemoveFromWatchlist)})


def without_room(queue: Sequence[Queued], titles: int, known: Collection[str]) -> list[FieldError]:
    """A fault for each addition that does not fit, as the list stands at its turn.

    `titles` is how many are listed, `known` which of those in question are. The read model may be behind the log by
    what was appended in the last moments, so a list can end up with that much more; nothing is dropped for it.
    """
    listed = set(known)
    faults = []
    for each in queue:
        match each.operation:
            case AddToWatchlist(title_id=title_id) if title_id not in listed:
                if titles >= MOST_ITEMS:
                    faults.append(FieldError(detail=f"the list has {MOST_ITEMS} titles", pointer=each.pointer))
                else:
                    listed.add(title_id)
                    titles += 1
            case RemoveFromWatchlist(title_id=title_id) if title_id in listed:
                listed.remove(title_id)
                titles -= 1
    return faults
