"""Speed of `schemas.codec` on one core: `python -m proofs.benchmarks.codec [--json]`.

A small event (about 95 bytes on the wire, the size of most that devices will send) and a full title snapshot. Values
are medians of several runs, so that one slow moment of the machine does not decide.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from proofs import figures
from proofs.figures import Figure
from schemas import codec, envelope
from schemas.types import AnyEvent, catalog

RUNS = 7
SMALL_BAR = 100_000.0
_T = TypeVar("_T")
_MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def small_event() -> AnyEvent:
    return catalog.TitleMerged(
        event_id=envelope.derived_id("bench", "codec", 0),
        occurred_at=_MOMENT,
        title_id="0197e3a0-0000-7000-8000-000000000001",
        version=3,
        successor_id="tt0111161",
    )


def title_event() -> AnyEvent:
    """As large as a well-described film of two providers: 12 credits, 4 offers."""
    people = tuple(
        catalog.Person(name=f"First Middle Surname {n}", role="actor", character="A part") for n in range(12)
    )
    offers = tuple(
        catalog.Offer(provider="netflix", region=region, type="subscription", quality="hd", starts_at=_MOMENT)
        for region in ("US", "GB", "DE", "FR")
    )
    return catalog.TitleChanged(
        event_id=envelope.derived_id("bench", "codec", 1),
        occurred_at=_MOMENT,
        title_id="0197e3a0-0000-7000-8000-000000000001",
        version=3,
        kind="movie",
        name="A Film With a Name of Usual Length",
        original_name="Ein Film mit einem Namen von üblicher Länge",
        alternate_names=("A Film",),
        year=1994,
        release_date="1994-09-23",
        runtime_minutes=142,
        genres=("drama", "crime"),
        people=people,
        overview="What happens in this film, told in a few sentences. " * 6,
        age_ratings=(catalog.AgeRating(country="US", label="R", minimum_age=17),),
        languages=("en", "de"),
        countries=("US",),
        external_ids=(catalog.ExternalId(source="imdb", value="tt0111161"),),
        offers=offers,
        popularity=0.93,
        sources=(catalog.TitleSource(provider="wikidata", native_id="Q172241"),),
        created_at=_MOMENT,
    )


def _per_second(action: Callable[[_T], object], argument: _T, count: int) -> float:
    """Median over RUNS of `count` calls each."""
    rates = []
    for _ in range(RUNS):
        started = time.perf_counter()
        for _ in range(count):
            action(argument)
        rates.append(count / (time.perf_counter() - started))
    return statistics.median(rates)


def run(count: int = 20_000) -> list[Figure]:
    """`count` calls a run; titles get a fifth of that."""
    found = []
    for name, event, calls in (("small", small_event(), count), ("title", title_event(), max(count // 5, 1))):
        data = codec.encode(event)
        if codec.decode(data) != event:
            raise AssertionError(f"{name}: the codec does not give back what it got")
        samples = calls * RUNS
        decoded = _per_second(codec.decode, data, calls)
        encoded = _per_second(codec.encode, event, calls)
        label = f"{name} event, {len(data)} bytes"
        if name == "small":
            found.append(Figure.against(f"decode {label}", decoded, "events/s", "≥", SMALL_BAR, samples))
        else:
            found.append(Figure.information(f"decode {label}", decoded, "events/s", samples))
        found.append(Figure.information(f"encode {label}", encoded, "events/s", samples))
    return found


if __name__ == "__main__":
    sys.exit(figures.report(run(), as_json="--json" in sys.argv[1:], title="codec, one core"))
