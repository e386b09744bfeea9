import re

import pytest

from streams.processors.normalization.languages import _tags, language_tag


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("English", "en"),
        ("Brazilian Portuguese", "pt-BR"),
        ("Kurdish language", "ku"),
        ("Cantonese", "yue"),
        ("Standard Chinese", "cmn"),
        ("Modern Greek", "el"),
        (" french ", "fr"),
        ("multiple languages", None),
        ("Nadsat", None),
        ("", None),
    ],
)
def test_language_tag(name: str, tag: str | None) -> None:
    assert language_tag(name) == tag


def test_every_tag_is_well_formed() -> None:
    # RFC 5646, section 2.1: language, script, region and variants are what CLDR uses.
    shape = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-(?:[A-Z]{2}|\d{3}))?(-[a-z0-9]{5,8})*")
    assert [tag for tag in _tags().values() if not shape.fullmatch(tag)] == []
