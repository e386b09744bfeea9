"""The embedding lookup against PostgreSQL: each text once, whatever is replayed or rolled back."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import psycopg
import pytest

from runtime.connections.postgres import Connection, connect_writer
from runtime.embedding import Vectors
from schemas.types import AnyEvent
from schemas.types.catalog import TitleEmbedded
from streams.engine.spec import Decision, Received
from streams.processors.embedding.lookup import EmbeddingLookup
from tests.support.backends import PostgresDatabase
from tests.support.embeddings import embedded
from tests.support.migrated import migrated
from tests.support.titles import POSITION, WHEN, changed, merged, retired

__all__ = ["migrated"]


class LengthModel:
    """A text's vector is its length, so that a test sees which text was embedded."""

    model = "length"
    dimension = 2

    def __init__(self) -> None:
        self.texts: list[str] = []

    def documents(self, texts: Sequence[str]) -> Vectors:
        self.texts.extend(texts)
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


@pytest.fixture
def connection(migrated: PostgresDatabase) -> Iterator[Connection]:
    with psycopg.connect(migrated.dsn) as cleaner:
        cleaner.execute("DELETE FROM title_text_hashes")
    found = connect_writer(migrated.dsn, "test")
    yield found
    found.close()


def decide(lookup: EmbeddingLookup, connection: Connection, *events: AnyEvent, commit: bool = True) -> Decision:
    batch = [Received(event, POSITION, None, WHEN) for event in events]
    with connection.cursor() as cursor:
        decision = lookup.decide(cursor, batch)
    (connection.commit if commit else connection.rollback)()
    return decision


def test_each_text_is_embedded_once(connection: Connection) -> None:
    model = LengthModel()
    lookup = EmbeddingLookup(model)
    (event,) = decide(lookup, connection, changed("1", 1, name="Heat")).events
    assert isinstance(event, TitleEmbedded)
    assert np.frombuffer(event.vector, "<f4").tolist() == [len(model.texts[0]), 1]
    assert decide(lookup, connection, changed("1", 2, name="Heat", popularity=0.5)).events == []
    assert decide(lookup, connection, changed("1", 1, name="Heat")).events == []
    assert len(decide(lookup, connection, changed("1", 3, name="Heat!!")).events) == 1
    assert len(model.texts) == 2


def test_a_rolled_back_batch_is_embedded_again_as_the_same_event(connection: Connection) -> None:
    lookup = EmbeddingLookup(LengthModel())
    first = decide(lookup, connection, changed("1"), commit=False).events
    assert decide(lookup, connection, changed("1")).events == first


@pytest.mark.parametrize("end", [merged("1", 2, "9"), retired("1", 2)])
def test_a_title_that_comes_back_is_embedded_again(connection: Connection, end: AnyEvent) -> None:
    lookup = EmbeddingLookup(LengthModel())
    assert len(decide(lookup, connection, changed("1", 1, name="Heat")).events) == 1
    assert decide(lookup, connection, end).events == []
    assert len(decide(lookup, connection, changed("1", 3, name="Heat")).events) == 1


def test_strays_are_rejected_and_the_rest_goes_on(connection: Connection) -> None:
    decision = decide(EmbeddingLookup(LengthModel()), connection, embedded("7"), changed("1"))
    assert [each.error.reason for each in decision.rejected] == ["unexpected_record"]
    assert len(decision.events) == 1


def test_a_batch_may_take_longer_than_an_idle_transaction_may_be(connection: Connection) -> None:
    """Seen on a loaded machine: the server ended the transaction, and the same batch was embedded again and again."""

    class SlowModel(LengthModel):
        def documents(self, texts: Sequence[str]) -> Vectors:
            time.sleep(0.03 * len(texts))
            return super().documents(texts)

    connection.execute("SET idle_in_transaction_session_timeout = 500")
    connection.commit()
    model = SlowModel()
    batch = [changed(str(number), name=f"Title {number}") for number in range(40)]
    found = decide(EmbeddingLookup(model), connection, *batch).events
    assert [event.title_id for event in found if isinstance(event, TitleEmbedded)] == [each.title_id for each in batch]
    assert len(model.texts) == 40
