"""Names of works and of people as keys that can be compared for equality. Pure.

One key per way of writing: case, diacritics, scripts (through `anyascii`), punctuation, ampersands, articles in any
place ("Matrix, The"), roman and spelled-out part numbers ("Part II", "Volume Two") and year or "(I)" suffixes all
disappear, so that equal keys mean "the same name", and nothing weaker. Near misses are the scorer's business.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from anyascii import anyascii

# Written after a comma these stand in front of the name: "Strada, La", "Bourne Identity, The".
_TRAILING_ARTICLE = re.compile(
    r"^(?P<rest>.+), (?P<article>the|a|an|le|la|les|l'|el|los|las|il|lo|gli|i|der|die|das|den|det|de|het|o|os|as"
    r"|un|une|ein|eine)$"
)
# "(1999)", "(I)", "[2001]", "(TV)": numbering of catalogues, not part of the name.
_CATALOGUE_SUFFIX = re.compile(
    r"\s*[(\[](?:\d{4}(?:[-–/]\d{0,4})?|[ivx]{1,4}|tv|tv series|film|movie|video|v)[)\]]\s*$"
)
_ALSO_KNOWN_AS = re.compile(r"\(?\b(?:a\.k\.a\.|aka|a/k/a)\s+|\s*\((?=[^)]*\)\s*$)|\)\s*$", re.IGNORECASE)
_ALSO = re.compile(r"\b(?:a\.k\.a\.|aka|a/k/a)\s", re.IGNORECASE)
_BEFORE_FRACTION = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")  # NFKC would make 81⁄2 of 8½
_ESCAPED = re.compile(r"\\?u(0[01][0-9A-F]{2})")  # "Salomu00E9": JSON's escape that lost its backslash
_LOST = re.compile(r"(?<=\w)\?+(?=\w)")  # "S?lvia": a letter that an encoding lost
_DOTTED = re.compile(r"\b(?:[a-z0-9]\.){2,}")
_SUBTITLE = re.compile(r"\s*(?::\s|\s[-–—]\s|[–—]|\s/\s)\s*|:(?=\D)")
_TOKEN = re.compile(r"[a-z0-9]+")
_ARTICLES = frozenset({"the", "a", "an"})
_ROMAN = {
    "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    "xi": "11", "xii": "12", "xiii": "13", "xiv": "14", "xv": "15",
}  # fmt: skip
# Letters that are words or names by themselves count as numbers only at the end of a name or after a part word.
_ROMAN_LETTERS = {"i": "1", "v": "5", "x": "10"}
_NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10",
}  # fmt: skip
_PART_WORDS = frozenset({"part", "pt", "volume", "vol", "chapter", "episode", "season", "book", "no"})
_PART_NAMES = {"pt": "part", "vol": "volume"}
MAX_NAME = 200
"""Characters of a name that count; longer ones are cut so that a megabyte of title costs no more than a line."""


class NameKey(NamedTuple):
    """`full` is the whole name as space-joined words, `head` the part before a subtitle (equal when there is none)."""

    full: str
    head: str

    @property
    def numbers(self) -> frozenset[str]:
        """The numbers in the name: "Rocky 2" and "Rocky 3" are near misses that must never count as close."""
        return frozenset(word for word in self.full.split() if word.isdigit())


@lru_cache(maxsize=65536)
def name_key(name: str) -> NameKey:
    """Keys of one name. Never empty for a name that shows any character: symbols fall back to their code points."""
    text = name[:MAX_NAME]
    if "u0" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _BEFORE_FRACTION.sub(" ", text))
    text = text.casefold().strip()
    while (stripped := _CATALOGUE_SUFFIX.sub("", text)) and stripped != text:
        text = stripped
    if (found := _TRAILING_ARTICLE.match(text)) is not None:
        text = f"{found['article']} {found['rest']}"
    head = _SUBTITLE.split(text, maxsplit=1)[0]
    full_key = _words(text) or "".join(f"u{ord(character):x}" for character in text if not character.isspace())
    head_key = _words(head) if head != text else full_key
    return NameKey(full_key, head_key or full_key)


def spellings(name: str) -> tuple[str, ...]:
    """The names that one name field holds: "Seven (a.k.a. Se7en)" is two."""
    if not _ALSO.search(name[:MAX_NAME]):
        return (name,)
    parts = (part.strip(" ,;()[]") for part in _ALSO_KNOWN_AS.split(name[:MAX_NAME]))
    return tuple(part for part in parts if part) or (name,)


_IN_PARENTHESES = re.compile(r"\([^()]*\)")


@lru_cache(maxsize=65536)
def person_key(name: str) -> str:
    """Words of a person's name without case, diacritics and punctuation, sorted: "Lee, Ang" is "Ang Lee". What stands
    in parentheses tells namesakes apart in one catalogue only: "Abraham, John (I)", "Michael Murphy (actor)"."""
    bare = _IN_PARENTHESES.sub(" ", name[:MAX_NAME])
    return " ".join(sorted(_TOKEN.findall(_ascii((bare if bare.strip() else name[:MAX_NAME]).casefold()))))


_FEATURING = re.compile(r"\s*[(\[]?\s*\b(?:feat|ft|featuring|with)\b\.?\s+[^)\]]*[)\]]?", re.IGNORECASE)
_EDITION = re.compile(
    r"\s*[(\[][^)\]]*\b(?:explicit|clean|album version|single version|original mix|main version|bonus track|deluxe"
    r"|expanded|edition|remaster(?:ed)?|version|amended|soundtrack|ep|single)\b[^)\]]*[)\]]|\s+-\s+(?:single|ep)\s*$",
    re.IGNORECASE,
)
_RECORDING = re.compile(
    r"\b(remix|mix|live|acoustic|instrumental|karaoke|tribute|demo|unplugged|radio edit|edit|reprise|interlude|cover"
    r"|a cappella|acapella|commentary|medley|dub)\b"
)
_BRACKETED = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_SPACED = re.compile(r"\s+([.,!?;:')\]])|([(\['])\s+")


def recording_name(name: str) -> str:
    """Name of a song or album without guests, editions and what `recording_marks` finds: "Remember You (feat. The
    Weeknd) [Explicit]"."""
    text = _SPACED.sub(r"\1\2", name[:MAX_NAME])
    bare = _EDITION.sub("", _FEATURING.sub("", text))
    bare = _BRACKETED.sub(lambda found: "" if _RECORDING.search(found[1].casefold()) else found[0], bare).strip()
    return bare or text


def recording_marks(name: str) -> frozenset[str]:
    """What makes it another recording of the same song: live, karaoke, somebody's remix. Other words of a name count
    only in brackets: "Live and Let Die" is a song."""
    found: set[str] = set()
    for group in _BRACKETED.findall(name[:MAX_NAME].casefold()):
        if kinds := _RECORDING.findall(group):
            mixed = any("mix" in kind or kind == "edit" for kind in kinds)
            found.add(" ".join(sorted(_TOKEN.findall(group))) if mixed else kinds[0])
    return frozenset(found)


def compact(key: str) -> str:
    """The key without spaces: "spider man" and "spiderman" are written either way."""
    return key.replace(" ", "")


_UNSTRESSED = str.maketrans("", "", "aeiouyhw ")


def skeleton(key: str) -> str:
    """The key without vowels and what is written like them: transliterations differ in these ("Iliev", "Ilyev"), and
    they are what encodings lose."""
    return key.translate(_UNSTRESSED)


def _ascii(text: str) -> str:
    return text if text.isascii() else anyascii(text).lower()


def _words(text: str) -> str:
    if "?" in text:
        text = _LOST.sub("", text)
    text = _ascii(text).replace("&", " and ").replace("+", " and ").replace("'", "").replace("`", "")
    if "." in text:
        text = _DOTTED.sub(lambda found: found[0].replace(".", ""), text)
    words = _TOKEN.findall(text)
    kept = [word for word in words if word not in _ARTICLES] or words
    return " ".join(_numerals(kept))


def _numerals(words: list[str]) -> list[str]:
    last = len(words) - 1
    found: list[str] = []
    for index, word in enumerate(words):
        after_part = bool(found) and found[-1] in _PART_WORDS
        number = word if word.isdigit() else None
        if index and word in _ROMAN:
            number = _ROMAN[word]
        elif word in _ROMAN_LETTERS and (after_part or (index == last and index > 0)):
            number = _ROMAN_LETTERS[word]
        elif after_part and word in _NUMBER_WORDS:
            number = _NUMBER_WORDS[word]
        if number is None:
            found.append(_PART_NAMES.get(word, word))
            continue
        if after_part and len(found) > 1:  # "Part 2", "Vol. 2" and "2" are written for one another
            found.pop()
        found.append(number)
    return found
