"""What a title event leaves in title_catalog."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.read_models.text import name_key
from schemas.read_models.title_catalog import TitleDocument
from schemas.types.catalog import ExternalId, TitleEmbedded, TitleSource
from streams.engine.outcome import InvalidEvent
from streams.materializers.title_catalog.store import newest
from streams.materializers.title_catalog.transform import transform
from tests.support.titles import POSITION, WHEN, changed, merged, retired


def test_a_change_becomes_the_whole_row() -> None:
    event = changed("a", 3, name="Amélie", original_name="Le Fabuleux Destin", year=2001, popularity=0.5)
    (write,) = transform(event, POSITION)
    assert (write.title_id, write.version, write.state, write.successor_id) == ("a", 3, "live", None)
    assert (write.name, write.name_key, write.year, write.popularity) == ("Amélie", "amelie", 2001, 0.5)
    assert (write.created_at, write.event_at) == (event.created_at, event.occurred_at)
    assert write.external_ids == (("imdb", "tta"),)


def test_the_document_is_the_title_without_its_offers() -> None:
    event = changed("a", 1, genres=("drama",), sources=(TitleSource(provider="netflix", native_id="1"),))
    (write,) = transform(event, POSITION)
    document = msgspec.json.decode(write.document or "", type=TitleDocument)
    for field in TitleDocument.__struct_fields__:
        assert getattr(document, field) == getattr(event, field)
    assert set(event.__struct_fields__) - set(document.__struct_fields__) == {"event_id", "occurred_at", "offers"}
    assert "offers" not in json.loads(write.document or "")


def test_every_name_is_a_key_once_and_the_main_one_leads() -> None:
    (write,) = transform(
        changed("a", name="The Bridge", original_name="Bron", alternate_names=("BRON", "ブロン")), POSITION
    )
    assert write.name_keys == (name_key("The Bridge"), "bron", name_key("ブロン"))


def test_a_blank_name_has_no_key_to_be_found_by() -> None:
    (write,) = transform(changed("a", name=" "), POSITION)
    assert (write.name_key, write.name_keys) == ("", ())


@pytest.mark.parametrize("event", [merged("a", 2, "b"), retired("a", 2)])
def test_an_end_keeps_nothing_of_the_snapshot(event: object) -> None:
    (write,) = transform(event, POSITION)  # type: ignore[arg-type] # one of the two
    assert [write.document, write.name, write.kind, write.created_at] == [None] * 4
    assert (write.name_keys, write.external_ids, write.version) == ((), (), 2)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (changed("a", name="nul \0 in it"), "nul_character"),
        (changed("a", overview="\\\0"), "nul_character"),
        (merged("a", 1, "b\0"), "nul_character"),
        (retired("\0", 1), "nul_character"),
        (changed("a", popularity=float("nan")), "invalid_popularity"),
        (changed("a", external_ids=(ExternalId(source="x", value="é" * 501),)), "external_id_too_long"),
    ],
)
def test_what_postgres_cannot_hold_is_refused(event: object, reason: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        transform(event, POSITION)  # type: ignore[arg-type] # one of the three
    assert refused.value.reason == reason


def test_text_that_only_looks_like_a_nul_is_kept() -> None:
    (write,) = transform(changed("a", overview="the escape \\u0000 in words"), POSITION)
    assert json.loads(write.document or "")["overview"] == "the escape \\u0000 in words"


def test_an_event_of_another_topic_is_refused() -> None:
    event = TitleEmbedded(
        event_id="e", occurred_at=WHEN, title_id="a", version=1, model="m", dimension=0, text_hash="", vector=b""
    )
    with pytest.raises(InvalidEvent, match="unexpected_event"):
        transform(event, POSITION)


@given(st.permutations([changed("a", 1), changed("a", 2), merged("a", 2, "b"), changed("b", 5), retired("b", 4)]))
def test_the_newest_write_wins_in_any_order_and_an_end_beats_a_change(events: list[object]) -> None:
    writes = [write for event in events for write in transform(event, POSITION)]  # type: ignore[arg-type] # title events
    assert [(w.title_id, w.version, w.state) for w in newest(writes)] == [("a", 2, "merged"), ("b", 5, "live")]
