"""MovieLens item lines (RecBole's four columns): articles behind the name, other names in parentheses."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.types.catalog import ExternalId
from streams.processors.normalization import fields, genres
from streams.processors.normalization.draft import Draft
from streams.processors.normalization.fields import Scalar
from streams.processors.normalization.names import Name, split_alternates

_SEPARATORS: Final = re.compile(r"[\s|]+")
# Item 267 of the data set stands for films nobody identified; the misspelling is the data set's own.
_PLACEHOLDERS: Final = frozenset({"unknown", "unkonwn"})


class Row(msgspec.Struct):
    item_id: Scalar = None
    movie_title: Scalar = None
    release_year: Scalar = None
    class_: str | list[str] | None = msgspec.field(name="class", default=None)


def native_id(raw: Mapping[str, Any]) -> str | None:
    return fields.identifier(raw.get("item_id"))


def adapt(raw: dict[str, Any]) -> Draft:
    row = msgspec.convert(raw, Row)
    # "Children's" and "Film-Noir" are single words here, so white space separates.
    kinds = _SEPARATORS.split(row.class_) if isinstance(row.class_, str) else fields.words(row.class_)
    terms, unknown = genres.map_genres((kind for kind in kinds if kind), genres.MOVIELENS)
    identifier = fields.text(row.item_id)
    name = split_alternates(fields.title_text(row.movie_title) or "")
    year = fields.integer(row.release_year)
    is_placeholder = name.main.lower() in _PLACEHOLDERS and year is None and not terms
    return Draft(
        kind="movie",
        name=Name("") if is_placeholder else name,
        native_id=identifier,
        year=year,
        genres=terms,
        unknown_genres=unknown,
        external_ids=(ExternalId(source="movielens", value=identifier),) if identifier else (),
    )
