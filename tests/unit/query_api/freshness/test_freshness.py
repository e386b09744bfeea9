"""MG-After over several read models: what is waited for, what is passed over, what is refused."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from query_api.freshness import Freshness, ReadModelState, Sources
from runtime.http.problems import UNAVAILABLE, Problem

AT = datetime(2026, 3, 1, tzinfo=UTC)
SOURCES = {
    "catalog": Sources(frozenset({"titles"})),
    "search": Sources(frozenset({"titles", "embeddings"})),
    "history": Sources(frozenset({"sessions"}), indirectly=frozenset({"events"})),
    "state": Sources(frozenset({"events"})),
}


class MemoryStates:
    def __init__(self, **offsets: dict[tuple[str, int], int]) -> None:
        self.offsets = offsets
        self.asked = 0
        self.as_of = AT
        self.away = False

    async def states(self, read_models: Collection[str]) -> Mapping[str, ReadModelState]:
        self.asked += 1
        if self.away:
            raise Problem(UNAVAILABLE)
        return {name: ReadModelState(self.offsets[name], self.as_of) for name in read_models if name in self.offsets}


def freshness(states: MemoryStates, carried: frozenset[str] = frozenset()) -> Freshness:
    return Freshness(states, 0.02, SOURCES, carried)


@pytest.mark.parametrize("after", [None, "", "  "])
async def test_nothing_to_wait_for(after: str | None) -> None:
    states = MemoryStates()
    assert not await freshness(states).wait(after, "catalog")
    assert states.asked == 0


async def test_every_read_model_that_a_topic_feeds_must_have_it() -> None:
    states = MemoryStates(catalog={("titles", 0): 8}, search={("titles", 0): 7})
    assert await freshness(states).wait("titles:0:7", "catalog")
    assert await freshness(states).wait("titles:0:6", "catalog", "search")
    with pytest.raises(Problem, match="read-model-behind"):
        await freshness(states).wait("titles:0:7", "catalog", "search")


async def test_a_read_model_that_has_not_begun_is_behind() -> None:
    with pytest.raises(Problem, match="read-model-behind"):
        await freshness(MemoryStates()).wait("titles:0:0", "catalog")


async def test_it_looks_again_until_it_is_there() -> None:
    states = MemoryStates(catalog={("titles", 0): 0})

    class Moving(MemoryStates):
        async def states(self, read_models: Collection[str]) -> Mapping[str, ReadModelState]:
            states.asked += 1
            return {"catalog": ReadModelState({("titles", 0): states.asked}, AT)}

    assert await Freshness(Moving(), 5.0, SOURCES).wait("titles:0:2", "catalog")
    assert states.asked == 3


@pytest.mark.parametrize(
    ("after", "read_models", "carried", "waits"),
    [
        ("embeddings:0:0", ("catalog",), frozenset(), None),
        ("embeddings:0:0", ("catalog",), frozenset({"embeddings"}), False),
        ("events:0:0", ("history",), frozenset({"events"}), None),  # passing it over would break a promise
        ("events:0:0", ("history", "state"), frozenset({"events"}), True),
        ("events:0:0", ("state",), frozenset(), True),
        ("nobody:0:0", ("catalog",), frozenset({"embeddings"}), None),
        ("embeddings:0:0, events:0:0", ("state",), frozenset({"embeddings"}), True),
    ],
)
async def test_topics(after: str, read_models: tuple[str, ...], carried: frozenset[str], waits: bool | None) -> None:
    """None: refused."""
    waiting = freshness(MemoryStates(state={("events", 0): 1}), carried)
    if waits is None:
        with pytest.raises(Problem, match="invalid-position"):
            await waiting.wait(after, *read_models)
    else:
        assert await waiting.wait(after, *read_models) is waits


async def test_as_of_is_kept_for_a_moment_and_never_older_than_what_was_waited_for() -> None:
    states = MemoryStates(catalog={("titles", 0): 8})
    found = freshness(states)
    assert [await found.as_of("catalog"), await found.as_of("catalog")] == [AT, AT]
    assert states.asked == 1
    states.as_of = AT + timedelta(seconds=1)
    assert await found.as_of("catalog") == AT
    await found.wait("titles:0:7", "catalog")
    assert await found.as_of("catalog") == states.as_of
    assert states.asked == 2


async def test_as_of_of_a_store_that_is_away_is_unknown() -> None:
    states = MemoryStates(catalog={})
    states.away = True
    assert await freshness(states).as_of("catalog") is None
    assert await freshness(MemoryStates()).as_of("catalog") is None


class SlowStates(MemoryStates):
    """Answers when told to."""

    def __init__(self, **offsets: dict[tuple[str, int], int]) -> None:
        super().__init__(**offsets)
        self.answering = asyncio.Event()

    async def states(self, read_models: Collection[str]) -> Mapping[str, ReadModelState]:
        found = await super().states(read_models)
        await self.answering.wait()
        return found


async def test_however_many_wait_one_asks() -> None:
    states = SlowStates(catalog={("titles", 0): 8})
    found = Freshness(states, 5.0, SOURCES)
    waiting = [asyncio.create_task(found.wait(f"titles:0:{offset}", "catalog")) for offset in range(8)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # who began it may leave
    await asyncio.sleep(0)
    states.answering.set()
    assert await asyncio.gather(*waiting[1:]) == [True] * 7
    assert states.asked == 1


async def test_a_failure_is_everybody_s_and_then_forgotten() -> None:
    states = MemoryStates(catalog={("titles", 0): 8})
    found = freshness(states)
    states.away = True
    refused = await asyncio.gather(*(found.wait("titles:0:7", "catalog") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(each, Problem) for each in refused)
    states.away = False
    assert await found.wait("titles:0:7", "catalog")
