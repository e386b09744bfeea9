"""Which titles are embedded, and what is published for them."""

import pytest

from schemas.envelope import derived_id
from schemas.read_models.text import embedding_text, text_hash
from schemas.types.catalog import TitleEmbedded
from streams.engine.outcome import InvalidEvent
from streams.processors.embedding.transform import Remembered, embedded, plan, title_event
from tests.support.titles import changed, merged, retired

MODEL = "m"


def test_an_unknown_title_is_embedded() -> None:
    event = changed("1")
    (wanted,) = plan(MODEL, [event], {}).wanted
    assert wanted.text == embedding_text(event)
    assert wanted.text_hash == text_hash(MODEL, wanted.text)


def test_the_same_text_is_not_embedded_again() -> None:
    known = {"1": Remembered(1, text_hash(MODEL, embedding_text(changed("1", 1, name="Heat"))))}
    assert plan(MODEL, [changed("1", 2, name="Heat", popularity=0.9)], known).wanted == ()
    assert len(plan(MODEL, [changed("1", 2, name="Heat 2")], known).wanted) == 1
    assert len(plan("another", [changed("1", 2, name="Heat")], known).wanted) == 1


def test_an_older_version_is_not_embedded() -> None:
    assert plan(MODEL, [changed("1", 1)], {"1": Remembered(2, "x")}).wanted == ()


def test_only_the_last_event_of_a_title_counts() -> None:
    todo = plan(MODEL, [changed("1", 1), changed("2", 1), changed("1", 2)], {})
    assert [(wanted.title_id, wanted.version) for wanted in todo.wanted] == [("1", 2), ("2", 1)]


@pytest.mark.parametrize("end", [merged("1", 2, "9"), retired("1", 2)])
def test_an_ended_title_is_forgotten(end: object) -> None:
    todo = plan(MODEL, [changed("1", 1), end], {})  # type: ignore[list-item] # both ends are title events
    assert todo.wanted == ()
    assert todo.forgotten == ("1",)


def test_a_replay_makes_the_same_event() -> None:
    event = changed("1")
    (wanted,) = plan(MODEL, [event], {}).wanted
    one = embedded(wanted, MODEL, 2, b"12345678")
    assert one == embedded(wanted, MODEL, 2, b"12345678")
    assert one.event_id == derived_id(event.event_id, "embedding")
    assert (one.title_id, one.version, one.model, one.dimension) == ("1", 1, MODEL, 2)


def test_other_records_are_refused() -> None:
    (wanted,) = plan(MODEL, [changed("1")], {}).wanted
    stray: TitleEmbedded = embedded(wanted, MODEL, 2, b"12345678")
    with pytest.raises(InvalidEvent, match="unexpected_record"):
        title_event(stray)
