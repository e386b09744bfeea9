"""Names and codes of countries → ISO 3166-1 alpha-2. CLDR's English names by way of Babel, and older or longer names.

States that are gone keep the code ISO 3166 once gave them (SU, YU, CS): a Soviet film is not a Russian one. Both
Germanies are DE, as in CLDR.
"""

from functools import cache
from typing import Final

from babel import Locale

_FORMER: Final = frozenset({"SU", "YU", "CS"})
# CLDR's groupings, test regions and islands without a code of their own.
_NOT_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})

_MORE: Final = {
    "america": "US",
    "bahamas": "BS",
    "british hong kong": "HK",
    "cape verde": "CV",
    "congo": "CG",
    "czech republic": "CZ",
    "czechoslovakia": "CS",
    "democratic republic of the congo": "CD",
    "east germany": "DE",
    "england": "GB",
    "federal republic of yugoslavia": "YU",
    "georgian ssr": "SU",
    "german democratic republic": "DE",
    "holland": "NL",
    "hong kong": "HK",
    "ivory coast": "CI",
    "kingdom of great britain": "GB",
    "kingdom of italy": "IT",
    "kingdom of the netherlands": "NL",
    "macau": "MO",
    "myanmar": "MM",
    "northern ireland": "GB",
    "occupied palestinian territory": "PS",
    "palestine": "PS",
    "people's republic of china": "CN",
    "republic of china": "TW",
    "republic of ireland": "IE",
    "russian federation": "RU",
    "scotland": "GB",
    "serbia and montenegro": "YU",
    "socialist federal republic of yugoslavia": "YU",
    "soviet union": "SU",
    "swaziland": "SZ",
    "taiwan island": "TW",
    "turkey": "TR",
    "uk": "GB",
    "u.k.": "GB",
    "usa": "US",
    "u.s.": "US",
    "u.s.a.": "US",
    "united states of america": "US",
    "ussr": "SU",
    "vatican": "VA",
    "wales": "GB",
    "west germany": "DE",
    "yugoslavia": "YU",
}

# Codes that data sets use beside ISO's: JustWatch's XC (Czechoslovakia), TMDB's XG (East Germany), plain mistakes.
_OTHER_CODES: Final = {"XC": "CS", "XG": "DE", "DD": "DE", "BU": "MM", "ZR": "CD", "UK": "GB"}


def _fold(name: str) -> str:
    return name.lower().replace("’", "'").replace("&", "and").replace("st. ", "saint ").strip().removeprefix("the ")


@cache
def _codes() -> tuple[dict[str, str], frozenset[str]]:
    territories = {
        code: name
        for code, name in Locale("en").territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }
    return {_fold(name): code for code, name in territories.items()} | _MORE, frozenset(territories) | _FORMER


def country_code(text: str) -> str | None:
    """An English name or a code. None for anything else."""
    names, codes = _codes()
    if len(text) == 2:
        code = text.upper()
        code = _OTHER_CODES.get(code, code)
        if code in codes:
            return code
    return names.get(_fold(text))
