"""A server that limits, stalls and fails, on a clock of the test's."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from bootstrap.pulling import fetching
from bootstrap.pulling.fetching import Fetcher, FetchFailed, FetchRefused
from runtime.settings import Secret

Answer = httpx.Response | Exception


class Server:
    """Answers as told, then 200; `at` are the seconds of each request, by key."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> None:
        self.now = 0.0
        self.answers = list(answers)
        self.at: list[tuple[str, float]] = []
        self.judge: Callable[[str], Answer | None] = lambda _: None
        monkeypatch.setattr("bootstrap.pulling.fetching.asyncio.sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:
        key = request.headers["X-API-Key"]
        self.at.append((key, self.now))
        answer = self.judge(key) or (self.answers.pop(0) if self.answers else httpx.Response(200, content=b"yes"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get(self, keys: Sequence[str] = ("k1",), times: int = 1, **more: float) -> list[bytes]:
        async def ask() -> list[bytes]:
            transport = httpx.MockTransport(self._answer)
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
                fetcher = Fetcher(
                    client, "p", "X-API-Key", [*map(Secret, keys)],
                    per_minute=more.pop("per_minute", 60_000.0), monotonic=lambda: self.now, **more,
                )  # fmt: skip
                return [await fetcher.get("/changes", {"a": "b"}) for _ in range(times)]

        return asyncio.run(ask())


def test_each_key_has_its_pace_and_together_they_are_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Server(monkeypatch)
    one.get(("k1",), 4, per_minute=60.0)
    assert [at for _, at in one.at] == pytest.approx([0, 1, 2, 3])
    two = Server(monkeypatch)
    two.get(("k1", "k2"), 4, per_minute=60.0)
    assert two.at == [("k1", 0.0), ("k2", 0.0), ("k1", 1.0), ("k2", 1.0)]


def test_a_limited_key_rests_as_long_as_it_is_told_and_the_other_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, httpx.Response(429, headers={"retry-after": "120"}))
    server.get(("k1", "k2"), 3)
    assert [key for key, _ in server.at] == ["k1", "k2", "k2", "k2"]


def test_the_only_key_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server = Server(monkeypatch, httpx.Response(429), httpx.Response(429, headers={"retry-after": when}))
    server.get(("k1",))
    assert server.at[1][1] == pytest.approx(60, abs=1)
    assert server.at[2][1] == pytest.approx(150, abs=3)


def test_a_limit_of_a_year_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, httpx.Response(429, headers={"retry-after": "31536000"}))
    with pytest.raises(FetchFailed, match="used up for 3600 s"):
        server.get(("k1",))


def test_a_refused_key_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch)
    server.judge = lambda key: httpx.Response(401) if key == "k1" else None
    server.get(("k1", "k2"), 3)
    assert [key for key, _ in server.at] == ["k1", "k2", "k2", "k2"]


def test_when_every_key_is_refused_it_says_so_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch)
    server.judge = lambda _: httpx.Response(403)
    with pytest.raises(FetchFailed, match="refused every key of p") as failed:
        server.get(("s3cret",))
    assert "s3cret" not in repr(failed.value)


@pytest.mark.parametrize(
    "trouble", [httpx.Response(503), httpx.Response(500), httpx.ReadTimeout("slow"), TimeoutError()]
)
def test_trouble_is_asked_again_later(monkeypatch: pytest.MonkeyPatch, trouble: Answer) -> None:
    server = Server(monkeypatch, trouble, trouble)
    assert server.get() == [b"yes"]
    first, second, third = (at for _, at in server.at)
    assert first < second < third


def test_retry_after_of_a_failure_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, httpx.Response(503, headers={"retry-after": "77"}))
    server.get()
    assert server.at[1][1] == pytest.approx(77)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch)
    server.judge = lambda _: httpx.Response(502)
    with pytest.raises(FetchFailed, match="no answer in 100 s, last HTTP 502"):
        server.get(patience_seconds=100.0)
    assert server.now <= 100


@pytest.mark.parametrize("status", [400, 404, 410])
def test_what_asking_again_does_not_change_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    server = Server(monkeypatch, httpx.Response(status))
    with pytest.raises(FetchRefused, match=f"HTTP {status}"):
        server.get()
    assert len(server.at) == 1


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 100)
    server = Server(monkeypatch, httpx.Response(200, content=b"x" * 101))
    with pytest.raises(FetchFailed, match="larger than"):
        server.get()
