import hashlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.types.catalog import CanonicalItem, ExternalId, Offer, Person
from streams.processors.normalization.content_hash import content_hash

ITEM = CanonicalItem(
    kind="movie",
    name="The Long Test",
    alternate_names=("Long Test", "Der lange Test"),
    year=1999,
    genres=("drama", "comedy", "crime"),
    people=(Person(name="Ana Lima", role="director"), Person(name="Bo Chen", role="actor")),
    countries=("FR", "DE"),
    external_ids=(ExternalId(source="imdb", value="tt1234567"), ExternalId(source="tmdb", value="9")),
    offers=(
        Offer(provider="hulu", region="US", type="subscription"),
        Offer(provider="hulu", region="CA", type="subscription"),
    ),
    content_hash="",
)


def test_is_sha256_in_hex_and_does_not_read_itself() -> None:
    found = content_hash(ITEM)
    assert len(bytes.fromhex(found)) == 32
    assert content_hash(msgspec.structs.replace(ITEM, content_hash=found)) == found


@given(st.randoms())
def test_order_without_meaning_does_not_matter(random) -> None:  # type: ignore[no-untyped-def]  # hypothesis' Random
    shuffled = {}
    for name in ("alternate_names", "genres", "countries", "external_ids", "offers"):
        entries = list(getattr(ITEM, name))
        random.shuffle(entries)
        shuffled[name] = tuple(entries)
    assert content_hash(msgspec.structs.replace(ITEM, **shuffled)) == content_hash(ITEM)


def test_order_of_credits_matters() -> None:
    turned = msgspec.structs.replace(ITEM, people=ITEM.people[::-1])
    assert content_hash(turned) != content_hash(ITEM)


def test_every_field_counts() -> None:
    changes = {
        "kind": "series", "name": "x", "original_name": "x", "alternate_names": ("x",), "year": 1, "release_date": "x",
        "runtime_minutes": 1, "series_name": "x", "season_number": 0, "episode_number": 0, "genres": ("x",),
        "unknown_genres": ("x",), "people": (), "overview": "x", "languages": ("x",), "countries": ("x",),
        "external_ids": (), "offers": (), "popularity": 0.0,
    }  # fmt: skip
    hashes = {content_hash(msgspec.structs.replace(ITEM, **{name: value})) for name, value in changes.items()}
    assert len(hashes | {content_hash(ITEM)}) == len(changes) + 1


def test_the_hash_is_the_same_tomorrow() -> None:
    # A changed value here means that every item of every provider counts as changed after the next release.
    plain = CanonicalItem(kind="movie", name="Test", year=1999, content_hash="")
    canonical = b'{"kind":"movie","name":"Test","year":1999}'
    assert content_hash(plain) == hashlib.sha256(canonical).hexdigest()
