"""Credits written as one comma-separated text."""

import re
from collections.abc import Iterable
from typing import Final

from schemas.types.catalog import Person, PersonRole
from streams.processors.normalization.limits import MAX_LIST_TEXT, MAX_PEOPLE, MAX_PERSON_NAME
from streams.processors.normalization.names import clean

# Belongs to the name before it: "Robert Downey, Jr.".
_SUFFIX: Final = re.compile(r"^(?:jr|sr|ii|iii|iv|esq|m\.?d|ph\.?d)\.?$", re.IGNORECASE)
_LIFE_DATES: Final = re.compile(r"\s*\((?:born )?\d{4}(?:\s*[-–]\s*(?:\d{4})?)?\)$")
# Wikidata's label of a page about several people, and what catalogues write for nobody.
_NOBODY: Final = re.compile(r"^(?:list of .*|n/?a|none|null|unknown|various|-+|\.+)$", re.IGNORECASE)


def split_people(text: str | None) -> tuple[str, ...]:
    """Names in the order given, each once."""
    if not text:
        return ()
    names: list[str] = []
    for part in text[:MAX_LIST_TEXT].split(","):
        name = clean(part)
        if not name:
            continue
        if names and len(name) < 6 and _SUFFIX.match(name):
            names[-1] = f"{names[-1]} {name}"
        else:
            names.append(name)
    return tuple(dict.fromkeys(kept for name in names if (kept := _person_name(name))))


def credited(*roles: tuple[PersonRole, Iterable[str]]) -> tuple[Person, ...]:
    """Role by role, the order inside a role kept; nobody has one role twice. Cut to the limit at the end."""
    found = [Person(name=name, role=role) for role, names in roles for name in names]
    return tuple(found[:MAX_PEOPLE])


def _person_name(name: str) -> str | None:
    if len(name) > MAX_PERSON_NAME:
        return None
    if name[-1] == ")":
        name = _LIFE_DATES.sub("", name)
    if name[:1] in "lnuvLNUV-." and _NOBODY.match(name):
        return None
    return name or None
