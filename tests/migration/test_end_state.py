"""The migrations lead to the schema that is written down, and all statements fit it, before and after a roll-out."""

from pathlib import Path

import psycopg
import pytest

from migrations import runner, schema, scratch, statements


def test_all_migrations_lead_to_schema_sql(empty: str) -> None:
    runner.apply(empty)
    assert schema.dump_schema(empty) == schema.PATH.read_text(), (
        f"migrations and schema.sql differ: run `{schema.REGENERATE}`"
    )


def test_schema_sql_is_sql_that_makes_the_same(empty: str) -> None:
    with psycopg.connect(empty) as connection:
        connection.execute(schema.PATH.read_bytes())
    assert schema.dump_schema(empty) == schema.PATH.read_text()


def test_every_statement_fits_and_the_lock_says_how(empty: str) -> None:
    runner.apply(empty)
    described, problems = statements.describe(empty)
    assert problems == []
    assert described == statements.read_lock(), f"statements.lock.json is stale: run `{statements.REGENERATE}`"


def test_a_database_before_the_post_phase_serves_all_statements(empty: str) -> None:
    runner.apply(empty, "pre")
    described, problems = statements.describe(empty)
    assert problems == []
    assert described == statements.read_lock()


def test_a_statement_that_does_not_fit_is_named_and_nothing_is_locked(empty: str, tmp_path: Path) -> None:
    folder = tmp_path / "query_api"
    folder.mkdir()
    (folder / "queries.sql").write_text("-- name: wrong\nSELECT nothing FROM title_catalog\n\n-- name: ok\nSELECT 1\n")
    with pytest.raises(statements.StatementError, match=r"query_api/queries.sql: wrong: .*nothing.* does not exist"):
        statements.prepare(empty, tmp_path, tmp_path / "lock.json")
    assert not (tmp_path / "lock.json").exists()


def test_staging_tables_and_copies_are_described(empty: str, tmp_path: Path) -> None:
    folder = tmp_path / "streams"
    folder.mkdir()
    (folder / "queries.sql").write_text(
        "-- name: stage\nCREATE TEMP TABLE IF NOT EXISTS incoming (id bigint, name text) ON COMMIT DELETE ROWS\n\n"
        "-- name: copy\nCOPY incoming (name) FROM STDIN (FORMAT BINARY)\n\n"
        "-- name: merge\nSELECT i.id, v.version FROM incoming AS i, read_model_versions AS v WHERE name = %(name)s\n"
    )
    found = statements.prepare(empty, tmp_path, tmp_path / "lock.json")
    assert found["streams/queries.sql:copy"].columns == ("name text",)
    assert found["streams/queries.sql:merge"].columns == ("id bigint", "version integer")
    assert found["streams/queries.sql:merge"].parameters == {"name": "text"}
    assert (
        statements.read_lock(tmp_path / "lock.json")["streams/queries.sql"]["merge"]
        == found["streams/queries.sql:merge"]
    )


def test_the_scratch_database_goes_away(empty: str) -> None:
    with scratch.migrated_database(empty) as address, psycopg.connect(address) as connection:
        name = connection.info.dbname
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None


def test_what_the_dump_cannot_write_is_said(empty: str) -> None:
    with psycopg.connect(empty) as connection:
        connection.execute("CREATE TYPE colour AS ENUM ('red'); CREATE MATERIALIZED VIEW m AS SELECT 1 AS one")
    with pytest.raises(schema.UnsupportedError, match="type colour"):
        schema.dump_schema(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("DROP TYPE colour")
    with pytest.raises(schema.UnsupportedError, match=r"m .a relation of kind m"):
        schema.dump_schema(empty)


PARTITIONED = """
    CREATE SEQUENCE tickets AS integer INCREMENT BY -2 MINVALUE -10 MAXVALUE 10 START WITH 4 CACHE 3 CYCLE;
    CREATE TABLE visits (id integer NOT NULL, at timestamp with time zone NOT NULL, PRIMARY KEY (id, at))
        PARTITION BY RANGE (at);
    CREATE INDEX visits_at ON visits (at DESC);
    CREATE TABLE a_month PARTITION OF visits FOR VALUES FROM ('2026-03-01 01:00+01') TO ('2026-04-01 00:00Z')
        WITH (fillfactor = 70);
    CREATE INDEX a_month_only ON a_month (id DESC);
    CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
    CREATE VIEW all_visits AS SELECT id, at FROM visits;
"""


def test_partitions_and_sequences_are_written_so_that_they_come_back(empty: str) -> None:
    with psycopg.connect(empty) as connection:
        connection.execute(PARTITIONED)
    text = schema.dump_schema(empty)
    assert text.split("\n\n", 1)[1] == (
        "CREATE SEQUENCE tickets AS integer INCREMENT BY -2 MINVALUE -10 MAXVALUE 10 START WITH 4 CACHE 3 CYCLE;\n\n"
        "CREATE TABLE visits (\n    id integer NOT NULL,\n    at timestamp with time zone NOT NULL,\n"
        "    CONSTRAINT visits_pkey PRIMARY KEY (id, at)\n) PARTITION BY RANGE (at);\n"
        "CREATE INDEX visits_at ON visits USING btree (at DESC);\n\n"
        "CREATE TABLE a_month PARTITION OF visits"
        " FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00') WITH (fillfactor=70);\n"
        "CREATE INDEX a_month_only ON a_month USING btree (id DESC);\n\n"
        "CREATE TABLE visits_rest PARTITION OF visits DEFAULT;\n\n"
        "CREATE VIEW all_visits AS\n SELECT id,\n    at\n   FROM visits;\n"
    )
    with psycopg.connect(empty) as connection:
        connection.execute("DROP TABLE visits CASCADE; DROP SEQUENCE tickets")
        connection.execute(text.encode())
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET timezone = 'Pacific/Kiritimati'".encode())
    assert schema.dump_schema(empty) == text, "whatever the server's zone"


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE TABLE t (id serial)", "sequence of a column t_id_seq"),
        (
            """CREATE TABLE t (a int) PARTITION BY LIST (a);
            CREATE TABLE u PARTITION OF t FOR VALUES IN (1) PARTITION BY LIST (a)""",
            "partitioned partition u",
        ),
    ],
)
def test_other_partitions_and_sequences_are_said(empty: str, statement: str, name: str) -> None:
    with psycopg.connect(empty) as connection:
        connection.execute(statement.encode())
    with pytest.raises(schema.UnsupportedError, match=name):
        schema.dump_schema(empty)
