"""What providers send by mistake or on purpose: it may make a title too many, never one out of two works."""

import pytest

from streams.processors.entity_resolution.workspace import Workspace
from tests.support.canonical_items import an_item, ids, upserted
from tests.support.resolving import resolved, title_of


def titles(space: Workspace, *keys: str) -> list[str]:
    return [title_of(space, key).title_id for key in keys]


def test_an_item_that_claims_forty_ids_merges_nothing() -> None:
    claimed = [f"imdb:tt{number}" for number in range(40)]
    works = [
        upserted(
            f"alpha:{number}", an_item(f"Work {chr(65 + number % 26)}{number}", 1960 + number, external_ids=ids(id_))
        )
        for number, id_ in enumerate(claimed)
    ]
    before = resolved(works)
    kept = titles(before, *(f"alpha:{number}" for number in range(40)))
    space = resolved([*works, upserted("beta:1", an_item("All Of Them", 2001, external_ids=ids(*claimed)), 1)])
    assert titles(space, *(f"alpha:{number}" for number in range(40))) == kept
    assert len(set(kept)) == 40
    assert titles(space, "beta:1")[0] not in kept


def test_an_id_that_another_work_uses_again_is_shown_to_a_person() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item("Amber Road", 1999, external_ids=ids("imdb:tt1", "tmdb:1"))),
            upserted("beta:1", an_item("Birch Lane", 2014, external_ids=ids("imdb:tt1", "tmdb:2"))),
        ]
    )
    assert len(set(titles(space, "alpha:1", "beta:1"))) == 2


def test_two_providers_that_swap_their_ids() -> None:
    """Each id ends where the newest item that claims it is; the two works stay two."""
    amber, cedar = an_item("Amber Road", 1999), an_item("Cedar Hill", 1970)
    story = [
        upserted("alpha:1", an_item("Amber Road", 1999, external_ids=ids("imdb:tt1"))),
        upserted("beta:1", an_item("Cedar Hill", 1970, external_ids=ids("imdb:tt2"))),
        upserted("alpha:1", an_item("Cedar Hill", 1970, external_ids=ids("imdb:tt2")), 1),
        upserted("beta:1", an_item("Amber Road", 1999, external_ids=ids("imdb:tt1")), 1),
    ]
    space = resolved(story)
    alpha, beta = titles(space, "alpha:1", "beta:1")
    assert alpha != beta
    both = resolved([*story, upserted("gamma:1", amber, 2), upserted("gamma:2", cedar, 2)])
    assert titles(both, "gamma:1", "gamma:2") == titles(both, "beta:1", "alpha:1")


def test_an_item_that_changes_everything_leaves_and_takes_nobody_along() -> None:
    space = resolved(
        [
            upserted("alpha:1", an_item("Amber Road", 1999, external_ids=ids("imdb:tt1"))),
            upserted("beta:1", an_item("Amber Road", 1999, external_ids=ids("imdb:tt1"))),
            upserted("beta:1", an_item("Zinc Mountain", 1950, "series", external_ids=ids("imdb:tt9")), 1),
        ]
    )
    assert len(set(titles(space, "alpha:1", "beta:1"))) == 2
    assert title_of(space, "alpha:1").members.keys() == {("alpha", "1")}


@pytest.mark.parametrize("name", ["🎬", "🎬🎬 The Film", "A\u0007B\u200bC", "\u202eRoad", "x" * 200])
def test_odd_names_are_works_of_their_own(name: str) -> None:
    space = resolved([upserted("alpha:1", an_item(name, 1999)), upserted("beta:1", an_item("Amber Road", 1999))])
    assert len(set(titles(space, "alpha:1", "beta:1"))) == 2
