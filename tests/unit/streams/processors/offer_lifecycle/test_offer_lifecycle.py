"""What is told of offers: each begin, end and price, and each end 7, 3 and 1 days before, once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.clock import to_milliseconds
from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.catalog import AvailabilityChanged, Offer, OfferExpiring
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Received
from streams.processors.offer_lifecycle import SPEC
from streams.processors.offer_lifecycle.state import Offered
from streams.processors.offer_lifecycle.transform import MOST_SIZE, REMEMBERED_MS, step, tick, wakes_at
from tests.support.stateful import Log, event
from tests.support.titles import changed, merged, retired

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOME = to_milliseconds(NOW)


def offer(**given: Any) -> Offer:
    return Offer(**({"provider": "netflix", "region": "DE", "type": "subscription"} | given))


def told(made: AnyEvent) -> tuple[Any, ...]:
    if isinstance(made, AvailabilityChanged):
        return (made.change, made.provider, made.occurred_at)
    assert isinstance(made, OfferExpiring)
    return ("expiring", made.provider, made.reached)


class Title:
    """One title; snapshots come at `at` and timers fire when they are due, as in the engine."""

    def __init__(self) -> None:
        self.state: Offered | None = None
        self.made: list[AnyEvent] = []
        self.version = 0

    def show(self, at: datetime, *offers: Offer) -> list[Any]:
        self.version += 1
        return self.see(changed("t", self.version, offers=offers, occurred_at=at), at)

    def see(self, what: Any, at: datetime) -> list[Any]:
        received = Received(what, Position("titles", 0, self.version), b"t", at)
        self.state, made = step(self.state, received, to_milliseconds(at))
        self.made += made
        return [told(each) for each in made]

    def wait(self, until: datetime) -> list[Any]:
        """Timers one after another, each at the moment it was set for."""
        found: list[AnyEvent] = []
        while self.state is not None and (when := wakes_at(self.state)) is not None and when <= to_milliseconds(until):
            found += self.wake(when)
        return [told(each) for each in found]

    def wake(self, at: int) -> list[AnyEvent]:
        assert self.state is not None
        self.state, made = tick(self.state, at)
        self.made += made
        return list(made)


def test_an_offer_begins_with_the_snapshot_that_has_it_and_ends_with_the_one_that_has_not() -> None:
    title = Title()
    assert title.show(NOW, offer()) == [("started", "netflix", NOW)]
    assert title.show(NOW + DAY, offer(), offer(provider="hulu")) == [("started", "hulu", NOW + DAY)]
    assert title.show(NOW + 2 * DAY, offer(provider="hulu")) == [("ended", "netflix", NOW + 2 * DAY)]
    started, _, ended = title.made
    assert isinstance(started, AvailabilityChanged)
    assert isinstance(ended, AvailabilityChanged)
    assert (started.before, ended.after) == (None, None)
    assert started.title_name == "Title t at 1"


def test_windows_begin_and_end_by_the_clock() -> None:
    title = Title()
    assert title.show(NOW, offer(starts_at=NOW + DAY, ends_at=NOW + 30 * DAY)) == []
    assert title.wait(NOW + 2 * DAY) == [("started", "netflix", NOW + DAY)]
    assert title.wait(NOW + 31 * DAY) == [
        ("expiring", "netflix", (7,)),
        ("expiring", "netflix", (3,)),
        ("expiring", "netflix", (1,)),
        ("ended", "netflix", NOW + 30 * DAY),
    ]
    assert title.wait(NOW + 400 * DAY) == []


def test_an_end_that_came_near_unseen_is_told_once() -> None:
    title = Title()
    assert title.show(NOW, offer(ends_at=NOW + 2 * DAY)) == [
        ("started", "netflix", NOW),
        ("expiring", "netflix", (7, 3)),
    ]
    (expiring,) = (each for each in title.made if isinstance(each, OfferExpiring))
    assert (expiring.days, expiring.ends_at) == (3, NOW + 2 * DAY)
    assert title.show(NOW, offer(ends_at=NOW + 2 * DAY), offer(provider="hulu")) == [("started", "hulu", NOW)]
    assert title.wait(NOW + 1.5 * DAY) == [("expiring", "netflix", (1,))]


def test_another_price_and_other_terms() -> None:
    title = Title()
    title.show(NOW, offer(type="rent", price="3.99", currency="EUR"))
    assert title.show(NOW + DAY, offer(type="rent", price="2.99", currency="EUR")) == [
        ("price_changed", "netflix", NOW + DAY)
    ]
    (cheaper,) = title.made[-1:]
    assert isinstance(cheaper, AvailabilityChanged)
    assert cheaper.before
    assert cheaper.after
    assert (cheaper.before.price, cheaper.after.price) == ("3.99", "2.99")
    far = NOW + 300 * DAY
    assert title.show(NOW + DAY, offer(type="rent", price="2.99", currency="EUR", ends_at=far)) == [
        ("terms_changed", "netflix", NOW + DAY)
    ]
    assert title.show(NOW + DAY, offer(type="rent", price="2.99", currency="EUR", ends_at=far)) == []


def test_a_window_that_follows_without_a_gap_is_no_end() -> None:
    title = Title()
    first = offer(type="rent", price="3.99", ends_at=NOW + 10 * DAY)
    second = offer(type="rent", price="4.99", starts_at=NOW + 10 * DAY, ends_at=NOW + 40 * DAY)
    title.show(NOW, first, second)
    assert title.wait(NOW + 30 * DAY) == [("price_changed", "netflix", NOW + 10 * DAY)]
    assert [made[0] for made in title.wait(NOW + 50 * DAY)] == ["expiring", "expiring", "expiring", "ended"]


def test_the_cheapest_of_several_counts() -> None:
    title = Title()
    title.show(NOW, offer(type="buy", price="9.99"), offer(type="buy", price="dear"), offer(type="buy", price="NaN"))
    (started,) = title.made
    assert isinstance(started, AvailabilityChanged)
    assert started.after is not None
    assert started.after.price == "9.99"


def test_an_end_that_is_put_off_is_told_anew_and_one_that_comes_back_is_not() -> None:
    title = Title()
    near, far = NOW + 5 * DAY, NOW + 50 * DAY
    title.show(NOW, offer(ends_at=near))
    assert title.show(NOW, offer(ends_at=far)) == [("terms_changed", "netflix", NOW)]
    assert title.show(NOW, offer(ends_at=near)) == [("terms_changed", "netflix", NOW)]
    assert title.show(NOW) == [("ended", "netflix", NOW)]
    assert title.show(NOW, offer(ends_at=near)) == [("started", "netflix", NOW)]
    assert title.wait(NOW + 4.5 * DAY) == [("expiring", "netflix", (3,)), ("expiring", "netflix", (1,))]


def test_a_clock_that_was_wrong_tells_nothing_twice() -> None:
    """It jumps a year ahead and back; what it told meanwhile is known afterwards."""
    title = Title()
    title.show(NOW, offer(ends_at=NOW + 20 * DAY))
    title.wait(NOW + 14 * DAY)
    title.wake(to_milliseconds(NOW + 18 * DAY))
    title.wake(to_milliseconds(NOW + 365 * DAY))
    title.show(NOW + 15 * DAY, offer(ends_at=NOW + 20 * DAY), offer(provider="hulu"))
    title.wait(NOW + 30 * DAY)
    days = [day for each in title.made if isinstance(each, OfferExpiring) for day in each.reached]
    assert sorted(days) == [1, 3, 7]
    assert title.state is not None
    assert title.state.at < to_milliseconds(NOW + 31 * DAY)


def test_clocks_that_differ_a_little_do_not_flap() -> None:
    title = Title()
    title.show(NOW, offer(ends_at=NOW + DAY))
    assert [made[0] for made in title.wait(NOW + DAY)] == ["ended"]
    late = NOW + DAY - timedelta(seconds=30)
    assert title.show(late, offer(ends_at=NOW + DAY), offer(provider="hulu")) == [("started", "hulu", late)]


def test_a_merged_title_names_its_successor_and_a_retired_one_just_ends() -> None:
    for end, successor in ((merged("t", 9, "other"), "other"), (retired("t", 9), None)):
        title = Title()
        title.show(NOW, offer())
        assert [made[0] for made in title.see(end, NOW)] == ["ended"]
        (ended,) = title.made[-1:]
        assert isinstance(ended, AvailabilityChanged)
        assert ended.successor_id == successor


def test_an_older_snapshot_changes_nothing() -> None:
    title = Title()
    title.show(NOW, offer())
    title.show(NOW, offer(provider="hulu"))
    before = title.state
    assert title.see(changed("t", 1, offers=(offer(provider="max"),)), NOW + DAY) == []
    assert title.state is before


def test_titles_without_offers_cost_nothing() -> None:
    title = Title()
    assert title.show(NOW) == []
    assert title.see(merged("t", 9, "other"), NOW) == []
    assert title.state is None


def test_a_title_that_lost_its_offers_is_forgotten_in_the_end() -> None:
    title = Title()
    title.show(NOW, offer())
    title.show(NOW)
    assert title.state is not None
    when = wakes_at(title.state)
    assert when == HOME + REMEMBERED_MS
    assert title.wake(when) == []
    assert title.state is None


def test_what_is_no_title_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="unexpected_event"):
        step(None, Received(event(), Position("titles", 0, 0), b"t", NOW), 0)


def test_more_offers_than_can_be_remembered_are_refused() -> None:
    """And what is not refused fits into a message, with what was told."""
    link = "https://watch.example/" + "x" * 178
    many = [offer(provider=f"p{number}", link=link) for number in range(MOST_SIZE // 350)]
    title = Title()
    assert len(title.show(NOW, *many)) == len(many)
    assert len(msgspec.msgpack.encode(title.state)) < 8_000_000
    with pytest.raises(InvalidEvent, match="too_many_offers"):
        title.show(NOW, *many, offer(), offer(provider="hulu"))


windows = st.tuples(st.integers(0, 40), st.integers(1, 40), st.sampled_from(["1", "2", None])).map(
    lambda w: offer(type="rent", price=w[2], starts_at=NOW + w[0] * DAY, ends_at=NOW + (w[0] + w[1]) * DAY)
)
stories = st.lists(st.tuples(st.integers(0, 12), st.lists(windows, max_size=3)), min_size=1, max_size=6)


@given(stories)
def test_what_is_told_adds_up(story: list[tuple[int, list[Offer]]]) -> None:
    """begin, then changes, then end; what holds in the end is what was told last; no day twice for an end."""
    title, now = Title(), NOW
    for days, offers in story:
        now += days * DAY
        title.wait(now)
        title.show(now, *offers)
    title.wait(now + 200 * DAY)
    terms = None
    warned: set[tuple[datetime, int]] = set()
    for made in title.made:
        if isinstance(made, AvailabilityChanged):
            assert made.before == terms or (made.before and terms and made.before.ends_at == terms.ends_at)
            assert (made.before is None) == (terms is None)
            terms = made.after
        elif isinstance(made, OfferExpiring):
            assert terms is not None
            assert terms.ends_at == made.ends_at
            new = {(made.ends_at, day) for day in made.reached}
            assert not warned & new
            warned |= new
    assert terms is None, "every window has an end"
    assert len({made.event_id for made in title.made}) == len(title.made)


@given(stories, st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_dying_at_any_write_tells_the_same(story: list[tuple[int, list[Offer]]], deaths: list[int]) -> None:
    def run(kills: list[int]) -> dict[str, AnyEvent]:
        assert SPEC.state is not None
        log, now, kill = Log(SPEC.state), NOW, iter(kills)
        for number, (days, offers) in enumerate(story):
            now += days * DAY
            snapshot = changed("t", number + 1, offers=tuple(offers), occurred_at=now)
            input_ = Received(snapshot, Position("titles", 0, number), b"t", now)
            while not log.batch([input_], next(kill, None)):
                log.died()
            log.tick(to_milliseconds(now + DAY / 2))
        log.tick(to_milliseconds(now + 200 * DAY))
        return {made.event_id: made for made in log.outputs}

    assert run(deaths) == run([])


def test_ids_do_not_depend_on_when_a_timer_fired() -> None:
    ids = []
    for late in (0, 3_600_000):
        title = Title()
        title.show(NOW, offer(ends_at=NOW + 10 * DAY))
        for days in (3, 7, 9, 10):
            title.wake(HOME + days * 86_400_000 + late)
        ids.append([(made.event_id, made.occurred_at) for made in title.made])
    assert ids[0] == ids[1]
