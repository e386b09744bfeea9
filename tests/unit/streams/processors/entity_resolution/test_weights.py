"""Weights apart from comparisons: those set by hand, learned ones as a file, and which of them decide."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from structlog.testing import capture_logs

from schemas.types.catalog import CanonicalItem
from streams.processors.entity_resolution import artefact
from streams.processors.entity_resolution.artefact import Artefact, Input, KindLearned, Level, Pairs
from streams.processors.entity_resolution.chosen import CHOSEN, LEARNED, chosen, read
from streams.processors.entity_resolution.evidence import UNKNOWN
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.hand_set import HAND_SET
from streams.processors.entity_resolution.scoring import compare, score
from tests.support.canonical_items import an_item, people
from tests.support.resolving import items


def an_episode(name: str, number: int) -> CanonicalItem:
    return an_item(name, None, "episode", series_name="Cedar", season_number=1, episode_number=number)


def a_song(name: str, artist: str, minutes: int) -> CanonicalItem:
    return an_item(name, None, "track", people=people(artist), series_name="Boats", runtime_minutes=minutes)


CAST = people("Al Moss", "Bea Noor", "Cy Oram", "Di Penn", director="Ada Quill")


@pytest.mark.parametrize(
    ("one", "other", "bits"),
    [
        (an_item("Amber Road by the Sea"), an_item("Amber Road by the Sea"), 5.8),
        (an_item("Cedar", None), an_item("Cedar", 2000), 0.6),
        (an_item("Spidergrove", 2000), an_item("Spider Grove", 2001), 2.0),
        (an_item("Amber Road: Money", 1999), an_item("Amber Road", 2001), -5.0),
        (an_item("Amber Road", 1999, people=CAST), an_item("Amber Road", 1999, people=CAST), 18.4),
        (an_item(people=CAST, runtime_minutes=100), an_item(people=people("Bo Rask"), runtime_minutes=108), 5.1),
        (an_item(people=people("Ada Quill")), an_item(people=people(director="Ada Quill")), 8.9),
        (an_item("Cedar", 2000, "series"), an_item("Cedar", 2007, "series"), -1.95),
        (an_item(kind="series", runtime_minutes=50), an_item(kind="series", runtime_minutes=25), 4.4),
        (an_item(genres=("drama", "crime")), an_item(genres=("comedy",)), 4.6),
        (an_episode("One", 1), an_episode("Uno", 1), 6.0),
        (a_song("Quiet Harbour", "Bea Noor", 3), a_song("Quiet Harbour", "Bea Noor", 4), 8.5),
        (a_song("Quiet Harbour", "Bea Noor", 3), a_song("Quiet Harbour (Live)", "Cy Oram", 9), -14.5),
    ],
)
def test_hand_set_weights_are_what_they_were(one: CanonicalItem, other: CanonicalItem, bits: float) -> None:
    """Bits that these pairs had before comparisons and weights were told apart."""
    assert score(Features(one), Features(other)).bits == pytest.approx(bits)


@given(items(), items())
def test_every_level_has_a_weight(one: CanonicalItem, other: CanonicalItem) -> None:
    if one.kind == other.kind:
        for field, level, _ in compare(Features(one), Features(other)):
            assert level == UNKNOWN or level in HAND_SET.bits[one.kind][field]


def learned(**changes: Any) -> Artefact:
    def level(m: float, u: float, bits: float, pairs: float = 100.0) -> Level:
        return Level(m=m, u=u, bits=bits, pairs=pairs, used=pairs >= artefact.LEAST_PAIRS)

    film = KindLearned(
        prior=-1.5,
        namesakes=2.0,
        iterations=12,
        log_likelihood=-345.6,
        sets={"two: l, r": Pairs(pairs=200.0, of_one_work=60.5)},
        fields={
            "year": {"same": level(0.8, 0.1, 3.0), "1 apart": level(0.2, 0.9, -2.17)},
            "genres": {"shared": level(0.9, 0.3, 1.58), "none shared": level(0.1, 0.7, -2.81, pairs=3.0)},
        },
    )
    made = Artefact(
        format=artefact.FORMAT,
        version="learned-9",
        made_at="2026-01-01T00:00:00+00:00",
        command="mg eval learn-weights two.yaml",
        started_from=HAND_SET.version,
        inputs=[Input(manifest="two", file="two/left.csv", rows=3, items=2, sha256="0" * 64)],
        kinds={"movie": film},
        left={"album": "nothing varies"},
    )
    return msgspec.structs.replace(made, **changes)


def test_an_artefact_is_read_as_it_was_written() -> None:
    assert artefact.decode(artefact.encode(learned())) == learned()


def test_what_was_learned_stands_over_what_was_set_by_hand() -> None:
    weights = artefact.weights(learned())
    assert weights.version == "learned-9"
    assert weights.provenance == "mg eval learn-weights two.yaml, 2026-01-01T00:00:00+00:00"
    assert (weights.prior["movie"], weights.prior["series"]) == (-1.5, HAND_SET.prior["series"])
    assert weights.bits["movie"]["year"]["1 apart"] == -2.17
    assert weights.bits["movie"]["year"]["2 apart"] == HAND_SET.bits["movie"]["year"]["2 apart"], "not seen"
    assert weights.bits["movie"]["genres"]["none shared"] == -0.8, "seen too seldom"
    assert weights.bits["movie"]["name"] == HAND_SET.bits["movie"]["name"]
    assert weights.bits["series"] == HAND_SET.bits["series"]


def broken(change: str) -> bytes:
    body = json.loads(artefact.encode(learned()))
    film = body["kinds"]["movie"]
    match change:
        case "format":
            body["format"] = 2
        case "version":
            body["version"] = HAND_SET.version
        case "kind":
            body["kinds"]["opera"] = film
        case "level":
            film["fields"]["year"]["long ago"] = film["fields"]["year"]["same"]
        case "m":
            film["fields"]["year"]["same"]["m"] = 0.0
        case "prior":
            film["prior"] = 1e9
        case "text":
            film["prior"] = "much"
        case _:
            del film["sets"]
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("format", "format 2, known is 1"),
        ("version", "a version of their own"),
        ("kind", "unknown kind opera"),
        ("level", "no comparison has the level year: long ago"),
        ("m", "m 0.0, u 0.1"),
        ("prior", "a prior of 1000000000.0 bits"),
        ("text", r"Expected `float`, got `str` - at `\$.kinds\[...\].prior`"),
        ("missing", "missing required field `sets`"),
    ],
)
def test_a_malformed_artefact_is_refused(change: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        artefact.decode(broken(change))


@pytest.mark.parametrize(
    "body", [None, b"", b"{", b"\xff", b"[]"], ids=["missing", "empty", "cut", "no text", "a list"]
)
def test_without_learned_weights_those_set_by_hand_decide(body: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "learned-9.json"
    if body is not None:
        path.write_bytes(body)
    with capture_logs() as logs:
        assert chosen("learned", path) is HAND_SET
    assert [(entry["log_level"], entry["instead"]) for entry in logs] == [("warning", HAND_SET.version)]
    with pytest.raises((OSError, ValueError)):
        read("learned", path)


def test_ours_can_be_read_and_only_has_aggregates() -> None:
    weights = read("learned")
    assert weights.version == LEARNED.stem
    assert {"movie", "series", "track"} <= weights.namesakes.keys()
    assert len(LEARNED.read_bytes()) < 64 * 1024
    assert chosen().version == (HAND_SET.version if CHOSEN == "hand" else LEARNED.stem)


def test_a_rare_name_says_more_than_a_frequent_one() -> None:
    weights = artefact.weights(learned())
    one, other = Features(an_item("Cedar", 1999)), Features(an_item("Cedar", 1999))

    def bits(namesakes: int) -> float:
        return score(one, other, weights, namesakes=namesakes).bits

    assert bits(1) == pytest.approx(bits(2) + 1.0) == pytest.approx(bits(8) + 3.0), "a bit for each doubling"
    assert bits(0) == pytest.approx(bits(2)), "not counted: as the mean name, by its length"
    rarer = Features(an_item("Cedar by the Quiet Sea", 1999))
    assert score(rarer, rarer, weights).bits > bits(0)
    assert score(one, rarer, weights, namesakes=8).bits == score(one, rarer, weights).bits, "the names are not equal"


def test_so_it_is_with_weights_set_by_hand() -> None:
    one = Features(an_item("Cedar", 1999))
    assert score(one, one, namesakes=1).bits == score(one, one).bits == score(one, one, namesakes=4).bits + 4.0
