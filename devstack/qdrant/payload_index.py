"""Payload index settings: the client's models to the engine's."""

from typing import Any, Final

import qdrant_edge as edge
from qdrant_client.http import models

from devstack.qdrant.errors import unsupported

_TYPES: Final = {
    models.PayloadSchemaType.KEYWORD: edge.PayloadSchemaType.Keyword,
    models.PayloadSchemaType.INTEGER: edge.PayloadSchemaType.Integer,
    models.PayloadSchemaType.FLOAT: edge.PayloadSchemaType.Float,
    models.PayloadSchemaType.GEO: edge.PayloadSchemaType.Geo,
    models.PayloadSchemaType.TEXT: edge.PayloadSchemaType.Text,
    models.PayloadSchemaType.BOOL: edge.PayloadSchemaType.Bool,
    models.PayloadSchemaType.DATETIME: edge.PayloadSchemaType.Datetime,
    models.PayloadSchemaType.UUID: edge.PayloadSchemaType.Uuid,
}
_PARAMS: Final[dict[type[Any], Any]] = {
    models.KeywordIndexParams: edge.KeywordIndexParams,
    models.IntegerIndexParams: edge.IntegerIndexParams,
    models.FloatIndexParams: edge.FloatIndexParams,
    models.GeoIndexParams: edge.GeoIndexParams,
    models.BoolIndexParams: edge.BoolIndexParams,
    models.DatetimeIndexParams: edge.DatetimeIndexParams,
    models.UuidIndexParams: edge.UuidIndexParams,
    models.TextIndexParams: edge.TextIndexParams,
}
_TOKENIZERS: Final = {
    models.TokenizerType.PREFIX: edge.TokenizerType.Prefix,
    models.TokenizerType.WHITESPACE: edge.TokenizerType.Whitespace,
    models.TokenizerType.WORD: edge.TokenizerType.Word,
    models.TokenizerType.MULTILINGUAL: edge.TokenizerType.Multilingual,
}
_PLACEMENT: Final = {"type", "memory", "on_disk"}  # where an index lives; the engine's default suits one process


def to_engine(source: models.PayloadSchemaType | models.PayloadSchemaParams) -> Any:
    """
    :raises QdrantError: 501 for text options that are not translated (stemmers, stop words, scoring).
    """
    if isinstance(source, models.PayloadSchemaType):
        return _TYPES[source]
    options = {
        name: getattr(source, name)
        for name in source.model_fields_set - _PLACEMENT
        if getattr(source, name) is not None
    }
    if isinstance(source, models.TextIndexParams):
        if beyond := options.keys() & {"stemmer", "stopwords", "scoring"}:
            raise unsupported(f"text index option {min(beyond)}")
        if "tokenizer" in options:
            if options["tokenizer"] not in _TOKENIZERS:
                raise unsupported(f"tokenizer {options['tokenizer'].value}")
            options["tokenizer"] = _TOKENIZERS[options["tokenizer"]]
    return _PARAMS[type(source)](**options)


def data_type(value: object) -> str:
    """The engine's `PayloadSchemaType.Keyword` as `keyword`."""
    return str(value).rpartition(".")[2].lower()
