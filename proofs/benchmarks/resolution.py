"""Entity resolution over a large registry: 500,000 works made of real films' words and names, then a second provider.

The product's own lookup fills the registry, batch by batch and one transaction each, on one connection; then it decides
items of another provider: half of them works that are there, written a little differently, half new. What counts is the
second part, as the engine would call it (without Kafka and the outbox); memory is this process's, with everything that
was imported to measure it.
"""

import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice

import msgspec
import psycopg

from bootstrap.catalog_files import read_native
from devstack import assets
from proofs.evaluation.scratch import analyze, received, scratch_database
from proofs.figures import Figure
from runtime import settings as settings_module
from schemas.types.catalog import CanonicalItem, Person
from streams.engine.spec import Received
from streams.processors.entity_resolution.lookup import EntityResolution

WORKS = 500_000
ITEMS = 30_000
_BATCH = 1_000
_SLICE = 5_000
_SEED = 7
_ANALYZE_EVERY = 50_000
_GENRES = ("action", "comedy", "crime", "drama", "family", "horror", "romance", "thriller")
_BARS = {"speed": 1500.0, "memory": 500.0}


class Words(msgspec.Struct, frozen=True):
    """Heads and tails of real names, and real people."""

    heads: Sequence[str]
    tails: Sequence[str]
    people: Sequence[str]


def run(works: int = WORKS, items: int = ITEMS) -> list[Figure]:
    words = _words()
    lookup = EntityResolution()
    with scratch_database() as dsn, psycopg.connect(dsn) as connection:
        started = time.monotonic()
        for done, batch in enumerate(_batches("alpha", (work(words, number) for number in range(works))), 1):
            _decide(lookup, connection, batch)
            if done * _BATCH % _ANALYZE_EVERY == 0:
                analyze(connection)
                _say(f"{done * _BATCH:,} works, {done * _BATCH / (time.monotonic() - started):,.0f} a second")
        filled = works / (time.monotonic() - started)
        analyze(connection)
        rates, second = [], _batches("beta", (variant(words, number, works) for number in range(items)))
        while some := list(islice(second, _SLICE // _BATCH)):
            begun = time.perf_counter()
            for batch in some:
                _decide(lookup, connection, batch)
            rates.append(sum(map(len, some)) / (time.perf_counter() - begun))
        linked, wrong = _outcome(connection, works)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Figure.against(
            f"items against {works:,} titles", statistics.median(rates), "items/s", "≥", _BARS["speed"], len(rates)
        ),
        Figure.information("slowest 5,000 of them", min(rates), "items/s", len(rates)),
        Figure.against("memory of the process, most", memory, "MB", "≤", _BARS["memory"], 1),
        Figure.information("filling the registry from nothing", filled, "items/s", works),
        Figure.information("works found again", 100 * linked / (items / 2), "%", items // 2),
        Figure.information("items linked to another work", wrong, "items", items),
    ]


def work(words: Words, number: int) -> CanonicalItem:
    """The `number`-th work: always the same."""
    draw = random.Random(f"{_SEED}/{number}")
    cast = [Person(name=draw.choice(words.people), role="actor") for _ in range(4)]
    return _sealed(
        CanonicalItem(
            kind="movie",
            name=f"{draw.choice(words.heads)} {draw.choice(words.tails)}",
            year=draw.randint(1930, 2025),
            runtime_minutes=draw.randint(70, 180),
            genres=(draw.choice(_GENRES),),
            people=(Person(name=draw.choice(words.people), role="director"), *cast),
            content_hash="",
        )
    )


def variant(words: Words, number: int, works: int) -> CanonicalItem:
    """Even numbers: a work that is there, as another provider writes it. Odd ones: a new one."""
    if number % 2:
        return work(words, works + number)
    draw = random.Random(f"{_SEED}/variant/{number}")
    known = work(words, _place(number, works))
    name = draw.choice((known.name, known.name.upper(), known.name.replace(" and ", " & "), f"{known.name}!"))
    return _sealed(
        msgspec.structs.replace(
            known,
            name=name,
            year=(known.year or 0) + draw.choice((0, 0, 0, 1)),
            runtime_minutes=(known.runtime_minutes or 0) + draw.randint(-2, 2),
            people=known.people[: draw.randint(1, 4)],
        )
    )


def _place(number: int, works: int) -> int:
    return number * 7919 % works


def _words() -> Words:
    films = [item.body for item in read_native("wikidata", assets.movies_db(settings_module.home_from()))]
    names = [str(film["Title"]).split() for film in films]
    people = {name for film in films for name in str(film.get("Cast") or "").split(", ") if name}
    long = [words for words in names if len(words) > 1]
    return Words(
        heads=sorted({" ".join(words[: len(words) // 2]) for words in long}),
        tails=sorted({" ".join(words[len(words) // 2 :]) for words in long}),
        people=sorted(people),
    )


def _sealed(item: CanonicalItem) -> CanonicalItem:
    return msgspec.structs.replace(item, content_hash=sha256(msgspec.msgpack.encode(item)).hexdigest())


def _batches(provider: str, items: Iterator[CanonicalItem]) -> Iterator[list[Received]]:
    numbered = enumerate(items)
    while some := list(islice(numbered, _BATCH)):
        yield [received(provider, str(number), item, number) for number, item in some]


def _decide(lookup: EntityResolution, connection: psycopg.Connection, batch: Sequence[Received]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        lookup.decide(cursor, batch)


def _outcome(connection: psycopg.Connection, works: int) -> tuple[int, int]:
    """How many items of the second provider found their work, and how many another one."""
    with connection.transaction():
        rows = connection.execute(
            "SELECT b.native_id::integer, array_agg(a.native_id::integer) FROM provider_items AS b"
            " JOIN provider_items AS a ON a.title_id = b.title_id AND a.provider = 'alpha'"
            " WHERE b.provider = 'beta' GROUP BY 1"
        ).fetchall()
    right = sum(number % 2 == 0 and _place(number, works) in found for number, found in rows)
    return right, len(rows) - right


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
