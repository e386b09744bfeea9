"""What text becomes before it is compared, counted or embedded. Writers and readers must use the same functions.

- `name_key`: one spelling of a name, for exact and prefix matches.
- `tokens`, `document_terms`, `query_terms`: BM25 as sparse vectors (Robertson and Zaragoza, 2009). A document's weight
  is the saturated term frequency; the inverse document frequency is left to the engine (Qdrant's `Modifier.IDF`).
- `embedding_text`, `text_hash`: what is embedded for a title, and when it counts as changed.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import mmh3
from anyascii import anyascii
from msgspec import Struct
from py_rust_stemmers import SnowballStemmer

from schemas.types.catalog import TitleChanged

MAX_NAME_KEY = 200
"""Characters; a longer name is cut, so that a key always fits an index row."""

_K1 = 1.2
_B = 0.75
_AVERAGE_LENGTH = 32.0
"""Weighted tokens in an average title. A constant: a moving average would make equal titles weigh differently."""

_FIELD_WEIGHTS = {"name": 3.0, "other_name": 2.0, "person": 1.0, "genre": 1.0, "overview": 1.0}
_MAX_PEOPLE = 12
_MAX_QUERY_TERMS = 64
_OVERVIEW_CHARACTERS = 480
_MAX_FIELD_CHARACTERS = 4000
_EMBEDDED_ACTORS = 4

_APOSTROPHES = re.compile("['’‘`´ʼ′]")
_INITIALS = re.compile(r"(?<=\b\w)\.(?=\w\b)")
_NOT_ASCII_WORD = re.compile(r"[^a-z0-9]+")
_UNSEGMENTED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_STEMMER = SnowballStemmer("english")


class SparseTerms(Struct, frozen=True, gc=False):
    """A sparse vector: indices ascending and unique (unsigned 32 bit), one value each."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@lru_cache(maxsize=8192)
def _folded(character: str) -> str:
    """A Latin letter as ASCII ('ß' → 'ss', 'ø' → 'o'); any other character as it is."""
    if character.isascii() or not unicodedata.name(character, "").startswith("LATIN"):
        return character
    return anyascii(character)


def fold(text: str) -> str:
    """Case, compatibility forms and Latin diacritics removed; other scripts keep their marks, which carry meaning."""
    composed = unicodedata.normalize("NFKC", text)
    folded: list[str] = []
    after_latin = False
    for character in composed:
        if after_latin and unicodedata.category(character) == "Mn":
            continue
        plain = _folded(character)
        after_latin = plain.isascii() and plain.isalpha()
        folded.append(plain)
    return unicodedata.normalize("NFKC", "".join(folded).casefold())


def _spaced(folded: str) -> str:
    """Apostrophes and dots between initials dropped, anything else but letters, marks and digits made a space."""
    plain = _INITIALS.sub("", _APOSTROPHES.sub("", folded.replace("&", " and ")))
    if plain.isascii():
        return _NOT_ASCII_WORD.sub(" ", plain)
    return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in plain)


def name_key(text: str) -> str:
    """One spelling of a name: 'Amélie & Co.' → 'amelie and co'. Idempotent.

    A name of nothing but signs ('???', '$') keeps them, so that it can still be found. Empty only for blank text.
    """
    folded = fold(text)
    key = " ".join(_spaced(folded).split())
    if not key:
        key = " ".join("".join(c for c in folded if unicodedata.category(c)[0] != "C").split())
    return key[:MAX_NAME_KEY].rstrip()


def tokens(text: str) -> list[str]:
    """Search terms in order: words as in `name_key`, English endings removed; bigrams where a script has no spaces."""
    words: list[str] = []
    for word in _spaced(fold(text)).split():
        words.extend(_segments(word))
    return [_STEMMER.stem_word(word) if word.isascii() else word for word in words]


def _segments(word: str) -> Iterable[str]:
    if word.isascii() or not _UNSEGMENTED.search(word):
        yield word
        return
    end = 0
    for run in _UNSEGMENTED.finditer(word):
        if run.start() > end:
            yield word[end : run.start()]
        letters = run.group()
        yield from (letters[i : i + 2] for i in range(len(letters) - 1)) if len(letters) > 1 else (letters,)
        end = run.end()
    if end < len(word):
        yield word[end:]


def term_index(token: str) -> int:
    """The sparse dimension of a token: MurmurHash3, 32 bits, unsigned, as fastembed's BM25 does."""
    return int(mmh3.hash(token, signed=False))


def document_terms(title: TitleChanged) -> SparseTerms:
    """BM25 weights of a title's words. Fields count by weight before saturation (BM25F)."""
    frequency: Counter[int] = Counter()
    for field, text in _fields(title):
        for token in tokens(text[:_MAX_FIELD_CHARACTERS]):
            frequency[term_index(token)] += _FIELD_WEIGHTS[field]  # type: ignore[assignment] # Counter holds any number
    length = sum(frequency.values())
    norm = _K1 * (1 - _B + _B * length / _AVERAGE_LENGTH)
    indices = tuple(sorted(frequency))
    return SparseTerms(indices, tuple(round(frequency[i] * (_K1 + 1) / (frequency[i] + norm), 5) for i in indices))


def query_terms(text: str) -> SparseTerms:
    """Each different word of a query once, weight 1; at most 64 words. Empty when the query has no word."""
    indices = sorted({term_index(token) for token in tokens(text)[:_MAX_QUERY_TERMS]})
    return SparseTerms(tuple(indices), (1.0,) * len(indices))


def _fields(title: TitleChanged) -> Iterable[tuple[str, str]]:
    yield "name", title.name
    for name in dict.fromkeys((title.original_name, title.series_name, *title.alternate_names)):
        if name and name != title.name:
            yield "other_name", name
    for person in title.people[:_MAX_PEOPLE]:
        yield "person", person.name
    for genre in title.genres:
        yield "genre", genre
    if title.overview:
        yield "overview", title.overview


def well_formed(text: str) -> str:
    """Lone surrogates, which JSON can smuggle in and UTF-8 cannot write, as question marks."""
    return text.encode("utf-8", "replace").decode()


def embedding_text(title: TitleChanged) -> str:
    """One short paragraph: names, sort of work, genres, makers, overview. The model reads about 200 words of it."""
    names = dict.fromkeys(name for name in (title.name, title.original_name, title.series_name) if name)
    parts = [" / ".join(names) + (f" ({title.year})" if title.year else "")]
    genres = " ".join(title.genres).replace("_", " ").replace("-", " ")
    parts.append(f"{genres} {title.kind}".strip())
    makers = [p.name for p in title.people if p.role in ("director", "creator", "artist", "composer", "writer")][:2]
    actors = [p.name for p in title.people if p.role == "actor"][:_EMBEDDED_ACTORS]
    if makers:
        parts.append("by " + ", ".join(dict.fromkeys(makers)))
    if actors:
        parts.append("with " + ", ".join(actors))
    if title.overview:
        parts.append(title.overview[:_OVERVIEW_CHARACTERS])
    return well_formed(". ".join(parts))


def text_hash(model: str, text: str) -> str:
    """SHA-256 (hex) of model id and text: a new model embeds everything again."""
    return hashlib.sha256(f"{model}\n{text}".encode()).hexdigest()
