"""Collections of a rebuild: made beside the serving one, switched by alias, dropped afterwards."""

from runtime.connections import positions, postgres, qdrant
from runtime.connections.postgres import Connection
from runtime.connections.versions import VersionNotCompleteError, until_complete
from runtime.settings import Settings
from runtime.sql import beside
from schemas.read_models.title_search import READ_MODEL, collection
from streams.engine.spec import Complete, at_once
from streams.engine.store import serving_version

_SQL = beside(__file__)


class QdrantVersions:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def serving(self) -> int:
        with self._connect() as connection, connection.cursor() as cursor:
            return serving_version(cursor, READ_MODEL)

    def create(self, version: int) -> None:
        client = qdrant.connect(self._settings.qdrant_url)
        try:
            client.delete_collection(collection(version))
            with self._connect() as connection, connection.cursor() as cursor:
                positions.forget(cursor, collection(version))
            qdrant.ensure_collection(client, READ_MODEL, version, self._settings.embedding.dimension)
        finally:
            client.close()

    def switch(self, version: int, complete: Complete = at_once) -> None:
        """Readers see the new version between the alias change and the commit at the latest; the writer of the old one
        is held back for that long by the row lock, and is fenced afterwards."""
        client = qdrant.connect(self._settings.qdrant_url)
        try:
            until_complete(lambda: self._switch(client, version, complete))
        finally:
            client.close()

    def _switch(self, client: qdrant.Client, version: int, complete: Complete) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(_SQL["serving_version_for_update"], {"read_model": READ_MODEL})
            cursor.execute(_SQL["switch_version"], {"read_model": READ_MODEL, "version": version})
            if not complete():
                raise VersionNotCompleteError(f"{READ_MODEL}: version {version} does not come up with the log")
            qdrant.point_alias(client, READ_MODEL, version)

    def drop(self, version: int) -> None:
        client = qdrant.connect(self._settings.qdrant_url)
        try:
            client.delete_collection(collection(version))
            with self._connect() as connection, connection.cursor() as cursor:
                positions.forget(cursor, collection(version))
        finally:
            client.close()

    def _connect(self) -> Connection:
        return postgres.connect_writer(self._settings.postgres_dsn, f"mg-rebuild-{READ_MODEL}")
