"""The verdict, on evidence made by hand: a good run has no finding, and each way of breaking the word has its own."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from proofs.ledger import checker
from proofs.ledger.evidence import Evidence, Fault, Letter, Logged, Posted

USER = "ann"


def posted(event_id: str, topic: str, subject: str, hlc: int, value: Any) -> Posted:
    return Posted(event_id, topic, USER, subject, hlc, value, acknowledged=True)


def logged(offset: int, each: Posted, kind: str, value: Any) -> Logged:
    content = f"content of {each.event_id}"
    return Logged(each.topic, 0, offset, each.event_id, kind, content, each.owner, each.subject, each.hlc, value)


def good() -> Evidence:
    """One session of two events, two ratings of a title, a preference, a title added to the list and an item, which
    became a title of two versions with a vector each."""
    playing = [
        posted("p-1", "playback-events", "t-1", 10, {"session": "s-1", "position_ms": 0, "last": False}),
        posted("p-2", "playback-events", "t-1", 20, {"session": "s-1", "position_ms": 500, "last": True}),
    ]
    rating = [posted("r-1", "ratings", "t-1", 30, 3.5), posted("r-2", "ratings", "t-1", 40, 4.0)]
    setting = posted("o-1", "preference-changes", "p.1", 50, "7")
    adding = posted("o-2", "watchlist-changes", "w-1", 60, "watchlist.add")
    item = Posted("d-1", "catalog-deliveries", "movielens", "L1", 0, "msg_1", acknowledged=True)
    end = posted("e-1", "playback-sessions", "s-1", 20, None)
    made = Posted("n-1", "provider-items", "movielens", "L1", 0, None)
    titles = [Posted(f"t-{version}", "titles", "title-1", "", version, None) for version in (1, 2)]
    vectors = [Posted(f"v-{version}", "title-embeddings", "title-1", "", version, None) for version in (1, 2)]
    return Evidence(
        seed=1,
        seconds=1.0,
        posted=[*playing, *rating, setting, adding, item],
        logged=[
            logged(0, playing[0], "PlaybackEventRecorded", 0),
            logged(1, playing[1], "PlaybackEventRecorded", 500),
            logged(0, rating[0], "RatingGiven", 3.5),
            logged(1, rating[1], "RatingGiven", 4.0),
            logged(0, setting, "PreferenceSet", "7"),
            logged(0, adding, "WatchlistItemAdded", None),
            logged(0, item, "ProviderItemReceived", "msg_1"),
            logged(0, end, "PlaybackSessionEnded", {"watched_ms": 500, "events": 2}),
            logged(0, made, "ProviderItemNormalized", None),
            logged(0, titles[0], "TitleChanged", None),
            logged(1, titles[1], "TitleChanged", None),
            logged(0, vectors[0], "TitleEmbedded", [0.1, 0.2]),
            logged(1, vectors[1], "TitleEmbedded", [0.3, 0.4]),
        ],
        rows={
            "ratings": [{"user_id": USER, "title_id": "t-1", "hlc": 40, "rating": 4.0}],
            "preferences": [{"user_id": USER, "name": "p.1", "hlc": 50, "value": "7"}],
            "watch_state": [{"user_id": USER, "title_id": "t-1", "position_hlc": 20, "position_ms": 500}],
            "watchlist": [{"user_id": USER, "title_id": "w-1", "present": True}],
            "playback_history": [{"user_id": USER, "session_id": "s-1", "hlc": 20, "watched_ms": 500}],
            "title_catalog": [{"title_id": "title-1", "version": 2}],
            "title_search": [
                {
                    "title_id": "title-1",
                    "version": 2,
                    "embedding_version": 2,
                    "live": True,
                    "words": True,
                    "vector": [0.3000001, 0.4],
                }
            ],
            "decided_titles": [{"title_id": "title-1", "version": 2}],
            "resolved_items": [{"provider": "movielens", "native_id": "L1"}],
            "provider_deliveries": [{"delivery_id": "msg_1", "native_id": "L1", "outcome": "normalized"}],
        },
    )


def kinds(evidence: Evidence) -> set[str]:
    return {finding.kind for finding in checker.judge(evidence)}


def without(evidence: Evidence, event_id: str) -> None:
    evidence.logged = [record for record in evidence.logged if record.event_id != event_id]


def again(evidence: Evidence, event_id: str, /, **changed: Any) -> None:
    record = next(each for each in evidence.logged if each.event_id == event_id)
    evidence.logged.append(msgspec.structs.replace(record, **changed))


def point_of(evidence: Evidence, title_id: str) -> None:
    points = evidence.rows["title_search"]
    points.append({**points[0], "title_id": title_id})


def swap(evidence: Evidence) -> None:
    evidence.logged[2], evidence.logged[3] = (
        msgspec.structs.replace(evidence.logged[2], offset=1),
        msgspec.structs.replace(evidence.logged[3], offset=0),
    )


BREAKS: dict[str, tuple[str, Callable[[Evidence], None]]] = {
    "acknowledged, not in the log": ("lost", lambda e: without(e, "o-1")),
    "nobody posted it": ("invented", lambda e: again(e, "r-2", event_id="x", offset=2)),
    "one id, two contents": ("applied twice", lambda e: again(e, "r-2", content="other", offset=2)),
    "the older rating won": ("lost", lambda e: e.rows["ratings"][0].update(hlc=30, rating=3.5)),
    "another value than was logged": ("differs", lambda e: e.rows["preferences"][0].update(value="8")),
    "a row is missing": ("lost", lambda e: e.rows["watch_state"].clear()),
    "a row of nothing": ("invented", lambda e: e.rows["ratings"].append({**e.rows["ratings"][0], "user_id": "bob"})),
    "still on the list": ("differs", lambda e: e.rows["watchlist"][0].update(present=False)),
    "two rows of a session": (
        "applied twice",
        lambda e: e.rows["playback_history"].append(e.rows["playback_history"][0]),
    ),
    "watched counted twice": (
        "applied twice",
        lambda e: again(e, "e-1", event_id="e-2", offset=1, value={"watched_ms": 1000, "events": 3}),
    ),
    "the end of a session is missing": ("lost", lambda e: without(e, "e-1")),
    "a row without the end": ("lost", lambda e: e.rows["playback_history"][0].update(hlc=10, watched_ms=0)),
    "a row with another end": ("differs", lambda e: e.rows["playback_history"][0].update(watched_ms=900)),
    "an item that nobody normalized": ("lost", lambda e: without(e, "n-1")),
    "an item that nobody resolved": ("lost", lambda e: e.rows["resolved_items"].clear()),
    "decided, never published": ("lost", lambda e: without(e, "t-2")),
    "published, not shown": ("lost", lambda e: e.rows["title_catalog"][0].update(version=1)),
    "shown, never published": ("invented", lambda e: e.rows["title_catalog"][0].update(version=3)),
    "an older version after a newer one": ("out of order", lambda e: again(e, "t-1", event_id="t-0", offset=2)),
    "a point is missing": ("lost", lambda e: e.rows["title_search"].clear()),
    "a point of nothing": ("invented", lambda e: point_of(e, "title-9")),
    "two points of a title": ("applied twice", lambda e: point_of(e, "title-1")),
    "a point of an older version": ("lost", lambda e: e.rows["title_search"][0].update(version=1)),
    "a point of a newer version": ("invented", lambda e: e.rows["title_search"][0].update(version=3)),
    "a point with an older vector": ("lost", lambda e: e.rows["title_search"][0].update(embedding_version=1)),
    "the old vector under the new version": ("differs", lambda e: e.rows["title_search"][0].update(vector=[0.1, 0.2])),
    "a point without its vector": ("differs", lambda e: e.rows["title_search"][0].update(vector=[])),
    "a point that no word finds": ("lost", lambda e: e.rows["title_search"][0].update(words=False)),
    "a point that counts as ended": ("lost", lambda e: e.rows["title_search"][0].update(live=False)),
    "a text that nobody embedded": ("lost", lambda e: without(e, "v-2")),
    "a vector of a version that is not": ("invented", lambda e: again(e, "v-2", event_id="v-3", offset=2, hlc=3)),
    "an older vector after a newer one": ("out of order", lambda e: again(e, "v-1", event_id="v-0", offset=2)),
    "a delivery that is stuck": ("lost", lambda e: e.rows["provider_deliveries"][0].update(outcome="accepted")),
    "the later one stands first": ("out of order", swap),
    "a position went back": ("position moved back", lambda e: e.went_back.append("ratings_v1 ratings:0 from 2 to 1")),
    "told, not committed": ("told early", lambda e: e.told_early.append("ratings told of ratings:0:2 at 1")),
    "never read": ("lost", lambda e: e.behind.append("ratings on ratings: 1 events")),
    "an unexplained dead letter": ("dead letter", lambda e: e.letters.append(Letter("ratings", "ratings:0:1", "x"))),
    "a dead letter is missing": ("lost", lambda e: e.poisoned.update({"ratings:0:7": "no event"})),
    "garbage of our own": ("invented", lambda e: e.undecodable.append("ratings:0:9")),
    "not well again": ("not recovered", lambda e: e.faults.append(Fault("kill", "materializer:ratings", None))),
}


def test_a_run_that_kept_its_word_has_no_finding() -> None:
    assert checker.judge(good()) == []


@pytest.mark.parametrize("name", BREAKS)
def test_each_violation_is_found_and_named(name: str) -> None:
    kind, breaks = BREAKS[name]
    evidence = deepcopy(good())
    breaks(evidence)
    assert kind in kinds(evidence)


def test_a_repeated_request_is_no_violation_and_is_counted() -> None:
    evidence = good()
    again(evidence, "r-2", offset=2)
    assert checker.judge(evidence) == []
    assert checker.redelivered(evidence) == 1


def edit(evidence: Evidence, event_id: str, offset: int, kind: str, value: Any = None) -> None:
    """One more of the list, asked for and in the log."""
    asked = posted(event_id, "watchlist-changes", "w-1", 60 + offset, kind)
    evidence.posted.append(asked)
    evidence.logged.append(logged(offset, asked, kind, value))


def test_moving_on_a_list_neither_adds_nor_removes() -> None:
    evidence = good()
    edit(evidence, "o-3", 1, "WatchlistItemMoved")
    assert checker.judge(evidence) == []


def test_a_late_repetition_does_not_bring_back_what_was_removed() -> None:
    evidence = good()
    edit(evidence, "o-3", 1, "WatchlistItemRemoved", value=False)
    again(evidence, "o-2", offset=2)
    assert kinds(evidence) == {"differs"}
    evidence.rows["watchlist"][0].update(present=False)
    assert checker.judge(evidence) == []


def test_a_late_repetition_removes_nothing_but_what_its_device_had_seen() -> None:
    evidence = good()
    edit(evidence, "o-3", 1, "WatchlistItemRemoved", value=False)
    edit(evidence, "o-4", 2, "WatchlistItemAdded")
    again(evidence, "o-3", offset=3)
    assert checker.judge(evidence) == []
    evidence = good()
    edit(evidence, "o-3", 1, "WatchlistItemRemoved", value=True)
    edit(evidence, "o-4", 2, "WatchlistItemAdded")
    again(evidence, "o-3", offset=3)
    assert kinds(evidence) == {"differs"}  # a blind one takes away all that is there


def test_poison_with_a_dead_letter_of_every_consumer_is_explained() -> None:
    evidence = good()
    evidence.poisoned["playback-events:0:9"] = "no event"
    evidence.undecodable.append("playback-events:0:9")
    evidence.letters += [Letter(name, "playback-events:0:9", "bytes") for name in checker.POISONED["playback-events"]]
    assert checker.judge(evidence) == []


def test_a_request_without_an_answer_may_be_missing() -> None:
    evidence = good()
    for each in evidence.posted:
        each.acknowledged = each.event_id != "o-1"
    without(evidence, "o-1")
    evidence.rows["preferences"].clear()
    assert checker.judge(evidence) == []


def test_every_class_of_violation_has_a_count() -> None:
    assert {kind for kind, _ in BREAKS.values()} == set(checker.CLASSES)
    assert checker.counts([]) == dict.fromkeys(checker.CLASSES, 0)


def test_a_load_that_is_not_about_search_is_judged_by_what_it_has() -> None:
    evidence = good()
    del evidence.rows["title_search"]
    evidence.logged = [record for record in evidence.logged if record.topic != "title-embeddings"]
    assert checker.judge(evidence) == []


def test_a_history_without_titles_is_judged_by_what_it_has() -> None:
    evidence = good()
    evidence.logged = [record for record in evidence.logged if record.topic not in ("titles", "title-embeddings")]
    for model in ("title_catalog", "title_search", "decided_titles", "resolved_items"):
        del evidence.rows[model]
    assert checker.judge(evidence) == []
