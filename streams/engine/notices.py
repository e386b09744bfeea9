"""What a materializer tells live listeners: the contract's notices over the runtime's publisher."""

from collections.abc import Iterable, Mapping, Sequence

from runtime.connections.notices import Publisher
from runtime.settings import Settings
from schemas.read_models import notices
from schemas.read_models.notices import LiveRow, Moved
from streams.engine.spec import Advance


class Announcer:
    """The notices of one read model, sent by its only writer's thread and after the commit. Never raises."""

    def __init__(self, settings: Settings, read_model: str) -> None:
        self._read_model = read_model
        self._channel = notices.channel(read_model)
        self._publisher = Publisher(settings.redis_url, read_model, prefix=settings.topic_prefix)

    def applied(self, advances: Iterable[Advance], rows: Sequence[LiveRow] | None) -> None:
        """A batch is in. `rows` are those that changed, as they are now; None when they are too many to tell."""
        self._tell(tuple(Moved(a.topic, a.partition, a.expected, a.next) for a in advances), rows)

    def found(self, positions: Mapping[tuple[str, int], int]) -> None:
        """An owner begins at these positions. Whoever missed the last notices of the one before learns it from this."""
        if positions:
            self._tell(tuple(Moved(*partition, next_, next_) for partition, next_ in positions.items()), ())

    def close(self) -> None:
        self._publisher.close()

    def _tell(self, moved: tuple[Moved, ...], rows: Sequence[LiveRow] | None) -> None:
        self._publisher.publish(self._channel, notices.encode(self._read_model, moved, rows))
