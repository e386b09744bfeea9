"""Units, their selection, and the pictures of them in the README."""

from pathlib import Path

import pytest

from bootstrap import units
from schemas import loader

README = (Path(__file__).parents[3] / "README.md").read_text()


def test_the_readmes_picture_is_true() -> None:
    assert f"```mermaid\n{units.mermaid()}```" in README, "put the output of `mg units --mermaid` into README.md"


def test_the_readmes_table_is_true() -> None:
    assert units.markdown() in README, "put the output of `mg units --markdown` into README.md"


def test_every_unit_of_the_topic_files_exists_and_every_unit_is_in_a_topic_file() -> None:
    named = {unit for topic in loader.topics() for unit in (topic.producer, *topic.consumers)}
    existing = {name for name in units.every().names if not name.startswith("sender:")}  # they read no topic
    assert named == existing


def test_a_kind_selects_all_of_it_and_names_select_one() -> None:
    assert [spec.name for spec in units.select(["processors"]).processors] == [
        "normalization",
        "entity_resolution",
        "embedding",
        "offer_lifecycle",
        "playback_sessions",
        "title_trends",
    ]
    chosen = units.select(["materializer:availability", "service:discovery"])
    assert chosen.names == ("materializer:availability", "service:discovery")


def test_an_unknown_unit_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(units.UnknownUnit, match="processor:normalization"):
        units.select(["processor:nonsense"])
