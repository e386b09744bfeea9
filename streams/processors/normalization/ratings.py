"""Age ratings → country, label as its body writes it, and the youngest age in years it is meant for.

Sources: the rating bodies' own scales (MPA, TV Parental Guidelines, BBFC, FSK, CNC, Kijkwijzer, ACB, CBFC, ClassInd,
EIRIN, KMRB, IFCO, OFLC New Zealand and others), as of 2024. Where a body gives advice instead of an age ("parental
guidance suggested") the age is the one that its own guidance names, else 8 for films and 10 for US television.
"""

import re
from typing import Final

from schemas.types.catalog import AgeRating

_US: Final = {
    "G": 0, "PG": 8, "PG-13": 13, "R": 17, "NC-17": 18,
    "TV-Y": 0, "TV-Y7": 7, "TV-Y7-FV": 7, "TV-G": 0, "TV-PG": 10, "TV-14": 14, "TV-MA": 17,
    "M": 13, "M/PG": 8, "GP": 8, "X": 18, "APPROVED": None, "PASSED": None, "NR": None, "UR": None,
}  # fmt: skip

_ADULT_SCALE: Final = {"0": 0, "6": 6, "12": 12, "16": 16, "18": 18}

_SCALES: Final[dict[str, dict[str, int | None]]] = {
    "US": _US,
    "GB": {"U": 0, "PG": 8, "12A": 12, "12": 12, "15": 15, "18": 18, "R18": 18},
    "IE": {"G": 0, "PG": 8, "12A": 12, "12": 12, "15A": 15, "15": 15, "16": 16, "18": 18},
    "DE": {f"FSK {age}": years for age, years in _ADULT_SCALE.items()},
    "AT": {"0": 0, "6": 6, "8": 8, "10": 10, "12": 12, "14": 14, "16": 16},
    "CH": {"0": 0, "6": 6, "8": 8, "10": 10, "12": 12, "14": 14, "16": 16, "18": 18},
    "FR": {"TP": 0, "U": 0, "10": 10, "12": 12, "16": 16, "18": 18},
    "NL": {"AL": 0, "6": 6, "9": 9, "12": 12, "14": 14, "16": 16, "18": 18},
    "BE": {"AL": 0, "6": 6, "9": 9, "12": 12, "14": 14, "16": 16, "18": 18},
    "ES": {"TP": 0, "APTA": 0, "7": 7, "12": 12, "16": 16, "18": 18},
    "IT": {"T": 0, "6+": 6, "14+": 14, "18+": 18, "VM14": 14, "VM18": 18},
    "PT": {"3": 3, "6": 6, "12": 12, "14": 14, "16": 16, "18": 18},
    "SE": {"BTL": 0, "7": 7, "11": 11, "15": 15},
    "NO": {"A": 0, "6": 6, "9": 9, "12": 12, "15": 15, "18": 18},
    "DK": {"A": 0, "7": 7, "11": 11, "15": 15},
    "FI": {"S": 0, "T": 0, "7": 7, "12": 12, "16": 16, "18": 18},
    "PL": {"BO": 0, "7": 7, "12": 12, "16": 16, "18": 18},
    "AU": {"E": None, "G": 0, "PG": 8, "M": 15, "MA15+": 15, "R18+": 18, "X18+": 18},
    "NZ": {"G": 0, "PG": 8, "M": 16, "R13": 13, "R15": 15, "R16": 16, "R18": 18, "RP13": 13, "RP16": 16, "RP18": 18},
    "IN": {"U": 0, "UA": 12, "UA 7+": 7, "UA 13+": 13, "UA 16+": 16, "A": 18, "S": None},
    "CA": {"G": 0, "PG": 8, "14A": 14, "18A": 18, "R": 18, "A": 18, "13+": 13, "16+": 16, "18+": 18},
    "BR": {"L": 0, "10": 10, "12": 12, "14": 14, "16": 16, "18": 18},
    "MX": {"AA": 0, "A": 0, "B": 12, "B15": 15, "C": 18, "D": 18},
    "JP": {"G": 0, "PG12": 12, "R15+": 15, "R18+": 18},
    "KR": {"ALL": 0, "12": 12, "15": 15, "18": 18, "19": 18},
    "SG": {"G": 0, "PG": 8, "PG13": 13, "NC16": 16, "M18": 18, "R21": 21},
}
"""Country → label → youngest age. None: seen by nobody, or exempt, so that a limit cannot be judged."""

_SPELLINGS: Final = {
    ("US", "PG13"): "PG-13",
    ("US", "NC17"): "NC-17",
    ("US", "TVMA"): "TV-MA",
    ("US", "TV14"): "TV-14",
    ("US", "TVPG"): "TV-PG",
    ("US", "TVG"): "TV-G",
    ("US", "TVY"): "TV-Y",
    ("US", "TVY7"): "TV-Y7",
    ("US", "UNRATED"): "UR",
    ("US", "NOTRATED"): "NR",
    ("US", "RATEDR"): "R",
}


def _key(label: str) -> str:
    return re.sub(r"[\s_\-./+]", "", label).upper()


_BY_KEY: Final = {(country, _key(label)): label for country, scale in _SCALES.items() for label in scale} | _SPELLINGS


def parse_age_rating(country: str, label: str) -> AgeRating | None:
    """None for an empty text or one that is no rating of that country (providers put durations there)."""
    key = _key(label)
    if not key:
        return None
    known = _BY_KEY.get((country, key)) or _BY_KEY.get((country, _with_body(country, key)))
    if known is None:
        return None
    return AgeRating(country=country, label=known, minimum_age=_SCALES[country][known])


def _with_body(country: str, key: str) -> str:
    """Germans write both `12` and `FSK 12`."""
    return f"FSK{key}" if country == "DE" else key
