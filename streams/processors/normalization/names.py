"""Names of works: clean text, articles back in front, and what stands in parentheses told apart.

Providers write one work as `Matrix, The (1999)`, `The Matrix`, `Thackeray (Hindi)`, `Seven (Se7en)` or
`Faust (2011 film)`. Only what certainly is not part of the name is taken off; every other spelling is kept as an
alternate name, which entity resolution may match on.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from streams.processors.normalization.languages import language_tag
from streams.processors.normalization.limits import MAX_NAME

ENGLISH_ARTICLES: Final = frozenset({"the", "a", "an"})
ALL_ARTICLES: Final = ENGLISH_ARTICLES | {
    *("le", "la", "les", "l'", "l’", "un", "une", "des"),
    *("il", "lo", "gli", "i", "el", "los", "las", "o", "os", "as", "um", "uma"),
    *("der", "die", "das", "ein", "eine", "det", "den", "de", "het", "een"),
}
"""Articles as MovieLens moves them behind the name, of the languages that occur there."""

# Zero-width and direction marks that only ever come from copy and paste. The joiners U+200C and U+200D stay: Persian
# and Indic spelling and emoji need them.
_INVISIBLE: Final = dict.fromkeys(
    (
        *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2061, 0x206A),
        *range(0xFFF9, 0xFFFC),
    )
)
_YEAR: Final = re.compile(r"\s*\((1[89]\d\d|20\d\d|2100)\)$")
_WIKIPEDIA: Final = re.compile(
    r"\s*\((?:(1[89]\d\d|20\d\d)\s+)?(?:[A-Z][\w-]*\s+)?(?:film|TV series|TV film|miniseries|television series)\)$"
)
_GROUP: Final = re.compile(r"\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)$")
_AKA: Final = re.compile(r"^(?:a\.?\s?k\.?\s?a\.?|also known as)[:\s]+", re.IGNORECASE)
_EDITION: Final = re.compile(
    r"^(?:(?:the )?(?:extended|unrated|uncut|special|original|final|(?:director|producer|lawyer)['’]s)"
    r"(?: (?:edition|cut|version))?|unrated|remastered|classic|original series|episode [ivxlc]+|series|tv|dub|sub)$",
    re.IGNORECASE,
)
_SHORTS: Final = re.compile(r"^shorts?$", re.IGNORECASE)
_OPEN_END: Final = re.compile(r"(?: or| and| the|[:–&-])$", re.IGNORECASE)
_VERSION: Final = re.compile(r"^(?:in )?(\w+)(?: (?:version|narration|dub))?$", re.IGNORECASE)
_LEADING_DUB: Final = re.compile(r"^\((?:dub|sub)\)\s+", re.IGNORECASE)
# What a language calls itself, where a shop writes it so.
_OWN_NAMES: Final = {"español": "es", "français": "fr", "deutsch": "de", "português": "pt", "italiano": "it"}


class Name(NamedTuple):
    """`year` and `language` are what the spelling itself gave away."""

    main: str
    alternates: tuple[str, ...] = ()
    year: int | None = None
    language: str | None = None


def clean(text: str) -> str:
    """NFC, without control, invisible and lone surrogate characters, white space collapsed. Idempotent."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split()) if "  " in text or text[:1] == " " or text[-1:] == " " else text
    kept = text.translate(_INVISIBLE)
    if not kept.isprintable():
        kept = "".join(
            " " if character.isspace() else character
            for character in kept
            if character.isspace() or unicodedata.category(character) not in {"Cc", "Cs"}
        )
    return " ".join(unicodedata.normalize("NFC", kept).split())


def article_first(name: str, articles: frozenset[str] = ENGLISH_ARTICLES) -> str:
    """`Matrix, The` → `The Matrix`; `Enfer, L'` → `L'Enfer`."""
    head, comma, article = name.rpartition(", ")
    if not comma or not head or article.lower() not in articles:
        return name
    return f"{article}{head}" if article[-1] in "'’" else f"{article} {head}"


def split_name(raw: str, articles: frozenset[str] = ENGLISH_ARTICLES) -> Name:
    """For catalogues whose parentheses are mostly part of the name: years, editions and languages come off."""
    text = clean(raw)
    if "(" not in text or len(text) > MAX_NAME:
        return Name(article_first(text, articles)) if ", " in text else Name(text)
    year: int | None = None
    language: str | None = None
    main = _LEADING_DUB.sub("", text)
    alternates = [text] if main != text else []
    while found := _GROUP.search(main):
        head, group = main[: found.start()], found.group(1).strip()
        if not head:
            break
        if wiki := _WIKIPEDIA.search(main):
            year = year or (int(wiki.group(1)) if wiki.group(1) else None)
        elif stated := _YEAR.search(main):
            year = year or int(stated.group(1))
        elif aka := _AKA.match(group):
            alternates.append(article_first(group[aka.end() :].strip(), articles))
        elif _EDITION.match(group):
            alternates.append(main)
        elif tag := _language_of(group):
            alternates.append(main)
            language = language or tag
        else:
            # Not certain, so the name stays whole and the head is only another way to say it. Shorts and other parts
            # are other works.
            if len(head) > 1 and not _SHORTS.match(group) and not group.isdigit() and not _OPEN_END.search(head):
                alternates.append(head)
            break
        main = head
    return _name(article_first(main, articles), alternates, year, language)


def split_alternates(raw: str) -> Name:
    """For MovieLens, where a group in parentheses is always another name or the year."""
    main = clean(raw)
    if len(main) > MAX_NAME:
        return Name(main)
    year: int | None = None
    groups: list[str] = []
    while found := _GROUP.search(main):
        if not found.start():
            break
        group = found.group(1).strip()
        if stated := _YEAR.search(main):
            year = year or int(stated.group(1))
        elif group:
            groups.insert(0, article_first(_AKA.sub("", group), ALL_ARTICLES))
        main = main[: found.start()]
    return _name(article_first(main, ALL_ARTICLES), groups, year, None)


def cut_at_word(text: str, limit: int) -> str:
    """At most `limit` characters, ending in an ellipsis when something was cut."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    at = head.rfind(" ")
    return (head[:at] if at > limit // 2 else head).rstrip(" ,.;:-–—") + "…"


def _language_of(group: str) -> str | None:
    if found := _VERSION.match(group):
        word = found.group(1).lower()
        return _OWN_NAMES.get(word) or language_tag(word)
    return None


def _name(main: str, alternates: list[str], year: int | None, language: str | None) -> Name:
    others = dict.fromkeys(name for name in alternates if name and name != main)
    return Name(main, tuple(others), year, language)
