"""MG-Position and MG-After."""

import asyncio

import pytest

from runtime.http import problems
from runtime.http.positions import LogPosition, NextOffsets, format_positions, newest, parse_positions, wait_until
from runtime.http.problems import Problem

A0, A1, B0 = LogPosition("titles", 0, 5), LogPosition("titles", 1, 9), LogPosition("offers", 0, 1)


def test_text_and_back() -> None:
    assert parse_positions(format_positions([A0, A1])) == (A0, A1)
    assert parse_positions("a:b:0:7") == (LogPosition("a:b", 0, 7),)
    assert parse_positions(None) == parse_positions(" ") == ()


def test_only_the_newest_of_a_partition_matters() -> None:
    assert newest([A0, LogPosition("titles", 0, 3), A1, A0]) == (A0, A1)


@pytest.mark.parametrize(
    "text",
    [
        "titles",
        "titles:0",
        "titles:0:-1",
        "titles:x:1",
        ":0:1",
        "titles:0:1,",
        "titles:0:1;",
        "titles:0:１",
        "a:0:" + "9" * 20,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_positions(text)
    assert caught.value.type is problems.INVALID_POSITION


def test_the_list_is_bounded() -> None:
    with pytest.raises(Problem):
        parse_positions(",".join(["titles:0:1"] * 17))


class Model:
    """Moves one offset a reading."""

    def __init__(self, *, moving: bool) -> None:
        self.next = 0
        self.readings = 0
        self._moving = moving

    async def positions(self) -> NextOffsets:
        self.readings += 1
        self.next += self._moving
        return {("titles", 0): self.next}


async def test_waits_until_the_position_is_behind() -> None:
    model = Model(moving=True)
    await wait_until(model.positions, [LogPosition("titles", 0, 3)], 2.0, topics={"titles"})
    assert model.next == 4  # the next offset must be greater: the message itself was applied


async def test_gives_up_in_time_and_says_what_is_missing() -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(Problem) as caught:
        await wait_until(Model(moving=False).positions, [A0], 0.1)
    assert caught.value.type is problems.READ_MODEL_BEHIND
    assert "titles:0:5" in caught.value.detail
    assert caught.value.headers == {"Retry-After": "1"}
    assert asyncio.get_running_loop().time() - started < 1


async def test_a_foreign_topic_is_refused_at_once() -> None:
    model = Model(moving=False)
    with pytest.raises(Problem) as caught:
        await wait_until(model.positions, [B0], 5.0, topics={"titles"})
    assert caught.value.type is problems.INVALID_POSITION
    assert model.readings == 0


async def test_nothing_to_wait_for_reads_nothing() -> None:
    model = Model(moving=False)
    await wait_until(model.positions, [], 5.0)
    assert model.readings == 0
