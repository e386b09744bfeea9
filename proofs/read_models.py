"""Read models row by row, and their positions, whatever store they live in."""

from importlib import import_module
from typing import Any, Final, cast

import psycopg
from psycopg.rows import dict_row
from qdrant_client import QdrantClient

from bootstrap import lag
from proofs.system import System
from runtime.connections import redis
from runtime.connections.versions import consumer as consumer_of
from runtime.settings import Settings
from schemas.read_models import title_search, trending
from streams.engine.spec import MaterializerSpec
from streams.topology import MATERIALIZERS

NAMES: Final = tuple(spec.name for spec in MATERIALIZERS)
OF_WRITING: Final = frozenset({"written_at", "revision"})
"""Columns that say when and in which turn a row was written: new ones in every version."""
_PAGE: Final = 1000

Rows = list[Any]


def rows(settings: Settings, read_model: str, *, without: frozenset[str] = OF_WRITING) -> Rows:
    """Everything readers see of it but the columns `without`, in one order."""
    match _spec(read_model).store_kind:
        case "qdrant":
            found: Rows = _points(settings)
        case "redis":
            found = _keys(settings)
        case _:
            found = _of_tables(settings, read_model, without)
    return sorted(found, key=repr)


def versions(settings: Settings, read_model: str) -> list[int]:
    """The physical versions that exist, of one in PostgreSQL or Qdrant."""
    if _spec(read_model).store_kind == "qdrant":
        client = _qdrant(settings)
        try:
            names = [one.name for one in client.get_collections().collections]
        finally:
            client.close()
    else:
        with psycopg.connect(settings.postgres_dsn) as connection:
            names = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables")]
    return sorted(int(n.rpartition("_v")[2]) for n in names if n.rpartition("_v")[0] == read_model)


def move_back(settings: Settings, read_model: str) -> int:
    """Sets every stored position of the serving version back to the middle of what its log holds; returns how many
    events will be read again. Only while its writer is idle."""
    moved = 0
    stored = [each for each in _positions(settings, read_model).items() if each[1] > 1]
    version = _spec(read_model).versions(settings).serving()
    for (topic, partition), next_ in stored:
        moved += next_ - next_ // 2
        if _spec(read_model).store_kind == "redis":
            with redis.blocking_client(settings.redis_url, "mg-proofs") as client:
                field = trending.position_field(topic, partition)
                client.hset(trending.positions_key(version), field, str(next_ // 2))
        else:
            with psycopg.connect(settings.postgres_dsn) as connection:
                connection.execute(
                    "UPDATE consumer_positions SET next = %s WHERE (consumer, topic, partition) = (%s, %s, %s)",
                    [next_ // 2, consumer_of(read_model, version), topic, partition],
                )
    return moved


def restart_writers(system: System) -> None:
    """Ends every process with a materializer; its supervisor starts it again, and it reads its positions anew."""
    for process in system.processes().values():
        if any(word.startswith("materializer:") for word in process.cmdline()):
            process.terminate()


def _positions(settings: Settings, read_model: str) -> dict[tuple[str, int], int]:
    spec = _spec(read_model)
    version = spec.versions(settings).serving()
    if spec.store_kind == "redis":
        with redis.blocking_client(settings.redis_url, "mg-proofs") as client:
            found = cast("dict[bytes, bytes]", client.hgetall(trending.positions_key(version)))
        return trending.next_offsets(found)
    with psycopg.connect(settings.postgres_dsn) as connection:
        query = "SELECT topic, partition, next FROM consumer_positions WHERE consumer = %s"
        stored = connection.execute(query, [consumer_of(read_model, version)])
        return {(topic, part): at for topic, part, at in stored}


def ends(settings: Settings) -> dict[tuple[str, str], int]:
    """How much the log holds for each materializer, by topic: when it is the same again, nothing was said between."""
    return {(each.consumer, each.topic): each.end for each in lag.consumers(settings) if each.consumer in NAMES}


def _of_tables(settings: Settings, read_model: str, without: frozenset[str]) -> Rows:
    tables = import_module(f"schemas.read_models.{read_model}").TABLES
    with psycopg.connect(settings.postgres_dsn, row_factory=dict_row) as connection:
        return [
            [table, {name: value for name, value in row.items() if name not in without}]
            for table in tables
            for row in connection.execute(f"SELECT * FROM {table}".encode())
        ]


def _points(settings: Settings) -> Rows:
    client = _qdrant(settings)
    found: Rows = []
    offset: Any = None
    try:
        while True:
            page, offset = client.scroll(
                title_search.ALIAS, limit=_PAGE, offset=offset, with_payload=True, with_vectors=True
            )
            found += [[str(one.id), one.payload, _rounded(one.vector)] for one in page]
            if offset is None:
                return found
    finally:
        client.close()


def _rounded(vectors: Any) -> dict[str, Any]:
    """To five decimals: the engine normalizes a dense vector once more each time its point is written."""
    dense, sparse = vectors.get(title_search.DENSE), vectors.get(title_search.SPARSE)
    return {
        "dense": dense and [round(number, 5) + 0.0 for number in dense],
        "sparse": sparse and sorted(zip(sparse.indices, sparse.values, strict=True)),
    }


def _keys(settings: Settings) -> Rows:
    with redis.blocking_client(settings.redis_url, "mg-proofs") as client:
        version = trending.serving_version(cast("bytes | None", client.get(trending.SERVING_KEY)))
        names = sorted(client.scan_iter(trending.key(version, "*", "*")))
        prefix = trending.key(version, "", "").partition("::")[0].encode()
        return [[name.removeprefix(prefix), client.get(name)] for name in names]


def _qdrant(settings: Settings) -> QdrantClient:
    return QdrantClient(url=settings.qdrant_url, timeout=60, check_compatibility=False)


def _spec(read_model: str) -> MaterializerSpec:
    return next(spec for spec in MATERIALIZERS if spec.name == read_model)
