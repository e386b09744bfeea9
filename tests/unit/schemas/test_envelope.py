import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Position, derived_id, new_event_id


@given(st.from_regex(r"[a-z][a-z0-9.:_-]{0,20}", fullmatch=True), st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1))
def test_position_text_comes_back(topic: str, partition: int, offset: int) -> None:
    position = Position(topic, partition, offset)
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "titles", "titles:1", ":0:1", "titles:-1:5", "titles:0:-5", "titles:a:b", "a:1:"])
def test_other_texts_are_no_positions(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Position.parse(text)


def test_positions_of_a_partition_are_ordered_by_offset() -> None:
    assert Position("titles", 0, 9) < Position("titles", 0, 10)


def test_event_ids_are_version_7_and_grow() -> None:
    ids = [new_event_id() for _ in range(100)]
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert len(set(ids)) == 100
    assert ids[0][:8] <= ids[-1][:8]


def test_derived_ids_are_the_same_in_every_process() -> None:
    """Fixed values: a change would publish every derived event a second time under another id."""
    assert derived_id("msg_1", "ingestion", 0) == "b07b96d8-f63f-57e2-b452-e61d6ce684a8"
    assert uuid.UUID(derived_id("a", "b")).version == 5


def test_derived_ids_differ_by_every_part() -> None:
    parts: list[tuple[str, str, int | str]] = [
        ("a", "b", 0),
        ("a", "b", 1),
        ("a", "c", 0),
        ("b", "b", 0),
        ("a", "b", "x"),
    ]
    assert len({derived_id(*part) for part in parts}) == len(parts)
