"""A resolved workspace to the events it means. Pure."""

from schemas.envelope import derived_id
from schemas.types.catalog import TitleChanged, TitleMerged, TitleRetired
from streams.processors.entity_resolution.snapshot import snapshot
from streams.processors.entity_resolution.workspace import Title, Workspace

PRODUCER = "entity_resolution"
TitleEvent = TitleChanged | TitleMerged | TitleRetired


def changed_titles(space: Workspace) -> list[Title]:
    """Titles that changed, in order of id."""
    return sorted((title for title in space.titles.values() if title.cause is not None), key=lambda t: t.title_id)


def events(space: Workspace) -> list[TitleEvent]:
    """One event a changed title: its last state. Versions count every change, published or not, so that they do not
    depend on where batches begin and end. Ids derive from the input that changed the title last."""
    ordinals: dict[str, int] = {}
    found: list[TitleEvent] = []
    for title in changed_titles(space):
        assert title.cause is not None  # noqa: S101 - changed_titles filters by it
        origin = title.cause.event
        ordinal = ordinals.get(origin.event_id, 0)
        ordinals[origin.event_id] = ordinal + 1
        found.append(_event(space, title, derived_id(origin.event_id, PRODUCER, ordinal)))
    return found


def final_successor(space: Workspace, title: Title) -> str:
    """Where a merged title leads, through everything that was merged in this batch."""
    successor = title.successor
    while successor is not None and (after := space.titles[successor]).status == "merged" and after.successor:
        successor = after.successor
    assert successor is not None  # noqa: S101 - merged titles have one
    return successor


def _event(space: Workspace, title: Title, event_id: str) -> TitleEvent:
    assert title.cause is not None  # noqa: S101 - as above
    occurred_at = title.cause.event.occurred_at
    if title.status == "merged":
        return TitleMerged(
            event_id=event_id,
            occurred_at=occurred_at,
            title_id=title.title_id,
            version=title.version,
            successor_id=final_successor(space, title),
        )
    if title.status == "retired":
        return TitleRetired(event_id=event_id, occurred_at=occurred_at, title_id=title.title_id, version=title.version)
    return snapshot(
        title.title_id,
        title.version,
        title.kind,
        title.created_at,
        title.active_members(),
        event_id=event_id,
        occurred_at=occurred_at,
    )
