"""Rebuildable versions of a read model that lives in PostgreSQL: `Versions` over `runtime.connections.versions`."""

from collections.abc import Sequence

from runtime.connections import postgres, versions
from runtime.settings import Settings
from streams.engine.spec import Complete, at_once


class PostgresVersions:
    """`tables` are the read model's views (`TABLES` in its `schemas/read_models` module)."""

    def __init__(self, settings: Settings, read_model: str, tables: Sequence[str]) -> None:
        self._dsn = settings.postgres_dsn
        self._read_model = read_model
        self._tables = tuple(tables)

    def serving(self) -> int:
        with postgres.connect_plain(self._dsn, "mg-versions") as connection, connection.cursor() as cursor:
            return versions.serving_version(cursor, self._read_model)

    def create(self, version: int) -> None:
        versions.create_version(self._dsn, self._read_model, self._tables, version)

    def switch(self, version: int, complete: Complete = at_once) -> None:
        versions.switch_version(self._dsn, self._read_model, self._tables, version, complete)

    def drop(self, version: int) -> None:
        versions.drop_version(self._dsn, self._read_model, self._tables, version)
