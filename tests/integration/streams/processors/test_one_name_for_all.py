"""Ten thousand works of one name: every batch looks at no more candidates than it would score."""

from pathlib import Path

import pytest

import migrations
from runtime.connections.postgres import connect_plain, connect_writer
from streams.processors.entity_resolution.lookup import EntityResolution
from tests.support.backends import PostgresDatabase
from tests.support.canonical_items import an_item, received, upserted

WORKS, BATCH = 10_000, 1_000


@pytest.mark.timeout(300)
def test_ten_thousand_items_of_one_name(postgres_database: PostgresDatabase) -> None:
    folder = Path(migrations.__file__).with_name("postgres")
    with connect_plain(postgres_database.dsn, "test") as connection:
        for path in sorted(folder.glob("*_pre_title_[di]*.sql")):
            connection.execute(path.read_text())
    lookup = EntityResolution()
    with connect_writer(postgres_database.dsn, "test") as connection:
        for first in range(0, WORKS, BATCH):
            batch = [
                received(upserted(f"alpha:{number}", an_item("The Office", 1900 + number % 120)), number)
                for number in range(first, first + BATCH)
            ]
            with connection.transaction(), connection.cursor() as cursor:
                decision = lookup.decide(cursor, batch)
            assert decision.rejected == []
        with connection.transaction():
            row = connection.execute("SELECT count(*), count(DISTINCT title_id) FROM provider_items").fetchone()
    assert row == (WORKS, WORKS), "one provider lists a work once"
