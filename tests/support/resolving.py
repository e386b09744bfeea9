"""An identity registry in memory: the resolver without PostgreSQL, and random histories to try it with."""

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from schemas.types.catalog import CanonicalItem, Kind, ProviderItemNormalized, ProviderItemWithdrawn
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.resolve import resolve
from streams.processors.entity_resolution.workspace import Change, Title, Workspace
from tests.support.canonical_items import an_item, ids, people, upserted, withdrawn

Event = ProviderItemNormalized | ProviderItemWithdrawn


def change(event: Event, offset: int) -> Change:
    return Change(event, offset, Features(event.item) if isinstance(event, ProviderItemNormalized) else None)


def resolved(events: Iterable[Event], space: Workspace | None = None) -> Workspace:
    """Each event at its place in the sequence, as from one partition."""
    space = space or Workspace()
    resolve([change(event, offset) for offset, event in enumerate(events)], space)
    return space


def title_of(space: Workspace, key: str) -> Title:
    provider, _, native_id = key.partition(":")
    title = space.title_of(space.members[provider, native_id])
    assert title is not None
    return title


def items() -> st.SearchStrategy[CanonicalItem]:
    """Few names, years, ids and people, so that items meet, merge and contradict each other. At most one id of an
    issuer."""
    return st.builds(
        lambda name, year, kind, imdb, tmdb, runtime, director: an_item(
            name,
            year,
            kind,
            external_ids=ids(*(text for text in (imdb, tmdb) if text)),
            runtime_minutes=runtime,
            people=people(director=director) if director else (),
        ),
        st.sampled_from(["Amber Road", "Road, The Amber", "Amber Road: Homecoming", "Birch Lane", "Cedar"]),
        st.sampled_from([1999, 2000, 2005, None]),
        st.sampled_from([*["movie"] * 5, "series"]).map(_kind),
        st.sampled_from([None, None, "imdb:tt1", "imdb:tt2", "imdb:tt3"]),
        st.sampled_from([None, None, None, "tmdb:1", "tmdb:2"]),
        st.sampled_from([None, 90, 91, 140]),
        st.sampled_from([None, "Ada Quill", "Bo Rask"]),
    )


def _kind(name: str) -> Kind:
    return "series" if name == "series" else "movie"


def histories(most: int = 25) -> st.SearchStrategy[Sequence[Event]]:
    """Upserts and withdrawals of nine items of three providers, some of them late."""
    keys = st.sampled_from([f"{provider}:{number}" for provider in ("alpha", "beta", "gamma") for number in range(3)])
    times = st.integers(0, 40)
    upserts = st.builds(upserted, keys, items(), times)
    return st.lists(st.one_of(upserts, upserts, upserts, st.builds(withdrawn, keys, times)), max_size=most)
