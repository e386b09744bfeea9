"""Title and embedding events become the two parts of a point, each guarded by its version; pure.

The parts arrive by different topics: an embedding may be there before its title or long after, and either may come
again or late. `merge` puts the newest of each together, whatever the order.
"""

import math
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from schemas.envelope import Position
from schemas.read_models import title_search
from schemas.read_models.text import SparseTerms, document_terms, name_key
from schemas.read_models.title_catalog import TitleState
from schemas.read_models.title_search import TitleCard, TitlePayload
from schemas.types import AnyEvent
from schemas.types.catalog import TitleChanged, TitleEmbedded, TitleMerged, TitleRetired
from streams.engine.outcome import InvalidEvent

_NAME_CHARACTERS = 500
_MAX_KEYS = 50
_FLOAT32_BYTES = 4


class TitlePart(Struct, frozen=True, kw_only=True, gc=False):
    """What `titles` says. `payload` has the fields of the title part only; an ended title has no terms."""

    payload: TitlePayload
    terms: SparseTerms | None = None

    @property
    def order(self) -> tuple[int, str]:
        """An end beats a change of the same version, as in title_catalog."""
        return self.payload.version, self.payload.state or ""


class EmbeddingPart(Struct, frozen=True, kw_only=True, gc=False):
    """What `title-embeddings` says. `vector` is float32 little-endian."""

    title_id: str
    version: int
    model: str
    dimension: int
    text_hash: str
    vector: bytes


Write = TitlePart | EmbeddingPart


class Parts(Struct, frozen=True, gc=False):
    """The newest parts of one title in a batch."""

    title: TitlePart | None = None
    embedding: EmbeddingPart | None = None


class Merged(Struct, frozen=True, gc=False):
    """The point after a merge, and which vectors of the old point it keeps or which part brings them."""

    payload: TitlePayload
    terms: SparseTerms | None
    """New terms; None keeps the old ones if the title is live."""
    vector: bytes | None
    """New vector; None keeps the old one if `keeps_dense`."""
    keeps_sparse: bool
    keeps_dense: bool


def transform(event: AnyEvent, _: Position) -> tuple[Write, ...]:
    match event:
        case TitleChanged():
            return (_title(event),)
        case TitleMerged():
            return (_ended(event, "merged"),)
        case TitleRetired():
            return (_ended(event, "retired"),)
        case TitleEmbedded():
            return (_embedding(event),)
        case _:
            raise InvalidEvent("unexpected_record", type(event).__name__)


def _ended(event: TitleMerged | TitleRetired, state: TitleState) -> TitlePart:
    return TitlePart(payload=TitlePayload(title_id=event.title_id, version=event.version, state=state))


def _embedding(event: TitleEmbedded) -> EmbeddingPart:
    if len(event.vector) != event.dimension * _FLOAT32_BYTES:
        raise InvalidEvent("invalid_vector", f"{len(event.vector)} bytes for {event.dimension} numbers")
    if not all(map(math.isfinite, memoryview(event.vector).cast("f"))):
        raise InvalidEvent("invalid_vector", "a number is not finite")
    return EmbeddingPart(
        title_id=event.title_id,
        version=event.version,
        model=event.model,
        dimension=event.dimension,
        text_hash=event.text_hash,
        vector=event.vector,
    )


def _title(event: TitleChanged) -> TitlePart:
    if not math.isfinite(event.popularity):
        raise InvalidEvent("invalid_popularity", str(event.popularity))
    key = name_key(event.name)
    others = (name_key(name) for name in (event.original_name or "", *event.alternate_names))
    card = TitleCard(
        title_id=event.title_id,
        name=event.name[:_NAME_CHARACTERS],
        name_key=key,
        other_keys=tuple(dict.fromkeys(other for other in others if other and other != key))[:_MAX_KEYS],
        kind=event.kind,
        year=event.year,
        decade=title_search.decade(event.year),
        genres=_unique(event.genres),
        providers=_unique(offer.provider for offer in event.offers),
        popularity=event.popularity,
        browse_rank=title_search.browse_rank(event.popularity, event.title_id),
        poster=next((image.url for image in event.images if image.kind == "poster"), None),
    )
    payload = TitlePayload(
        title_id=event.title_id,
        live=True,
        version=event.version,
        state="live",
        name_key=card.name_key,
        other_keys=card.other_keys,
        kind=card.kind,
        year=card.year,
        decade=card.decade,
        genres=card.genres,
        providers=card.providers,
        regions=_unique(offer.region for offer in event.offers),
        offers=_unique(title_search.offer_key(offer.provider, offer.region) for offer in event.offers),
        browse_rank=card.browse_rank,
        card=msgspec.json.encode(card).decode(),
    )
    return TitlePart(payload=payload, terms=document_terms(event))


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def fold(writes: Iterable[Write]) -> dict[str, Parts]:
    """The newest title part and the newest embedding part of each title, by title id."""
    titles: dict[str, TitlePart] = {}
    embeddings: dict[str, EmbeddingPart] = {}
    for write in writes:
        if isinstance(write, TitlePart):
            known = titles.get(write.payload.title_id)
            if known is None or write.order >= known.order:
                titles[write.payload.title_id] = write
        else:
            known_embedding = embeddings.get(write.title_id)
            if known_embedding is None or write.version >= known_embedding.version:
                embeddings[write.title_id] = write
    return {
        title_id: Parts(titles.get(title_id), embeddings.get(title_id))
        for title_id in sorted(titles.keys() | embeddings.keys())
    }


def merge(current: TitlePayload | None, parts: Parts) -> Merged | None:
    """The point after `parts`; None when they change nothing.

    An ended title keeps only its version and state, and no vector made from that version or an earlier one.
    """
    title_id = parts.title.payload.title_id if parts.title else parts.embedding.title_id if parts.embedding else ""
    before = current or TitlePayload(title_id=title_id)
    title, embedding = parts.title, parts.embedding
    if title is not None and (before.version, before.state or "") >= title.order:
        title = None
    if embedding is not None and before.embedding_version >= embedding.version:
        embedding = None
    base = title.payload if title is not None else before
    if embedding is not None and _outlived(base, embedding.version):
        embedding = None
    if title is None and embedding is None:
        return None
    meta: tuple[int, str | None, str | None]
    if embedding is not None:
        meta = (embedding.version, embedding.text_hash, embedding.model)
    elif _outlived(base, before.embedding_version):
        meta = (0, None, None)
    else:
        meta = (before.embedding_version, before.text_hash, before.model)
    payload = msgspec.structs.replace(base, embedding_version=meta[0], text_hash=meta[1], model=meta[2])
    return Merged(
        payload=payload,
        terms=title.terms if title is not None else None,
        vector=embedding.vector if embedding is not None else None,
        keeps_sparse=title is None and before.live,
        keeps_dense=embedding is None and payload.embedding_version > 0,
    )


def _outlived(payload: TitlePayload, embedding_version: int) -> bool:
    """True for a vector of a title that has ended since."""
    return payload.state in ("merged", "retired") and embedding_version <= payload.version
