"""The fixtures that all other tests build on."""

import psycopg
import pytest
import redis
from confluent_kafka.admin import AdminClient

from tests.support.backends import Backends, PostgresDatabase


def test_all_four_answer(backends: Backends) -> None:
    assert AdminClient({"bootstrap.servers": backends.kafka}).list_topics(timeout=10).brokers
    with redis.from_url(backends.redis_url) as client:
        assert client.ping()


@pytest.mark.parametrize("n", range(2))
def test_a_database_of_the_module_is_writable_by_its_owner_only(postgres_database: PostgresDatabase, n: int) -> None:
    with psycopg.connect(postgres_database.dsn) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS rows (n int)")
        owner.execute("INSERT INTO rows VALUES (%s)", [n])
    with psycopg.connect(postgres_database.reader_dsn) as reader:
        assert reader.execute("SELECT current_database()").fetchone() == (postgres_database.name,)
        assert (n,) in reader.execute("SELECT n FROM rows").fetchall()
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("DELETE FROM rows")


def test_names_are_of_this_test_alone(topic_prefix: str, random_suffix: str) -> None:
    assert topic_prefix == f"test-{random_suffix}-"
