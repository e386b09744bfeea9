"""A Redis database of one test's own: trends have one place in a database, whoever writes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from runtime.connections import redis

_FIRST, _LAST = 2, 15
"""0 is for tests that make names of their own; a server as delivered has 16."""
_MARK = "test:taken"
_KEPT_SECONDS = 600


@contextmanager
def own_database(url: str) -> Iterator[tuple[str, redis.Blocking]]:
    """Address and client of an empty database that no other test uses meanwhile; emptied afterwards.

    The mark stands in database 0, so that a test may empty its own, and ends by itself if the test is killed. A
    database with something in it is somebody's, and left alone.
    """
    marks = redis.blocking_client(_address(url, 0), "test-databases")
    for number in range(_FIRST, _LAST + 1):
        if not marks.set(f"{_MARK}:{number}", 1, nx=True, ex=_KEPT_SECONDS):
            continue
        client = redis.blocking_client(_address(url, number), "test")
        if client.dbsize() == 0:
            break
        client.close()
        marks.delete(f"{_MARK}:{number}")
    else:
        raise RuntimeError("every database of this Redis is taken")
    try:
        yield _address(url, number), client
    finally:
        client.flushdb()
        client.close()
        marks.delete(f"{_MARK}:{number}")
        marks.close()


def _address(url: str, number: int) -> str:
    return urlsplit(url)._replace(path=f"/{number}").geturl()
