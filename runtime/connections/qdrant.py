"""Qdrant clients, collections by definition file, and aliases."""

from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec
import yaml
from qdrant_client import AsyncQdrantClient, QdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

Client = QdrantClient
AsyncClient = AsyncQdrantClient
Error = ApiException

DEFINITIONS = Path(__file__).parents[2] / "migrations" / "qdrant"
# qdrant-client opens a connection for each request to a loopback server unless told otherwise (1 ms). Idle ones are
# given up before the server does so (uvicorn: 5 s), since a request on a closing connection fails.
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=2.0)
_NOT_FOUND = 404
_CONFLICT = 409


class VectorDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`size: embedding` takes the dimension of the configured model."""

    size: int | Literal["embedding"]
    distance: Literal["Cosine", "Dot", "Euclid", "Manhattan"]


class SparseDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    modifier: Literal["idf", "none"] = "none"


class CollectionDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of `migrations/qdrant`. `payload_indexes`: index parameters by payload field, as in Qdrant's API."""

    read_model: str
    vectors: dict[str, VectorDefinition]
    sparse_vectors: dict[str, SparseDefinition]
    payload_indexes: dict[str, dict[str, Any]]


def connect(url: str, *, seconds: int = 30) -> QdrantClient:
    """For writers. Connects at the first call."""
    return QdrantClient(url=url, timeout=seconds, check_compatibility=False, limits=_LIMITS)


def connect_async(url: str, *, seconds: int = 3) -> AsyncQdrantClient:
    """For readers. Connects at the first call."""
    return AsyncQdrantClient(url=url, timeout=seconds, check_compatibility=False, limits=_LIMITS)


def is_transient(error: BaseException) -> bool:
    """True when trying the same thing again may work: no connection, time-out, too busy, server trouble."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code is None or error.status_code >= 500 or error.status_code in (408, 429)
    return isinstance(error, ResponseHandlingException | ApiException | OSError)


def is_missing(error: BaseException) -> bool:
    """True when the collection or alias is not there."""
    return isinstance(error, UnexpectedResponse) and error.status_code == _NOT_FOUND


def definition(read_model: str) -> CollectionDefinition:
    """Raises msgspec.ValidationError for a file that does not fit."""
    text = (DEFINITIONS / f"{read_model}.yaml").read_text()
    return msgspec.convert(yaml.safe_load(text), CollectionDefinition)


def collection(read_model: str, version: int) -> str:
    """The physical collection behind the alias of that name."""
    return f"{read_model}_v{int(version)}"


def ensure_collection(client: QdrantClient, read_model: str, version: int, dimension: int) -> bool:
    """Creates the collection and its payload indexes as its file says; True when the collection was not there.

    An index that is there already stays as it is, so that this may be repeated after it was interrupted.
    """
    wanted, name = definition(read_model), collection(read_model, version)
    created = not client.collection_exists(name)
    if created:
        try:
            client.create_collection(
                name,
                vectors_config={
                    key: models.VectorParams(
                        size=dimension if vector.size == "embedding" else vector.size,
                        distance=models.Distance(vector.distance),
                    )
                    for key, vector in wanted.vectors.items()
                },
                sparse_vectors_config={
                    key: models.SparseVectorParams(
                        modifier=models.Modifier.IDF if sparse.modifier == "idf" else models.Modifier.NONE
                    )
                    for key, sparse in wanted.sparse_vectors.items()
                },
            )
        except UnexpectedResponse as error:
            if error.status_code != _CONFLICT:  # another process was a moment quicker
                raise
    present = set(client.get_collection(name).payload_schema)
    for field, parameters in wanted.payload_indexes.items():
        if field not in present:
            client.create_payload_index(name, field, field_schema=_INDEXES[parameters["type"]](**parameters), wait=True)
    return created


def point_alias(client: QdrantClient, read_model: str, version: int) -> None:
    """The alias named like the read model leads to this version from now on; nothing happens when it does already."""
    target = collection(read_model, version)
    for alias in client.get_aliases().aliases:
        if alias.alias_name == read_model:
            if alias.collection_name == target:
                return
            break
    client.update_collection_aliases(
        [models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=target, alias_name=read_model))]
    )


_INDEXES: dict[str, Any] = {
    "keyword": models.KeywordIndexParams,
    "integer": models.IntegerIndexParams,
    "float": models.FloatIndexParams,
    "bool": models.BoolIndexParams,
    "datetime": models.DatetimeIndexParams,
    "text": models.TextIndexParams,
}
