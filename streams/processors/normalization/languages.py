"""Names of languages → BCP 47 tags. CLDR's English names by way of Babel, and what Wikidata and shops add to them."""

from functools import cache
from typing import Final

from babel import Locale

_MORE: Final = {
    "abkhaz": "ab",
    "american english": "en-US",
    "australian aboriginal english": "en-AU",
    "australian english": "en-AU",
    "ancient greek": "grc",
    "bengali": "bn",
    "cantonese": "yue",
    "cameroon pidgin": "wes",
    "classical arabic": "ar",
    "dari": "fa-AF",
    "farsi": "fa",
    "flemish dutch": "nl-BE",
    "fula": "ff",
    "gaelic": "gd",
    "german sign language": "gsg",
    "american sign language": "ase",
    "ukrainian sign language": "ukl",
    "gullah": "gul",
    "haryanvi": "bgc",
    "iñupiaq": "ik",
    "isan": "tts",
    "jamaican patois": "jam",
    "jin": "cjy",
    "luganda": "lg",
    "mandarin": "cmn",
    "mandarin chinese": "cmn",
    "standard chinese": "cmn",
    "standard mandarin": "cmn",
    "standard taiwanese mandarin": "cmn-TW",
    "putonghua": "cmn-CN",
    "meitei": "mni",
    "modern greek": "el",
    "modern hebrew": "he",
    "mooré": "mos",
    "nahuatl": "nah",
    "neapolitan": "nap",
    "persian": "fa",
    "plautdietsch": "pdt",
    "pulaar": "fuc",
    "quebec french": "fr-CA",
    "rajasthani": "raj",
    "romani": "rom",
    "seediq": "trv",
    "sesotho": "st",
    "shanghainese": "wuu",
    "sichuanese": "cmn",
    "singaporean hokkien": "nan-SG",
    "sioux": "dak",
    "slovene": "sl",
    "taiwanese hokkien": "nan-TW",
    "hokkien": "nan",
    "tuareg": "tmh",
    "yucatec maya": "yua",
    "yue chinese": "yue",
    "zoroastrian dari": "gbz",
    "norwegian": "no",
    "serbo-croatian": "sh",
    "filipino": "fil",
}

_NOT_LANGUAGES: Final = frozenset({"mul", "und", "zxx", "mis", "root"})


@cache
def _tags() -> dict[str, str]:
    found = {
        name.lower(): tag.replace("_", "-") for tag, name in Locale("en").languages.items() if tag not in _NOT_LANGUAGES
    }
    return found | _MORE


def language_tag(name: str) -> str | None:
    """`Brazilian Portuguese` → `pt-BR`. None for what has no tag: Atlantean, Nadsat, "multiple languages"."""
    folded = name.strip().lower()
    return _tags().get(folded) or _tags().get(folded.removesuffix(" language"))
