"""The ledger hears every notice and knows which told of something that was not committed."""

from collections.abc import Iterator

import psycopg
import pytest

from migrations import runner
from proofs.ledger.watching import NoticeWatch
from runtime.connections import redis
from schemas.read_models import notices
from schemas.read_models.notices import Moved
from tests.support.backends import Backends, PostgresDatabase
from tests.support.pipeline import until
from tests.support.redis_database import own_database

pytestmark = pytest.mark.backends


@pytest.fixture
def cache(backends: Backends) -> Iterator[tuple[str, redis.Blocking]]:
    with own_database(backends.redis_url) as found:
        yield found


def test_a_notice_before_its_commit_is_told_early(
    postgres_database: PostgresDatabase, cache: tuple[str, redis.Blocking]
) -> None:
    url, client = cache
    runner.apply(postgres_database.dsn)
    watch = NoticeWatch(postgres_database.dsn, url)
    watch.start()

    def tell(next_: int) -> int:
        data = notices.encode("ratings", (Moved("ratings", 0, 0, next_),), ())
        return int(client.publish(notices.channel("ratings"), data))

    try:
        with psycopg.connect(postgres_database.dsn, autocommit=True) as connection:
            connection.execute("INSERT INTO consumer_positions VALUES ('ratings_v1', 'ratings', 0, 5)")
        until(lambda: tell(5) > 0, what="somebody who listens")
        until(lambda: watch.heard >= 1, what="the notice")
        assert watch.early == []
        tell(6)
        until(lambda: len(watch.early) == 1, what="the notice of what is not committed")
        assert watch.early[0].startswith("ratings told of ratings:0:6")
    finally:
        watch.finish()
