"""Who is compared. `share` of the job's events is what a slow one gets: the rate is what counts."""

from typing import Final, Literal

from msgspec import Struct

Kind = Literal["ours", "peer", "limit"]


class Contender(Struct, frozen=True):
    """`module` of this package, started with the job and `arguments`; `quix` runs in an environment of its own."""

    name: str
    kind: Kind
    module: str
    arguments: tuple[str, ...] = ()
    share: float = 1.0


INTO_POSTGRES: Final = (
    Contender("our materializer engine", "ours", "ours_materializer"),
    Contender("aiokafka getmany, psycopg executemany", "peer", "aiokafka_executemany"),
    Contender("Quix Streams, PostgreSQL sink", "peer", "quix", ("sink",)),
    Contender("Faust, take and executemany", "peer", "faust_agent", ("take",), 0.25),
    Contender("Faust, one upsert an event", "peer", "faust_agent", ("upsert",), 0.01),
    Contender("consume", "limit", "limits", ("consume",)),
    Contender("consume and decode", "limit", "limits", ("decode",)),
    Contender("consume, decode and COPY", "limit", "limits", ("copy",)),
)
INTO_KAFKA: Final = (
    Contender("our processor engine", "ours", "ours_processor", (), 0.25),
    Contender("Faust, one send an event", "peer", "faust_agent", ("send",), 0.1),
    Contender("confluent loop", "peer", "confluent_loop"),
    Contender("Quix Streams, to a topic", "peer", "quix", ("send",), 0.5),
)
