"""Read requests: the client's models to the engine's types. Defaults are Qdrant's own."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import qdrant_edge as edge
from qdrant_client.http import models

from devstack.qdrant.errors import QdrantError, bad_request, from_engine, unsupported, validation_error
from devstack.qdrant.filters import instant, to_filter, without_ids
from devstack.qdrant.vectors import Kind, Shapes, one

_T = TypeVar("_T")

DEFAULT_LIMIT: Final = 10
_DEFAULT_RRF_K: Final = 2
_LARGEST_LIMIT: Final = 2**63 - 1
_ORDER_WITH_OFFSET: Final = (
    "Cannot use an `offset` when using `order_by`. The alternative for paging is to use `order_by.start_from` and a "
    "filter to exclude the IDs that you've already seen for the `order_by.start_from` value"
)

Lookup = Callable[[Any, str, models.LookupLocation | None], Any]
"""The vector stored for a point id under a name, perhaps in another collection; raises QdrantError 404."""


def with_payload(source: models.WithPayloadInterface | None, *, default: bool) -> Any:
    match source:
        case None:
            return default
        case models.PayloadSelectorInclude():
            return edge.PayloadSelector.Include(source.include)
        case models.PayloadSelectorExclude():
            return edge.PayloadSelector.Exclude(source.exclude)
        case _:
            return source


def limit(value: int | None, field: str = "limit", *, least: int = 1, default: int = DEFAULT_LIMIT) -> int:
    """
    :raises QdrantError: 422 when out of range.
    """
    if value is None:
        return default
    if not least <= value <= _LARGEST_LIMIT:
        raise validation_error(field, f"value {value} invalid, must be {least} or larger")
    return value


def scroll(source: models.ScrollRequest) -> "edge.ScrollRequest":
    if source.order_by is not None and source.offset is not None:
        raise bad_request(_ORDER_WITH_OFFSET)
    return _made(
        edge.ScrollRequest,
        offset=source.offset,
        limit=limit(source.limit),
        filter=to_filter(source.filter),
        with_payload=with_payload(source.with_payload, default=True),
        with_vector=source.with_vector or False,
        order_by=None if source.order_by is None else _order_by(source.order_by),
    )


def facet(source: models.FacetRequest) -> "edge.FacetRequest":
    return _made(
        edge.FacetRequest,
        key=source.key,
        limit=limit(source.limit),
        exact=bool(source.exact),
        filter=to_filter(source.filter),
    )


class QueryReader:
    """Turns the query requests of one collection into the engine's; one instance a request.

    `shapes` are the collection's vectors; `lookup` fetches the vectors that a query names by point id.
    """

    def __init__(self, shapes: Shapes, lookup: Lookup) -> None:
        self._shapes = shapes
        self._lookup = lookup

    def request(self, source: models.QueryRequest) -> "edge.QueryRequest":
        """
        :raises QdrantError: 400 for vectors that do not fit, 404 for unknown example points, 422, 501.
        """
        query, condition = self._scored(source)
        return _made(
            edge.QueryRequest,
            limit=limit(source.limit),
            offset=limit(source.offset, "offset", least=0, default=0),
            query=query,
            prefetches=self._prefetches(source.prefetch),
            with_vector=source.with_vector or False,
            with_payload=with_payload(source.with_payload, default=False),
            filter=condition,
            score_threshold=source.score_threshold,
            params=_search_params(source.params),
        )

    def _prefetches(self, source: list[models.Prefetch] | models.Prefetch | None) -> list[Any]:
        if source is None:
            return []
        return [self._prefetch(item) for item in (source if isinstance(source, list) else [source])]

    def _prefetch(self, source: models.Prefetch) -> "edge.Prefetch":
        query, condition = self._scored(source)
        return _made(
            edge.Prefetch,
            limit=limit(source.limit),
            query=query,
            prefetches=self._prefetches(source.prefetch),
            params=_search_params(source.params),
            filter=condition,
            score_threshold=source.score_threshold,
        )

    def _scored(self, source: models.QueryRequest | models.Prefetch) -> tuple[Any, Any]:
        """The query, and the filter without the points that the query gives as examples."""
        examples: set[Any] = set()
        reader = _Inputs(self._shapes, self._lookup, source.using or "", source.lookup_from, examples)
        candidates = limit(source.limit)
        query = None if source.query is None else reader.scoring(source.query, candidates)
        return query, without_ids(to_filter(source.filter), examples)


class _Inputs:
    """Vectors of one query: given, or looked up by id (the ids are collected in `examples`)."""

    def __init__(
        self, shapes: Shapes, lookup: Lookup, using: str, place: models.LookupLocation | None, examples: set[Any]
    ) -> None:
        self._shapes = shapes
        self._lookup = lookup
        self._using = using
        self._place = place
        self._examples = examples

    def scoring(self, source: models.QueryInterface, candidates: int) -> Any:
        match source:
            case models.NearestQuery() if source.mmr is not None:
                diversity = 0.5 if source.mmr.diversity is None else source.mmr.diversity
                if not 0 <= diversity <= 1:
                    raise validation_error("mmr.diversity", "must be in [0.0, 1.0]")
                pool = limit(source.mmr.candidates_limit, "mmr.candidates_limit", default=candidates)
                return _made(edge.Mmr, self.vector(source.nearest), 1 - diversity, pool, self._using)
            case models.NearestQuery():
                return self._query(edge.Query.Nearest, self.vector(source.nearest))
            case models.RecommendQuery():
                return self._recommend(source.recommend)
            case models.DiscoverQuery():
                target = self.vector(source.discover.target)
                pairs = self._pairs(source.discover.context)
                return self._query(edge.Query.Discover, edge.DiscoverQuery(target, pairs))
            case models.ContextQuery():
                return self._query(edge.Query.Context, edge.ContextQuery(self._pairs(source.context)))
            case models.OrderByQuery():
                return _order_by(source.order_by)
            case models.FusionQuery():
                return edge.Fusion.Dbsf() if source.fusion is models.Fusion.DBSF else edge.Fusion.Rrf(_DEFAULT_RRF_K)
            case models.RrfQuery():
                k = limit(source.rrf.k, "rrf.k", default=_DEFAULT_RRF_K)
                return _made(edge.Fusion.Rrf, k, source.rrf.weights)
            case models.SampleQuery():
                return edge.Sample.Random
            case models.FormulaQuery() | models.RelevanceFeedbackQuery() | models.TextQuery():
                raise unsupported(type(source).__name__)
            case _:
                return self._query(edge.Query.Nearest, self.vector(source))

    def vector(self, source: object) -> Any:
        """The vector itself, or that of the point it names."""
        if isinstance(source, list | models.SparseVector):
            return one(source, self._using, self._shapes)
        if isinstance(source, models.Document | models.Image | models.InferenceObject):
            raise unsupported("inference")
        name = self._using
        if self._place is None:
            self._examples.add(source)
        elif self._place.vector is not None:
            name = self._place.vector
        return self._lookup(source, name, self._place)

    def _pairs(self, source: list[models.ContextPair] | models.ContextPair) -> list[Any]:
        pairs = source if isinstance(source, list) else [source]
        return [edge.ContextPair(self.vector(pair.positive), self.vector(pair.negative)) for pair in pairs]

    def _recommend(self, source: models.RecommendInput) -> Any:
        positives = [self.vector(item) for item in source.positive or []]
        negatives = [self.vector(item) for item in source.negative or []]
        if source.strategy in {None, models.RecommendStrategy.AVERAGE_VECTOR}:
            if not positives:
                raise bad_request("At least one positive vector ID required with this strategy")
            shape = self._shapes.get(self._using)
            if shape is not None and shape.kind is not Kind.DENSE:
                raise unsupported("recommendation from averaged sparse or multi vectors")
            return self._query(edge.Query.Nearest, _average(positives, negatives))
        if not positives and not negatives:
            raise bad_request("At least one positive or negative vector ID required with this strategy")
        best = source.strategy is models.RecommendStrategy.BEST_SCORE
        kind = edge.Query.RecommendBestScore if best else edge.Query.RecommendSumScores
        return self._query(kind, edge.RecommendQuery(positives, negatives))

    def _query(self, kind: Callable[..., Any], *arguments: Any) -> Any:
        if self._using not in self._shapes:
            raise bad_request(f"Not existing vector name error: {self._using}")
        return kind(*arguments, self._using or None)


def _average(positives: list[list[float]], negatives: list[list[float]]) -> list[float]:
    """Mean of the positives, moved away from the mean of the negatives by their difference."""
    liked = [sum(column) / len(positives) for column in zip(*positives, strict=True)]
    if not negatives:
        return liked
    disliked = [sum(column) / len(negatives) for column in zip(*negatives, strict=True)]
    return [2 * plus - minus for plus, minus in zip(liked, disliked, strict=True)]


def _order_by(source: models.OrderByInterface) -> "edge.OrderBy":
    if isinstance(source, str):
        return _made(edge.OrderBy, source)
    direction = edge.Direction.Desc if source.direction is models.Direction.DESC else edge.Direction.Asc
    start: Any = source.start_from
    return _made(
        edge.OrderBy, source.key, direction, start if isinstance(start, int | float | None) else instant(start)
    )


def _search_params(source: models.SearchParams | None) -> Any:
    if source is None:
        return None
    if isinstance(source.idf, models.IdfCorpusParams):
        raise unsupported("IDF over another corpus")
    # The rest chooses between indexes and quantized copies; there is neither, so every search is exact.
    return edge.SearchParams(hnsw_ef=source.hnsw_ef, exact=bool(source.exact), indexed_only=bool(source.indexed_only))


def _made(kind: Callable[..., _T], *arguments: Any, **options: Any) -> _T:
    """Call a constructor of the engine; what it refuses is the caller's mistake."""
    try:
        return kind(*arguments, **options)
    except QdrantError:
        raise
    except Exception as error:  # the engine raises bare Exception, ValueError, TypeError, OverflowError
        raise from_engine(error) from error
