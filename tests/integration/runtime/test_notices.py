"""Publishing that costs nothing when Redis is away, and listening that says when something may have been missed."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client import REGISTRY

from runtime.connections import notices, redis
from runtime.connections.notices import Publisher, Subscriber
from tests.support.backends import Backends

CHANNELS = ("mg:notices:one", "mg:notices:two")
_SECONDS = 60.0


@contextmanager
def silent_server() -> Iterator[str]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for each in kept:
                each.close()


def counted(unit: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("mg_stream_notices_total", {"unit": unit, "outcome": outcome}) or 0.0


async def following(heard: AsyncIterator[Any]) -> Any:
    return await asyncio.wait_for(anext(heard), _SECONDS)


def text(data: bytes) -> str:
    return data.decode("ascii")


async def test_what_is_published_is_heard_in_order_and_in_full(backends: Backends, topic_prefix: str) -> None:
    publisher = Publisher(backends.redis_url, "told", prefix=topic_prefix)
    heard = Subscriber(backends.redis_url, "mg-test", CHANNELS, text, prefix=topic_prefix).notices()
    assert await following(heard) is None  # listening has begun
    for number in range(200):
        assert publisher.publish(CHANNELS[number % 2], f"n{number}".encode())
    assert [await following(heard) for _ in range(200)] == [f"n{number}" for number in range(200)]
    assert counted("told", "sent") == 200
    await heard.aclose()  # type: ignore[attr-defined]  # a generator
    publisher.close()


async def test_other_prefixes_and_channels_are_not_heard(backends: Backends, topic_prefix: str) -> None:
    heard = Subscriber(backends.redis_url, "mg-test", CHANNELS[:1], text, prefix=topic_prefix).notices()
    assert await following(heard) is None
    for prefix, channel in (("", CHANNELS[0]), (topic_prefix, CHANNELS[1]), (topic_prefix, CHANNELS[0])):
        publisher = Publisher(backends.redis_url, "elsewhere", prefix=prefix)
        publisher.publish(channel, channel.encode())
        publisher.close()
    assert await following(heard) == CHANNELS[0]
    await heard.aclose()  # type: ignore[attr-defined]  # a generator


async def test_a_lost_connection_is_told_and_then_everything_is_heard_again(
    backends: Backends, topic_prefix: str
) -> None:
    publisher = Publisher(backends.redis_url, "again", prefix=topic_prefix)
    name = f"mg-{topic_prefix}"
    heard = Subscriber(backends.redis_url, name, CHANNELS, text, prefix=topic_prefix).notices()
    assert await following(heard) is None
    operator = redis.client(backends.redis_url, "mg-test")
    for round_ in range(3):
        # Only this test's connection: others listen on the same server.
        (victim,) = [each for each in await operator.client_list() if each["name"] == name]
        await operator.client_kill_filter(_id=victim["id"])
        assert await following(heard) is None
        publisher.publish(CHANNELS[1], b"after %d" % round_)
        assert await following(heard) == f"after {round_}"
    await operator.aclose()
    await heard.aclose()  # type: ignore[attr-defined]  # a generator
    publisher.close()


async def test_what_does_not_decode_is_a_gap_and_not_the_end(backends: Backends, topic_prefix: str) -> None:
    publisher = Publisher(backends.redis_url, "garbled", prefix=topic_prefix)
    heard = Subscriber(backends.redis_url, "mg-test", CHANNELS, text, prefix=topic_prefix).notices()
    assert await following(heard) is None
    publisher.publish(CHANNELS[0], b"\xff\x00")
    publisher.publish(CHANNELS[0], b"fine")
    assert [await following(heard), await following(heard)] == [None, "fine"]
    await heard.aclose()  # type: ignore[attr-defined]  # a generator
    publisher.close()


async def test_a_connection_without_a_sign_of_life_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_QUIET_SECONDS", 0.1)
    monkeypatch.setattr(notices, "_ANSWER_SECONDS", 0.2)
    tries: list[int] = []
    enough = asyncio.Event()
    real = redis.client

    def counting(*given: Any, **named: Any) -> redis.Redis:
        tries.append(1)
        if len(tries) == 3:
            enough.set()
        return real(*given, **named)

    monkeypatch.setattr(redis, "client", counting)
    with silent_server() as url:
        heard = Subscriber(url, "mg-test", CHANNELS, text).notices()
        waiting = asyncio.ensure_future(anext(heard))
        await asyncio.wait_for(enough.wait(), _SECONDS)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def test_a_redis_that_refuses_costs_one_try_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    publisher = Publisher("redis://127.0.0.1:1/0", "refused")
    assert not any(publisher.publish("c", b"") for _ in range(1000))
    assert counted("refused", "failed") + counted("refused", "skipped") == 1000
    assert counted("refused", "skipped") > 900
    assert capsys.readouterr().out.count("notices_not_sent") <= 1
    publisher.close()


def test_a_redis_that_hangs_holds_nobody_up_for_long() -> None:
    with silent_server() as url:
        publisher = Publisher(url, "hangs")
        assert not any(publisher.publish("c", b"") for _ in range(1000))
        assert counted("hangs", "skipped") > 900
        publisher.close()


def test_after_a_pause_it_is_tried_again(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = Publisher(backends.redis_url, "back")
    client = publisher._client
    monkeypatch.setattr(publisher, "_client", Publisher("redis://127.0.0.1:1/0", "x")._client)
    assert not publisher.publish("c", b"")
    monkeypatch.setattr(publisher, "_client", client)
    assert not publisher.publish("c", b"")  # not yet
    monkeypatch.setattr(publisher, "_silent_until", 0.0)
    assert publisher.publish("c", b"")
    assert publisher.publish("c", b"")
    publisher.close()


def test_a_connection_that_was_closed_meanwhile_loses_nothing(backends: Backends) -> None:
    publisher = Publisher(backends.redis_url, "idle")
    assert publisher.publish("c", b"")
    connection: Any = publisher._client.connection_pool.get_connection()
    connection._sock.shutdown(socket.SHUT_RDWR)
    publisher._client.connection_pool.release(connection)
    assert publisher.publish("c", b"")
    publisher.close()
