"""Points into Qdrant, positions into PostgreSQL.

The two share no transaction, so, in order, in `apply`:
1. begin; when another version is serving by now, a rebuild switched: Fenced;
2. move the positions: a row that is not where this owner believes it is means another owner was here: Fenced. The rows
   stay locked, so a second owner of the same partition waits until this batch is done;
3. retrieve the points of the batch, put the newest parts together, upsert whole points and wait until they are applied;
4. commit. A crash before it repeats the batch, which changes nothing, because parts are guarded by their versions.

A collection that is not there is made empty and its positions are forgotten: the read model then fills from the log.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np
from qdrant_client import models

from runtime import metrics
from runtime.connections import positions, postgres, qdrant
from runtime.connections.postgres import Connection, Cursor
from runtime.sql import beside
from schemas.read_models import title_search
from schemas.read_models.title_search import DENSE, READ_MODEL, SPARSE, TitlePayload
from streams.engine import fence
from streams.engine.outcome import Fenced, TransientError
from streams.engine.spec import Advance, StoreContext
from streams.engine.store import serving_version
from streams.materializers.title_search.transform import EmbeddingPart, Merged, Parts, Write, fold, merge

_SQL = beside(__file__)
_CHUNK = 250
"""Points a request: about 2 MB of JSON with vectors."""
_DIGITS = 7


class QdrantTitleStore:
    def __init__(self, context: StoreContext) -> None:
        self._context = context
        self._embedding = context.settings.embedding
        self._client = qdrant.connect(context.settings.qdrant_url)
        self._connection: Connection | None = None
        self._version = context.version or 0

    @property
    def consumer(self) -> str:
        """The name its positions are stored under: one per physical version."""
        return title_search.collection(self._version)

    def positions(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        try:
            with self._open().transaction(), self._open().cursor() as cursor:
                self._version = self._context.version or serving_version(cursor, READ_MODEL)
                if not self._client.collection_exists(self.consumer):
                    positions.forget(cursor, self.consumer)
            # Forgotten first: a crash in between leaves a collection that is filled again, never one with a hole.
            qdrant.ensure_collection(self._client, READ_MODEL, self._version, self._embedding.dimension)
            if self._context.version is None:
                qdrant.point_alias(self._client, READ_MODEL, self._version)
            with self._open().transaction(), self._open().cursor() as cursor:
                return positions.read(cursor, self.consumer, partitions)
        except (postgres.Error, qdrant.Error) as error:
            raise self._sorted(error) from error

    def apply(self, writes: Sequence[Write], advances: Sequence[Advance]) -> None:
        parts = fold(write for write in writes if self._fits(write))
        try:
            with self._open().transaction(), self._open().cursor() as cursor:
                self._check_version(cursor)
                fence.advance(cursor, self.consumer, advances)
                for chunk in _chunks(parts):
                    self._write(chunk)
                    cursor.execute(_SQL["still_here"])
        except (postgres.Error, qdrant.Error) as error:
            raise self._sorted(error) from error

    def close(self) -> None:
        self._client.close()
        self._disconnect()

    def _fits(self, write: Write) -> bool:
        """Vectors of another model cannot be compared with this collection's; the titles stay findable by words."""
        return not isinstance(write, EmbeddingPart) or (
            write.model == self._embedding.model and write.dimension == self._embedding.dimension
        )

    def _write(self, chunk: dict[str, Parts]) -> None:
        current = self._payloads(list(chunk))
        merged = {
            title_id: found
            for title_id, parts in chunk.items()
            if (found := merge(current.get(title_id), parts)) is not None
        }
        if not merged:
            return
        dense = self._vectors([title_id for title_id, found in merged.items() if found.keeps_dense], DENSE)
        sparse = self._vectors([title_id for title_id, found in merged.items() if found.keeps_sparse], SPARSE)
        points = [
            _point(title_id, found, dense.get(title_id), sparse.get(title_id)) for title_id, found in merged.items()
        ]
        self._client.upsert(self.consumer, points, wait=True)

    def _payloads(self, title_ids: Sequence[str]) -> dict[str, TitlePayload]:
        found = self._client.retrieve(
            self.consumer, [title_search.point_id(title_id) for title_id in title_ids], with_payload=True
        )
        payloads = (msgspec.convert(record.payload, TitlePayload) for record in found)
        return {payload.title_id: payload for payload in payloads}

    def _vectors(self, title_ids: Sequence[str], name: str) -> dict[str, Any]:
        if not title_ids:
            return {}
        by_point = {title_search.point_id(title_id): title_id for title_id in title_ids}
        found = self._client.retrieve(self.consumer, list(by_point), with_payload=False, with_vectors=[name])
        return {
            by_point[str(record.id)]: record.vector[name]
            for record in found
            if isinstance(record.vector, dict) and name in record.vector
        }

    def _check_version(self, cursor: Cursor) -> None:
        if self._context.version is None:
            serving = serving_version(cursor, READ_MODEL)
            if serving != self._version:
                raise Fenced(f"{READ_MODEL} is now served from version {serving}")

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = postgres.connect_writer(
                self._context.settings.postgres_dsn, f"mg-materializer-{READ_MODEL}"
            )
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _sorted(self, error: Exception) -> Exception:
        """A missing collection sends the engine back to `positions`, which makes it; the rest is transient or a bug."""
        if isinstance(error, postgres.Error):
            self._disconnect()
            if postgres.is_transient(error):
                metrics.BATCHES_RETRIED.labels(READ_MODEL, "postgres").inc()
                return TransientError(f"postgres: {error}".strip())
            return error
        if qdrant.is_missing(error):
            return Fenced(f"{self.consumer} is not there")
        if qdrant.is_transient(error):
            metrics.BATCHES_RETRIED.labels(READ_MODEL, "qdrant").inc()
            return TransientError(f"qdrant: {error}".strip())
        return error


def _point(title_id: str, merged: Merged, old_dense: Any, old_sparse: Any) -> models.PointStruct:
    vector: dict[str, Any] = {}
    if merged.vector is not None:
        numbers = np.frombuffer(merged.vector, dtype="<f4").astype(np.float64)
        vector[DENSE] = np.round(numbers, _DIGITS).tolist()  # float32 has no more, and JSON is half as long
    elif merged.keeps_dense and old_dense is not None:
        vector[DENSE] = old_dense
    if merged.terms is not None:
        vector[SPARSE] = models.SparseVector(indices=list(merged.terms.indices), values=list(merged.terms.values))
    elif merged.keeps_sparse and old_sparse is not None:
        vector[SPARSE] = old_sparse
    return models.PointStruct(
        id=title_search.point_id(title_id), vector=vector, payload=msgspec.to_builtins(merged.payload)
    )


def _chunks(parts: dict[str, Parts]) -> Iterator[dict[str, Parts]]:
    items = iter(parts.items())
    while chunk := dict(islice(items, _CHUNK)):
        yield chunk


def create(context: StoreContext) -> QdrantTitleStore:
    return QdrantTitleStore(context)
