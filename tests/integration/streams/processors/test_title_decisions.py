"""Operators' decisions over a real registry: what each does, what contradicts what, and that they outlive the items."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migrations
from runtime.connections.postgres import Connection, connect_plain, connect_writer
from schemas import codec
from schemas.types import AnyEvent
from schemas.types.catalog import CanonicalItem, TitleChanged, TitleMerged, TitleRetired
from streams.engine.spec import Received
from streams.processors.entity_resolution.lookup import EntityResolution
from streams.processors.entity_resolution.workspace import DecisionEvent
from tests.support.backends import PostgresDatabase
from tests.support.canonical_items import an_item, ids, received, upserted, withdrawn
from tests.support.resolving import Event, histories
from tests.support.title_decisions import (
    confirm,
    decisions,
    merge,
    placed,
    reject,
    split,
    undo,
)

TABLES = (
    "titles, provider_items, title_external_ids, title_blocks, title_redirects, resolution_log, resolution_reviews, "
    "resolution_decisions, resolution_constraints"
)
AMBER, BIRCH, CEDAR = (an_item(name, 1999) for name in ("Amber Road by the Sea", "Birch Lane at Dawn", "Cedar Hill"))


class Registry:
    """Feeds events one by one, in one log order; knows titles by item."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._lookup = EntityResolution()
        self._next = 0
        self.published: list[AnyEvent] = []

    def empty(self) -> None:
        self.connection.rollback()
        self.connection.execute(f"TRUNCATE {TABLES} RESTART IDENTITY")
        self.connection.commit()
        self._next = 0
        self.published = []

    def feed(self, *events: Event | DecisionEvent) -> list[AnyEvent]:
        """As one batch; what it published."""
        batch = [self._received(event) for event in events]
        with self.connection.transaction(), self.connection.cursor() as cursor:
            decision = self._lookup.decide(cursor, batch)
        assert decision.rejected == []
        self.published += decision.events
        return decision.events

    def _received(self, event: Event | DecisionEvent) -> Received:
        self._next += 1
        return placed(event, self._next) if isinstance(event, DecisionEvent) else received(event, self._next)

    def items(self, **items: CanonicalItem) -> None:
        """`alpha_1=item` and so on, each a batch."""
        for number, (name, item) in enumerate(items.items()):
            self.feed(upserted(name.replace("_", ":"), item, at=number))

    def rows(self, query: str) -> list[Any]:
        with self.connection.transaction():
            return self.connection.execute(query).fetchall()

    @property
    def titles(self) -> dict[str, str]:
        return dict(self.rows("SELECT provider || ':' || native_id, title_id::text FROM provider_items"))

    @property
    def redirects(self) -> dict[str, str]:
        return dict(self.rows("SELECT title_id::text, successor_id::text FROM title_redirects"))

    def groups(self) -> set[frozenset[str]]:
        """Items that are one title."""
        found: dict[str, set[str]] = {}
        for item, title in self.titles.items():
            found.setdefault(title, set()).add(item)
        return {frozenset(group) for group in found.values()}

    def outcome(self, name: str) -> tuple[str, str]:
        (row,) = self.rows(f"SELECT outcome, detail FROM resolution_decisions WHERE decision_id = '{name}'")
        return tuple(row)

    def stored(self) -> dict[str, list[Any]]:
        queries = {
            "titles": "SELECT title_id::text, version, status, kind FROM titles ORDER BY 1",
            "items": "SELECT provider, native_id, title_id::text, active, reason, founded FROM provider_items "
            "ORDER BY 1, 2",
            "ids": "SELECT source, value, kind, title_id::text FROM title_external_ids ORDER BY 1, 2, 3",
            "blocks": "SELECT block, year, title_id::text FROM title_blocks ORDER BY 1, 2, 3",
            "redirects": "SELECT title_id::text, successor_id::text FROM title_redirects ORDER BY 1",
            "decisions": "SELECT decision_id, outcome, detail, effects::text, undone_by FROM resolution_decisions "
            "ORDER BY 1",
            "constraints": "SELECT * FROM resolution_constraints ORDER BY 1, 2, 3, 4, 6",
            "reviews": "SELECT provider, native_id, candidate_id::text, title_id::text, status, decision_id "
            "FROM resolution_reviews ORDER BY 1, 2, 3",
            "log": "SELECT title_id::text, provider, native_id, action, reason, event_id::text FROM resolution_log "
            "ORDER BY id",
        }
        return {name: self.rows(query) for name, query in queries.items()}


@pytest.fixture(scope="module")
def shared(postgres_database: PostgresDatabase) -> Iterator[Connection]:
    folder = Path(migrations.__file__).with_name("postgres")
    with connect_plain(postgres_database.dsn, "test") as connection:
        for path in sorted(folder.glob("*_pre_title_[di]*.sql")):
            connection.execute(path.read_text())
    with connect_writer(postgres_database.dsn, "test") as connection:
        yield connection


@pytest.fixture
def registry(shared: Connection) -> Registry:
    found = Registry(shared)
    found.empty()
    return found


def groups(*texts: str) -> set[frozenset[str]]:
    return {frozenset(text.split()) for text in texts}


def test_a_merge_keeps_one_title_and_leaves_a_redirect(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, beta_1=AMBER, gamma_1=BIRCH)
    large, small = registry.titles["alpha:1"], registry.titles["gamma:1"]
    events = registry.feed(merge("d1", "gamma:1", "alpha:1 beta:1", small, large))
    assert registry.groups() == groups("alpha:1 beta:1 gamma:1")
    assert registry.redirects == {small: large}
    by_type = {type(event): event for event in events}
    gone, kept = by_type[TitleMerged], by_type[TitleChanged]
    assert isinstance(gone, TitleMerged)
    assert isinstance(kept, TitleChanged)
    assert (gone.title_id, gone.version, gone.successor_id) == (small, 2, large)
    assert (kept.title_id, kept.version) == (large, 3)
    assert {source.reason for source in kept.sources} == {"new", "match", "decision"}
    assert registry.outcome("d1") == ("applied", "merged")


def test_a_merge_of_a_merged_title_reaches_its_successor_and_redirects_collapse(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, beta_1=AMBER, alpha_2=BIRCH, gamma_2=BIRCH, delta_2=BIRCH, gamma_3=CEDAR)
    amber, birch, cedar = (registry.titles[key] for key in ("alpha:1", "alpha:2", "gamma:3"))
    registry.feed(merge("d1", "gamma:3", "alpha:1", cedar, amber))
    # As the edge sends it: the title that was named, with the items of the one it leads to.
    registry.feed(merge("d2", "alpha:1 beta:1 gamma:3", "alpha:2", cedar, birch))
    assert len(registry.groups()) == 1
    assert len(set(registry.titles.values())) == 1
    (last,) = set(registry.titles.values())
    assert registry.redirects == dict.fromkeys({amber, birch, cedar} - {last}, last)


def test_a_split_gives_the_larger_part_the_old_id(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, beta_1=AMBER, gamma_1=AMBER)
    old = registry.titles["alpha:1"]
    events = registry.feed(split("d1", "alpha:1 beta:1", "gamma:1", old))
    assert registry.groups() == groups("alpha:1 beta:1", "gamma:1")
    assert registry.titles["alpha:1"] == old, "two leave, one stays: the two are the larger part"
    assert {type(event) for event in events} == {TitleChanged}
    assert {event.title_id: event.version for event in events if isinstance(event, TitleChanged)} == {
        old: 4,
        registry.titles["gamma:1"]: 1,
    }


def test_what_was_split_stays_split_when_items_come_again_and_new_ones_come(registry: Registry) -> None:
    shared_id = ids("imdb:tt1")
    item = an_item("Amber Road by the Sea", 1999, external_ids=shared_id)
    registry.items(alpha_1=item, beta_1=item, gamma_1=item)
    registry.feed(split("d1", "gamma:1", "alpha:1 beta:1", registry.titles["alpha:1"]))
    again = an_item("Amber Road by the Sea", 1999, external_ids=shared_id, runtime_minutes=95)
    registry.feed(upserted("gamma:1", again, at=50))
    registry.feed(withdrawn("gamma:1", at=51))
    registry.feed(upserted("gamma:1", item, at=52))
    registry.feed(upserted("alpha:1", again, at=53))
    registry.feed(upserted("delta:1", item, at=54))
    separate = {group for group in registry.groups() if "gamma:1" in group}
    assert not any({"alpha:1", "beta:1"} & group for group in separate)
    assert {"alpha:1", "beta:1"} <= next(group for group in registry.groups() if "alpha:1" in group)


def test_a_rejected_pair_never_links_again_and_its_review_is_closed(registry: Registry) -> None:
    registry.items(gamma_1=an_item("Cedar", 2000), beta_2=an_item("Cedar", 2001))
    assert registry.rows("SELECT status FROM resolution_reviews") == [("open",)]
    registry.feed(reject("d1", "beta:2", "gamma:1", registry.titles["gamma:1"]))
    assert registry.rows("SELECT status, decision_id FROM resolution_reviews") == [("rejected", "d1")]
    one_id = ids("imdb:tt9")
    registry.feed(upserted("gamma:1", an_item("Cedar", 2000, external_ids=one_id), at=60))
    registry.feed(upserted("beta:2", an_item("Cedar", 2000, external_ids=one_id), at=61))
    assert registry.groups() == groups("gamma:1", "beta:2")
    assert registry.rows("SELECT count(*) FROM resolution_reviews WHERE status = 'open'") == [(0,)]


def test_rejecting_an_item_of_the_title_takes_it_out(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, beta_1=AMBER, gamma_1=AMBER)
    registry.feed(reject("d1", "gamma:1", "alpha:1 beta:1", registry.titles["alpha:1"]))
    assert registry.groups() == groups("alpha:1 beta:1", "gamma:1")
    registry.feed(undo("d2", "d1"))
    assert registry.groups() == groups("alpha:1 beta:1 gamma:1")


def test_a_confirmed_match_joins_closes_its_review_and_holds_against_ids(registry: Registry) -> None:
    registry.items(gamma_1=an_item("Cedar", 2000), beta_2=an_item("Cedar", 2001))
    registry.feed(confirm("d1", "beta:2", "gamma:1", registry.titles["gamma:1"]))
    assert registry.groups() == groups("gamma:1 beta:2")
    assert registry.rows("SELECT status, decision_id FROM resolution_reviews") == [("confirmed", "d1")]
    registry.feed(upserted("gamma:1", an_item("Cedar", 2000, external_ids=ids("imdb:tt1")), at=60))
    registry.feed(upserted("beta:2", an_item("Cedar", 2001, external_ids=ids("imdb:tt2")), at=61))
    assert registry.groups() == groups("gamma:1 beta:2"), "ids that contradict each other do not undo a decision"


def test_undoing_a_merge_brings_the_old_title_back_and_redirects_lead_there(registry: Registry) -> None:
    registry.items(
        alpha_1=AMBER, beta_1=AMBER, alpha_2=BIRCH, beta_2=BIRCH, gamma_2=BIRCH, delta_2=BIRCH, gamma_3=CEDAR
    )
    before, kept = registry.groups(), registry.titles
    amber, birch, cedar = (kept[key] for key in ("alpha:1", "alpha:2", "gamma:3"))
    registry.feed(merge("d1", "gamma:3", "alpha:1", cedar, amber))
    registry.feed(merge("d2", "alpha:1", "alpha:2", amber, birch))
    assert registry.redirects == {cedar: birch, amber: birch}
    events = registry.feed(undo("d3", "d2"))
    assert registry.redirects == {cedar: amber}
    changed = {event.title_id: event for event in events if isinstance(event, TitleChanged)}
    assert set(changed) == {amber, birch}
    assert changed[amber].version == 5, "above the version it was merged at"
    registry.feed(undo("d4", "d1"))
    assert registry.redirects == {}
    assert registry.groups() == before
    assert registry.titles == kept
    assert registry.outcome("d3") == registry.outcome("d4") == ("applied", "undone")


def test_undoing_a_split_makes_one_title_again_and_items_may_link(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, beta_1=AMBER, gamma_1=AMBER)
    old = registry.titles["alpha:1"]
    registry.feed(split("d1", "gamma:1", "alpha:1 beta:1", old))
    registry.feed(undo("d2", "d1"))
    assert set(registry.titles.values()) == {old}
    assert registry.rows("SELECT count(*) FROM resolution_constraints") == [(0,)]


def test_undoing_opens_reviews_again(registry: Registry) -> None:
    registry.items(gamma_1=an_item("Cedar", 2000), beta_2=an_item("Cedar", 2001))
    registry.feed(confirm("d1", "beta:2", "gamma:1"), undo("d2", "d1"))
    assert registry.groups() == groups("gamma:1", "beta:2")
    assert registry.rows("SELECT status, decision_id FROM resolution_reviews") == [("open", None)]


def test_undoing_one_of_two_decisions_that_say_the_same_leaves_the_other(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, gamma_1=BIRCH)
    registry.feed(merge("d1", "alpha:1", "gamma:1"), confirm("d2", "gamma:1", "alpha:1"), undo("d3", "d1"))
    assert registry.outcome("d2") == ("applied", "already_one")
    assert registry.outcome("d3") == ("applied", "undone_in_part")
    assert registry.groups() == groups("alpha:1 gamma:1")


CONTRADICTIONS: list[tuple[list[DecisionEvent], str]] = [
    ([reject("d1", "alpha:1", "gamma:1"), merge("d2", "alpha:1", "gamma:1")], "contradicts d1"),
    ([merge("d1", "alpha:1", "gamma:1"), reject("d2", "gamma:1", "alpha:1")], "contradicts d1"),
    ([merge("d1", "alpha:1", "gamma:1"), split("d2", "gamma:1", "beta:1 alpha:1")], "contradicts d1"),
    ([split("d1", "alpha:1", "beta:1"), merge("d2", "alpha:1", "beta:1")], "contradicts d1"),
    (
        [merge("d0", "alpha:1", "gamma:1"), reject("d1", "beta:9", "gamma:1"), merge("d2", "beta:9", "alpha:1")],
        "contradicts d1",
    ),
    ([merge("d2", "alpha:1", "alpha:1")], "same_items"),
    ([merge("d2", "alpha:1", "")], "no_items"),
    ([split("d2", "alpha:1", "")], "no_items"),
    ([merge("d2", "alpha:1", "delta:1")], "kinds_differ"),
    ([undo("d2", "d1")], "unknown_decision"),
    ([undo("d2", "d2")], "unknown_decision"),
    ([merge("d1", "alpha:1", "gamma:1"), undo("d0", "d1"), undo("d2", "d1")], "already_undone"),
    ([merge("d1", "alpha:1", "gamma:1"), undo("d0", "d1"), undo("d2", "d0")], "is_an_undoing"),
    ([merge("d1", "alpha:1", ""), undo("d2", "d1")], "was_refused"),
    (
        [split("d2", " ".join(f"p:{n}" for n in range(101)), " ".join(f"q:{n}" for n in range(100)))],
        "too_many_items",
    ),
]


@pytest.mark.parametrize(
    ("events", "detail"), CONTRADICTIONS, ids=lambda value: value if isinstance(value, str) else ""
)
@pytest.mark.parametrize("at_once", [True, False])
def test_what_cannot_be_is_refused_with_a_reason_and_changes_no_title(
    registry: Registry, events: list[DecisionEvent], detail: str, at_once: bool
) -> None:
    registry.items(alpha_1=AMBER, beta_1=AMBER, gamma_1=BIRCH, delta_1=an_item("Dune", 1999, "series"))
    *earlier, last = events
    if at_once:
        registry.feed(*events)
    else:
        for event in earlier:
            registry.feed(event)
        before = registry.stored()
        assert registry.feed(last) == []
        after = registry.stored()
        for table in ("titles", "items", "ids", "blocks", "redirects", "constraints"):
            assert after[table] == before[table]
    assert registry.outcome("d2") == ("refused", detail)


def test_after_the_undoing_the_contrary_may_be_decided(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, gamma_1=BIRCH)
    registry.feed(reject("d1", "alpha:1", "gamma:1"), undo("d2", "d1"), merge("d3", "alpha:1", "gamma:1"))
    assert registry.outcome("d3") == ("applied", "merged")


def test_a_decision_read_twice_is_one(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, gamma_1=BIRCH)
    registry.feed(merge("d1", "alpha:1", "gamma:1"), undo("d2", "d1"))
    before = registry.stored()
    assert registry.feed(merge("d1", "alpha:1", "gamma:1"), reject("d2", "alpha:1", "gamma:1")) == []
    assert registry.stored() == before


@pytest.mark.parametrize("decisions_first", [True, False])
def test_decisions_that_come_before_the_items_hold_when_they_come(registry: Registry, decisions_first: bool) -> None:
    made = (
        merge("d1", "alpha:1", "gamma:1"),
        reject("d2", "beta:1", "alpha:1"),
        split("d3", "delta:1 delta:2", "beta:1"),
    )
    if decisions_first:
        registry.feed(*made)
        assert {registry.outcome(name) for name in ("d1", "d2", "d3")} == {("applied", "waits_for_items")}
    registry.items(delta_2=CEDAR, beta_1=AMBER, gamma_1=BIRCH, alpha_1=AMBER, delta_1=AMBER)
    if not decisions_first:
        registry.feed(*made)
    assert registry.groups() == groups("beta:1", "alpha:1 gamma:1 delta:1 delta:2")


def test_a_linked_item_brings_along_what_it_would_have_joined_by_itself(registry: Registry) -> None:
    registry.feed(merge("d1", "alpha:1", "beta:2"))
    registry.items(alpha_1=AMBER, gamma_2=BIRCH, beta_2=BIRCH)
    assert registry.groups() == groups("alpha:1 gamma:2 beta:2"), "as after the same decision with all of them there"
    assert registry.rows("SELECT count(*) FROM resolution_reviews") == [(0,)]


def test_the_longest_ids_are_stored(registry: Registry) -> None:
    one, other = (f"{letter * 256}:{chr(0x1F3AC) * 256}" for letter in "ab")
    registry.feed(reject("d" * 256, one, other))
    registry.feed(upserted(one, AMBER), upserted(other, AMBER))
    assert registry.groups() == groups(one, other)


def test_the_history_says_who_decided_also_what_was_refused(registry: Registry) -> None:
    registry.items(alpha_1=AMBER, gamma_1=BIRCH)
    titles = registry.titles
    registry.feed(reject("d1", "gamma:1", "alpha:1", titles["alpha:1"]))
    registry.feed(merge("d2", "gamma:1", "alpha:1", titles["gamma:1"], titles["alpha:1"]))
    found = registry.rows(
        "SELECT l.title_id::text, l.action, l.reason, d.operator, d.reason FROM resolution_log AS l "
        "JOIN resolution_decisions AS d USING (event_id) ORDER BY l.id"
    )
    assert found == [
        (titles["alpha:1"], "decided", "reject", "ada", "because of d1"),
        *(
            (title, "refused", "merge", "ada", "because of d2")
            for title in sorted((titles["alpha:1"], titles["gamma:1"]))
        ),
    ]


@pytest.mark.parametrize(
    "event",
    [
        merge("d\0", "alpha:1", "gamma:1"),
        merge("d1", "alpha:\0", "gamma:1"),
        undo("d1", "\0"),
        merge("d" * 257, "alpha:1", "gamma:1"),
        reject("d1", "alpha:1", "gamma:" + "1" * 257),
    ],
    ids=["id", "item", "undone", "long-id", "long-item"],
)
def test_what_can_never_be_stored_is_refused_and_the_rest_goes_on(registry: Registry, event: DecisionEvent) -> None:
    lookup = EntityResolution()
    batch = [placed(event, 0), received(upserted("alpha:1", AMBER), 1), placed(undo("d9", "d8", "not a title"), 1)]
    with registry.connection.transaction(), registry.connection.cursor() as cursor:
        decision = lookup.decide(cursor, batch)
    assert [(one.received, one.error.reason) for one in decision.rejected] in (
        [(batch[0], "nul_in_text")],
        [(batch[0], "id_too_long")],
    )
    assert len(decision.events) == 1
    assert registry.outcome("d9") == ("refused", "unknown_decision")


def mixed() -> st.SearchStrategy[list[Event | DecisionEvent]]:
    """Histories of items with decisions in between, in any places."""
    return st.tuples(histories(20), st.lists(st.tuples(st.integers(0, 20), decisions()), max_size=8)).map(_woven)


def _woven(parts: tuple[Sequence[Event], list[tuple[int, DecisionEvent]]]) -> list[Event | DecisionEvent]:
    history: list[Event | DecisionEvent] = list(parts[0])
    for place, event in parts[1]:
        history.insert(min(place, len(history)), event)
    return history


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=mixed(), cuts=st.lists(st.integers(1, 30), max_size=4))
def test_the_same_log_makes_the_same_registry_whatever_the_batches(
    registry: Registry, history: list[Event | DecisionEvent], cuts: list[int]
) -> None:
    registry.empty()
    for event in history:
        registry.feed(event)
    one_by_one = registry.stored()
    versions: dict[str, int] = {}
    for made in registry.published:
        assert isinstance(made, TitleChanged | TitleMerged | TitleRetired)
        assert made.version > versions.get(made.title_id, 0)
        versions[made.title_id] = made.version
        assert codec.decode(codec.encode(made)) == made
    assert versions == {row[0]: row[1] for row in one_by_one["titles"]}
    _obeys(registry)

    registry.empty()
    edges = [0, *sorted({cut for cut in cuts if cut < len(history)}), len(history)]
    for start, end in pairwise(edges):
        if history[start:end]:
            registry.feed(*history[start:end])
    assert registry.stored() == one_by_one


def _obeys(registry: Registry) -> None:
    """Items kept apart are in two titles; linked ones of one kind are in one, where nothing is kept apart."""
    titles = registry.titles
    kinds = dict(
        registry.rows("SELECT provider || ':' || native_id, kind FROM provider_items JOIN titles USING (title_id)")
    )
    constraints = registry.rows("SELECT * FROM resolution_constraints")
    for provider, native_id, other_provider, other_native_id, relation, _ in constraints:
        one, other = f"{provider}:{native_id}", f"{other_provider}:{other_native_id}"
        if titles.get(one) is None or titles.get(other) is None:
            continue
        if relation == "different":
            assert titles[one] != titles[other]
        elif kinds[one] == kinds[other] and all(row[4] == "same" for row in constraints):
            assert titles[one] == titles[other]
