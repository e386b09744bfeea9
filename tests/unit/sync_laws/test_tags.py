import uuid

from hypothesis import given
from hypothesis import strategies as st

from sync_laws.tags import tag_of

ids = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=20)


def test_a_tag_never_changes() -> None:
    """Devices keep tags for months; another recipe would orphan every removal that names one."""
    assert tag_of("user-1", "tv", "op-1") == "a99bacdb-f6d1-5f39-9d51-dca0bad4c92a"


@given(one=st.tuples(ids, ids, ids), other=st.tuples(ids, ids, ids))
def test_different_operations_have_different_tags(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (tag_of(*one) == tag_of(*other)) is (one == other)
    assert uuid.UUID(tag_of(*one)).version == 5
