import time
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.envelope import derived_id
from schemas.types.catalog import ProviderItemNormalized, ProviderItemWithdrawn
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization import limits
from streams.processors.normalization.adapters import ADAPTERS
from streams.processors.normalization.content_hash import content_hash
from streams.processors.normalization.reasons import Reason
from streams.processors.normalization.transform import transform
from tests.support.deliveries import NOW, POSITION, a_delivery, canonical

MOVIE = {"show_id": "n1", "type": "Movie", "title": "Quiet Harbour", "release_year": 2001}
COLUMNS = sorted(
    {
        *("ID", "imdbID", "Title", "Year", "Rating", "Runtime", "Genre", "Released", "Director", "Cast", "Country"),
        *("Language", "Reviews", "item_id", "movie_title", "release_year", "class", "show_id", "type", "title"),
        *("duration", "rating", "listed_in", "description", "id", "genres", "production_countries", "imdb_id"),
        *("imdb_votes", "_platform", "date_added", "age_certification", "runtime"),
    }
)


def reason_of(event: Any) -> str:
    with pytest.raises(InvalidEvent) as refused:
        transform(event, POSITION)
    assert refused.value.reason in get_args(Reason)
    assert len(refused.value.detail) <= 300
    return refused.value.reason


def test_an_upsert_carries_the_delivery_on() -> None:
    event = a_delivery("hulu", MOVIE)
    (out,) = transform(event, POSITION)
    assert isinstance(out, ProviderItemNormalized)
    assert out.event_id == derived_id(event.event_id, "normalization")
    assert (out.provider, out.native_id, out.delivery_id) == ("hulu", "n1", "delivery-1")
    assert (out.source_time, out.occurred_at) == (NOW, NOW)
    assert out.item.content_hash == content_hash(out.item)
    assert transform(event, POSITION) == (out,)
    assert codec.decode(codec.encode(out)) == out


def test_a_withdrawal_needs_no_body() -> None:
    event = a_delivery("hulu", action="withdraw")
    (out,) = transform(event, POSITION)
    assert isinstance(out, ProviderItemWithdrawn)
    assert out.event_id == derived_id(event.event_id, "normalization")
    assert (out.provider, out.native_id, out.delivery_id, out.source_time) == ("hulu", "n1", "delivery-1", NOW)


def test_another_time_is_no_other_content() -> None:
    later = a_delivery("hulu", MOVIE, source_time=NOW + timedelta(days=3))
    (first,), (second,) = transform(a_delivery("hulu", MOVIE), POSITION), transform(later, POSITION)
    assert isinstance(first, ProviderItemNormalized)
    assert isinstance(second, ProviderItemNormalized)
    assert first.item == second.item


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (a_delivery("nobody", MOVIE), "bad_shape"),  # no adapter of that name: items in our own shape are expected
        (a_delivery("hulu", MOVIE, action="unknown"), "unknown_action"),
        (a_delivery("hulu", MOVIE, native_id=""), "bad_native_id"),
        (a_delivery("hulu", MOVIE, native_id="a\x00b"), "bad_native_id"),
        (a_delivery("hulu", MOVIE, native_id="n" * 201), "bad_native_id"),
        (a_delivery("hulu", MOVIE, native_id="n2"), "id_mismatch"),
        (a_delivery("hulu", b""), "bad_json"),
        (a_delivery("hulu", b"\xff\xfe"), "bad_json"),
        (a_delivery("hulu", b'{"title": "\xff"}'), "bad_json"),
        (a_delivery("hulu", b'{"title": "\\ud800"}'), "bad_json"),
        (a_delivery("hulu", b'{"title": 1e999}'), "bad_json"),
        (a_delivery("hulu", b'{"title": NaN}'), "bad_json"),
        (a_delivery("hulu", b"[" * 400_000), "too_deep"),
        (a_delivery("hulu", b'{"title":' * 50_000), "too_deep"),
        (a_delivery("hulu", []), "not_an_object"),
        (a_delivery("hulu", b"null"), "not_an_object"),
        (a_delivery("hulu", MOVIE | {"title": ["a"]}), "bad_shape"),
        (a_delivery("hulu", MOVIE | {"title": True}), "bad_shape"),
        (a_delivery("hulu", MOVIE | {"cast": {"a": 1}}), "bad_shape"),
        (a_delivery("hulu", MOVIE | {"title": None}), "missing_name"),
        (a_delivery("hulu", MOVIE | {"title": " \u200b\x00 "}), "missing_name"),
        (a_delivery("hulu", MOVIE | {"title": "x" * 501}), "name_too_long"),
        (a_delivery("hulu", MOVIE | {"title": "x" * 400_000}), "name_too_long"),
        (a_delivery("hulu", MOVIE | {"title": "x" * 1_000_000}), "body_too_large"),
        (a_delivery("hulu", MOVIE | {"type": "Game"}), "unknown_kind"),
        (
            ProviderItemWithdrawn(
                event_id="e", occurred_at=NOW, provider="hulu", native_id="n1", delivery_id="d", source_time=NOW
            ),
            "unexpected_event",
        ),
    ],
)
def test_bad_input_is_refused_quickly_and_by_name(event: Any, reason: str) -> None:
    started = time.perf_counter()
    assert reason_of(event) == reason
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("year", [0, 9999, -1, 1869, 2037, "0", "9999.0", 10**18, "soon", None])
def test_years_that_cannot_be_are_dropped_and_the_item_stays(year: object) -> None:
    assert canonical("hulu", MOVIE | {"release_year": year}).year is None


@pytest.mark.parametrize("year", [1870, 2026, 2036])
def test_years_up_to_ten_ahead_of_the_source_stay(year: int) -> None:
    assert canonical("hulu", MOVIE | {"release_year": year}).year == year


def test_a_source_clock_in_the_far_future_lets_no_far_year_in() -> None:
    future = datetime(9999, 1, 1, tzinfo=UTC)
    (out,) = transform(a_delivery("hulu", MOVIE | {"release_year": 9999}, source_time=future), POSITION)
    assert isinstance(out, ProviderItemNormalized)
    assert out.item.year is None


def test_long_lists_and_texts_are_cut() -> None:
    crowd = ", ".join(f"Person {n}" for n in range(400))
    found = canonical(
        "hulu",
        MOVIE | {"cast": crowd, "description": "word " * 4000, "listed_in": ", ".join(f"g{n}" for n in range(99))},
    )
    assert len(found.people) == limits.MAX_PEOPLE
    assert found.people[0].name == "Person 0"
    assert found.overview is not None
    assert len(found.overview) <= limits.MAX_OVERVIEW
    assert found.overview.endswith("word…")
    assert len(found.unknown_genres) == limits.MAX_GENRES


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
plausible = st.sampled_from(
    [
        "Movie",
        "TV Show",
        "MOVIE",
        "SHOW",
        "90 min",
        "2019",
        "(a)",
        "a, b",
        "['a']",
        "tt1234567",
        "netflix",
        "Drama",
        "PG",
    ]
)
raw_items = st.dictionaries(st.sampled_from(COLUMNS), plausible | scalars | json_values, max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ADAPTERS)), raw_items, st.datetimes(timezones=st.just(UTC)))
def test_whatever_arrives_becomes_an_event_or_a_named_refusal(
    provider: str, raw: dict[str, Any], source_time: datetime
) -> None:
    try:
        body = msgspec.json.encode(raw)
    except (UnicodeEncodeError, OverflowError):
        return  # lone surrogates and endless integers cannot be sent
    native_id = ADAPTERS[provider].native_id(raw)
    event = a_delivery(provider, body, native_id=native_id or "n1", source_time=source_time)
    try:
        outputs = transform(event, POSITION)
    except InvalidEvent as refused:
        assert refused.reason in get_args(Reason)  # noqa: PT017 - both outcomes are right, each is checked
        return
    (out,) = outputs
    assert isinstance(out, ProviderItemNormalized)
    assert out.item.name
    assert codec.decode(codec.encode(out)).item == out.item  # type: ignore[union-attr]  # one record in, the same out


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_named_refusal(body: bytes) -> None:
    reason_of(a_delivery("wikidata", body))
