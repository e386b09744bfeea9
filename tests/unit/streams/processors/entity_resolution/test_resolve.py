from collections.abc import Sequence

from hypothesis import given

from schemas.types.catalog import TitleChanged, TitleMerged, TitleRetired
from streams.processors.entity_resolution.blocking import entries
from streams.processors.entity_resolution.events import events
from streams.processors.entity_resolution.workspace import Workspace
from tests.support.canonical_items import an_item, ids, people, upserted, withdrawn
from tests.support.resolving import Event, histories, resolved, title_of


def clusters(space: Workspace) -> set[frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for member in space.members.values():
        if member.title_id is not None:
            groups.setdefault(member.title_id, set()).add(f"{member.provider}:{member.native_id}")
    return {frozenset(group) for group in groups.values()}


def state(space: Workspace) -> list[tuple[object, ...]]:
    return sorted((t.title_id, t.version, t.status, t.kind, sorted(t.members)) for t in space.titles.values())


def test_two_items_of_one_work_in_one_batch_end_in_one_title() -> None:
    space = resolved([upserted("alpha:1", an_item("Amber Road, The")), upserted("beta:7", an_item("The Amber Road"))])
    assert clusters(space) == {frozenset({"alpha:1", "beta:7"})}
    (found,) = events(space)
    assert isinstance(found, TitleChanged)
    assert found.version == 2
    assert [(source.reason, source.score is None) for source in found.sources] == [("new", True), ("match", False)]


def test_ids_link_what_names_do_not() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item("Amber", external_ids=ids("imdb:tt1"))),
            upserted("alpha:2", an_item("Zed", 1950, external_ids=ids("imdb:tt1"))),
        ]
    )
    assert clusters(space) == {frozenset({"alpha:1", "alpha:2"})}


def test_an_id_counts_between_equal_kinds_only() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item("Amber", external_ids=ids("tmdb:1"))),
            upserted("beta:1", an_item("Birch", kind="series", external_ids=ids("tmdb:1"))),
        ]
    )
    assert len(clusters(space)) == 2


def test_two_candidates_alike_are_for_a_person() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item(people=people(director="Ada Quill"))),
            upserted("alpha:2", an_item(people=people(director="Bo Rask"))),
            upserted("beta:1", an_item()),
            upserted("gamma:1", an_item(people=people(director="Bo Rask"))),
        ]
    )
    assert title_of(space, "beta:1") not in (title_of(space, "alpha:1"), title_of(space, "alpha:2"))
    assert {(review.member.key, review.reason) for review in space.reviews} == {(("beta", "1"), "alike")}
    assert title_of(space, "gamma:1") is title_of(space, "alpha:2")


def test_contradicting_ids_keep_works_apart_and_are_shown_to_a_person() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item(external_ids=ids("imdb:tt1"))),
            upserted("beta:1", an_item(external_ids=ids("imdb:tt2"))),
        ]
    )
    assert len(clusters(space)) == 2
    (review,) = space.reviews
    assert (review.reason, review.candidate) == ("conflicting_ids", title_of(space, "alpha:1").title_id)
    assert {item.field for item in review.evidence} == {"name", "year"}


def test_an_item_with_ids_of_two_titles_merges_them() -> None:
    history = [
        upserted("alpha:1", an_item("Amber", external_ids=ids("imdb:tt1")), at=1),
        upserted("beta:1", an_item("Birch", external_ids=ids("tmdb:1")), at=2),
        upserted("beta:2", an_item("Cedar", external_ids=ids("wikidata:Q1")), at=3),
    ]
    space = resolved(history)
    older, younger, third = (title_of(space, key).title_id for key in ("alpha:1", "beta:1", "beta:2"))
    after = resolved(
        [
            *history,
            upserted("gamma:1", an_item("Delta", external_ids=ids("imdb:tt1", "tmdb:1")), at=4),
            upserted("gamma:2", an_item("Ember", external_ids=ids("imdb:tt1", "wikidata:Q1")), at=5),
        ]
    )
    assert clusters(after) == {frozenset({"alpha:1", "beta:1", "beta:2", "gamma:1", "gamma:2"})}
    assert title_of(after, "gamma:2").title_id == older
    found = {event.title_id: event for event in events(after) if not isinstance(event, TitleChanged)}
    assert {key: getattr(event, "successor_id", None) for key, event in found.items()} == {younger: older, third: older}


def test_an_update_that_brings_the_id_of_another_title_merges_them() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item("Amber", external_ids=ids("imdb:tt1")), at=1),
            upserted("beta:1", an_item("Birch"), at=2),
            upserted("beta:1", an_item("Birch", external_ids=ids("imdb:tt1")), at=3),
        ]
    )
    assert clusters(space) == {frozenset({"alpha:1", "beta:1"})}


def test_late_and_unchanged_events_do_nothing() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item("Amber Road"), at=5),
            upserted("alpha:1", an_item("Birch Lane"), at=4),
            upserted("alpha:1", an_item("Amber Road"), at=6),
        ]
    )
    title = title_of(space, "alpha:1")
    assert (title.version, title.members["alpha", "1"].item.name) == (1, "Amber Road")


def test_of_two_changes_at_one_time_the_later_in_the_log_wins() -> None:
    space = resolved([upserted("alpha:1", an_item("Amber Road")), upserted("alpha:1", an_item("Birch Lane"))])
    assert title_of(space, "alpha:1").members["alpha", "1"].item.name == "Birch Lane"


def test_a_withdrawal_before_the_item_was_seen_outlives_an_older_upsert() -> None:
    space = resolved([withdrawn("alpha:1", at=9), upserted("alpha:1", an_item(), at=3)])
    assert not space.titles
    assert resolved([upserted("alpha:1", an_item(), at=10)], space).titles


def test_the_last_withdrawal_retires_and_a_later_upsert_revives_the_same_title() -> None:
    history: list[Event] = [upserted("alpha:1", an_item(), at=1), upserted("beta:1", an_item(), at=2)]
    space = resolved([*history, withdrawn("alpha:1", at=3)])
    (found,) = events(space)
    assert isinstance(found, TitleChanged)
    assert [source.provider for source in found.sources] == ["beta"]

    space = resolved([*history, withdrawn("alpha:1", at=3), withdrawn("beta:1", at=4)])
    (gone,) = events(space)
    assert isinstance(gone, TitleRetired)
    assert gone.version == 4

    revived = resolved(
        [*history, withdrawn("alpha:1", at=3), withdrawn("beta:1", at=4), upserted("beta:1", an_item(), at=5)]
    )
    (again,) = events(revived)
    assert isinstance(again, TitleChanged)
    assert (again.title_id, again.version) == (gone.title_id, 5)


def test_an_item_that_changes_kind_leaves_the_others() -> None:
    history: list[Event] = [upserted("alpha:1", an_item(), at=1), upserted("beta:1", an_item(), at=2)]
    space = resolved([*history, upserted("alpha:1", an_item(kind="series"), at=3)])
    assert clusters(space) == {frozenset({"alpha:1"}), frozenset({"beta:1"})}
    assert title_of(space, "alpha:1").kind == "series"
    assert title_of(space, "beta:1").title_id == title_of(resolved(history), "beta:1").title_id


def test_an_item_alone_takes_its_title_along_when_it_changes_kind() -> None:
    before = title_of(resolved([upserted("alpha:1", an_item(), at=1)]), "alpha:1").title_id
    space = resolved([upserted("alpha:1", an_item(), at=1), upserted("alpha:1", an_item(kind="series"), at=2)])
    assert (title_of(space, "alpha:1").title_id, title_of(space, "alpha:1").kind) == (before, "series")


def test_an_item_alone_that_moves_leaves_a_redirect() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item("Birch", kind="series", external_ids=ids("imdb:tt1")), at=1),
            upserted("beta:1", an_item("Amber"), at=2),
            upserted("beta:1", an_item("Amber", kind="series", external_ids=ids("imdb:tt1")), at=3),
        ]
    )
    (merged,) = (event for event in events(space) if isinstance(event, TitleMerged))
    assert merged.successor_id == title_of(space, "alpha:1").title_id == title_of(space, "beta:1").title_id


def test_an_item_whose_new_id_contradicts_the_others_leaves() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item(external_ids=ids("imdb:tt1")), at=1),
            upserted("beta:1", an_item(), at=2),
            upserted("beta:1", an_item(external_ids=ids("imdb:tt2")), at=3),
        ]
    )
    assert len(clusters(space)) == 2
    assert [entry.action for entry in space.log] == ["founded", "joined", "founded", "left"]


def test_a_withdrawn_item_of_the_same_provider_does_not_stand_in_the_way() -> None:
    """Providers list a work again under a new id."""
    space = resolved(
        [upserted("alpha:1", an_item(), at=1), withdrawn("alpha:1", at=2), upserted("alpha:2", an_item(), at=3)]
    )
    assert clusters(space) == {frozenset({"alpha:1", "alpha:2"})}


@given(histories())
def test_applying_a_history_again_changes_nothing(history: Sequence[Event]) -> None:
    space = resolved(history)
    before = state(space)
    resolved(history, space)
    assert state(space) == before


@given(histories())
def test_the_registry_stays_consistent(history: Sequence[Event]) -> None:
    space = resolved(history)
    for member in space.members.values():
        assert (member.title_id is None) == (member.features is None)
    for title in space.titles.values():
        active = title.active_members()
        assert {"active": bool(active), "retired": not active, "merged": not title.members}[title.status]
        assert bool(title.members) == (title.status != "merged")
        values: dict[str, set[str]] = {}
        for member in title.members.values():
            assert member.title_id == title.title_id
            assert member.features is not None
            assert member.features.kind == title.kind
            assert title in space.candidates(member.features)
            for external in member.item.external_ids:
                values.setdefault(external.source, set()).add(external.value)
        # Each item has at most one id of an issuer, so a title with two would be two works.
        assert all(len(found) == 1 for found in values.values())
    for (source, value, kind), owner in space.id_owners.items():
        claims = {
            (e.source, e.value, m.item.kind) for m in space.titles[owner].members.values() for e in m.item.external_ids
        }
        assert (source, value, kind) in claims


@given(histories())
def test_one_event_a_changed_title_with_its_last_version(history: Sequence[Event]) -> None:
    space = resolved(history)
    found = events(space)
    assert {event.title_id: event.version for event in found} == {
        title.title_id: title.version for title in space.titles.values()
    }
    assert len({event.event_id for event in found}) == len(found)
    for title in space.titles.values():
        expected = {entry for m in title.members.values() if m.features for entry in entries(m.features)}
        assert space.registered(title)[1] == expected
