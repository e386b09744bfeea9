"""Parts of a point come together in any order."""

from itertools import permutations

import msgspec
import pytest

from schemas.read_models.title_search import TitleCard, TitlePayload
from schemas.types import AnyEvent
from schemas.types.catalog import ExternalId, Image, Offer, ProviderItemWithdrawn
from streams.engine.outcome import InvalidEvent
from streams.materializers.title_search.transform import Parts, fold, merge, transform
from tests.support.embeddings import embedded
from tests.support.titles import POSITION, WHEN, changed, merged, retired


def applied(events: list[AnyEvent], *, one_by_one: bool) -> TitlePayload | None:
    """The payload of title 1 after the events."""
    current: TitlePayload | None = None
    batches = [[event] for event in events] if one_by_one else [events]
    for batch in batches:
        parts = fold(write for event in batch for write in transform(event, POSITION))["1"]
        found = merge(current, parts)
        current = found.payload if found is not None else current
    return current


def test_a_title_becomes_what_search_needs() -> None:
    offers = (
        Offer(provider="hulu", region="US", type="ads"),
        Offer(provider="netflix", region="DE", type="subscription"),
        Offer(provider="netflix", region="US", type="subscription"),
    )
    (part,) = transform(
        changed(
            "1",
            3,
            name="Amélie",
            original_name="Le Fabuleux Destin",
            alternate_names=("AMELIE", "Amelie from M."),
            year=2001,
            genres=("romance", "comedy"),
            offers=offers,
            popularity=0.5,
            images=(Image(kind="poster", url="https://example.org/p.jpg"),),
        ),
        POSITION,
    )
    (found,) = fold([part]).values()
    assert found.title is not None
    payload = found.title.payload
    assert payload.live
    assert payload.name_key == "amelie"
    assert payload.other_keys == ("le fabuleux destin", "amelie from m")
    assert payload.decade == 2000
    assert payload.providers == ("hulu", "netflix")
    assert payload.regions == ("DE", "US")
    assert payload.offers == ("hulu@US", "netflix@DE", "netflix@US")
    card = msgspec.json.decode(payload.card or "", type=TitleCard)
    assert (card.title_id, card.name, card.year, card.poster) == ("1", "Amélie", 2001, "https://example.org/p.jpg")
    assert found.title.terms is not None
    assert found.title.terms.indices


STORIES: list[list[AnyEvent]] = [
    [changed("1", 1), embedded("1", 1)],
    [changed("1", 1), changed("1", 2), embedded("1", 1), embedded("1", 2)],
    [changed("1", 1), embedded("1", 1), retired("1", 2)],
    [changed("1", 1), embedded("1", 1), merged("1", 2, "9"), embedded("1", 3), changed("1", 3)],
]


@pytest.mark.parametrize("story", STORIES)
def test_order_batches_and_repetition_change_nothing(story: list[AnyEvent]) -> None:
    expected = applied(story, one_by_one=False)
    assert expected is not None
    for order in permutations(story):
        assert applied(list(order), one_by_one=True) == expected
        assert applied([*order, *order], one_by_one=True) == expected
        assert applied(list(order), one_by_one=False) == expected


def test_an_embedding_alone_is_not_a_title() -> None:
    payload = applied([embedded("1", 1)], one_by_one=True)
    assert payload is not None
    assert not payload.live
    assert payload.card is None


def test_an_ended_title_keeps_nothing_searchable() -> None:
    payload = applied([changed("1", 1), embedded("1", 1), retired("1", 2)], one_by_one=True)
    assert payload == TitlePayload(title_id="1", version=2, state="retired")
    assert merge(payload, Parts(embedding=None)) is None


def test_a_part_keeps_the_other_parts_vector() -> None:
    current = applied([changed("1", 1), embedded("1", 1)], one_by_one=True)
    newer_title = merge(current, fold(transform(changed("1", 2), POSITION))["1"])
    assert newer_title is not None
    assert newer_title.keeps_dense
    assert not newer_title.keeps_sparse
    newer_vector = merge(current, fold(transform(embedded("1", 2), POSITION))["1"])
    assert newer_vector is not None
    assert newer_vector.keeps_sparse
    assert not newer_vector.keeps_dense


def test_the_same_again_writes_nothing() -> None:
    current = applied([changed("1", 1), embedded("1", 1)], one_by_one=True)
    for event in (changed("1", 1), embedded("1", 1)):
        assert merge(current, fold(transform(event, POSITION))["1"]) is None


@pytest.mark.parametrize(
    "event",
    [
        changed("1", popularity=float("nan")),
        embedded("1", vector=(1.0, float("inf"))),
        msgspec.structs.replace(embedded("1"), dimension=3),
        ProviderItemWithdrawn(
            event_id="e", occurred_at=WHEN, provider="p", native_id="n", delivery_id="d", source_time=WHEN
        ),
    ],
)
def test_what_can_never_be_a_point_is_invalid(event: AnyEvent) -> None:
    with pytest.raises(InvalidEvent):
        transform(event, POSITION)


def test_long_names_and_many_keys_are_cut() -> None:
    (part,) = transform(
        changed(
            "1",
            name="n" * 1_000_000,
            alternate_names=tuple(f"other {i}" for i in range(500)),
            external_ids=(ExternalId(source="imdb", value="tt1"),),
        ),
        POSITION,
    )
    found = fold([part])["1"].title
    assert found is not None
    assert len(msgspec.json.encode(found.payload)) < 10_000
