"""Trends and positions into Redis, both in one script (`apply.lua`): all of a batch or nothing, as in a transaction.

In order, in the script:
1. when another version is serving by now, a rebuild switched: Fenced;
2. a position that is not where this owner believes it is means another owner was here, or that Redis lost what it had:
   Fenced. The engine asks for the positions again; an emptied Redis has none, so that it starts at the beginning;
3. write what is newer than what is there;
4. move the positions.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from runtime import metrics
from runtime.connections import redis
from runtime.connections.versions import VersionNotCompleteError, until_complete
from runtime.settings import Settings
from schemas.read_models import trending
from schemas.read_models.trending import READ_MODEL, SERVING_KEY
from streams.engine.outcome import Fenced, TransientError
from streams.engine.spec import Advance, Complete, StoreContext, at_once
from streams.materializers.trending.transform import TrendWrite

_SCRIPT = Path(__file__).with_name("apply.lua").read_text()
_OTHER_VERSION = b"version"
_SCANNED = 500


class RedisTrendStore:
    def __init__(self, context: StoreContext) -> None:
        self._context = context
        self._client = redis.blocking_client(context.settings.redis_url, f"mg-materializer-{READ_MODEL}")
        self._script = self._client.register_script(_SCRIPT)
        self._version = context.version or 0

    def positions(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        try:
            self._version = self._context.version or _serving(self._client)
            found = cast("dict[bytes, bytes]", self._client.hgetall(trending.positions_key(self._version)))
        except redis.Error as error:
            raise _sorted(error) from error
        known = trending.next_offsets(found)
        return {partition: known[partition] for partition in partitions if partition in known}

    def apply(self, writes: Sequence[TrendWrite], advances: Sequence[Advance]) -> None:
        version = self._version
        held = "" if self._context.version else version
        keys = [SERVING_KEY, trending.positions_key(version), trending.places_key(version)]
        arguments: list[Any] = [held, len(advances)]
        for move in advances:
            arguments += [trending.position_field(move.topic, move.partition), move.expected, move.next]
        for write in newest(writes):
            keys.append(trending.key(version, write.trend.region, write.trend.window))
            arguments += [*write.order, msgspec.json.encode(write.trend)]
        try:
            refused = cast("bytes", self._script(keys, arguments))
        except redis.Error as error:
            raise _sorted(error) from error
        if refused == _OTHER_VERSION:
            raise Fenced(f"{READ_MODEL} is no longer served from version {version}")
        if refused:
            raise Fenced(f"{READ_MODEL}_v{version} {refused.decode()} is not where it was")

    def close(self) -> None:
        self._client.close()


class RedisVersions:
    """Versions of a rebuild: keys beside the serving ones, switched by one more key, deleted afterwards."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.redis_url

    def serving(self) -> int:
        with self._connect() as client:
            return _serving(client)

    def create(self, version: int) -> None:
        self.drop(version)

    def switch(self, version: int, complete: Complete = at_once) -> None:
        """From this moment on; the writer of the old version is fenced by its next batch. Nobody can be held back here:
        when it wrote one while we asked, we ask again."""
        with self._connect() as client, client.pipeline() as pipeline:
            until_complete(lambda: _switch(client, pipeline, version, complete))

    def drop(self, version: int) -> None:
        with self._connect() as client:
            for key in client.scan_iter(match=trending.key(version, "*", "*"), count=_SCANNED):
                client.unlink(key)
            client.unlink(trending.positions_key(version), trending.places_key(version))

    def _connect(self) -> redis.Blocking:
        return redis.blocking_client(self._url, f"mg-rebuild-{READ_MODEL}")


def _switch(client: redis.Blocking, pipeline: redis.Pipeline, version: int, complete: Complete) -> None:
    pipeline.watch(SERVING_KEY, trending.positions_key(_serving(client)))  # type: ignore[no-untyped-call]  # no types
    try:
        if complete():
            pipeline.multi()
            pipeline.set(SERVING_KEY, version)
            pipeline.execute()
            return
    except redis.WatchError:
        pass
    finally:
        pipeline.reset()
    raise VersionNotCompleteError(f"{READ_MODEL}: version {version} does not come up with the log")


def newest(writes: Iterable[TrendWrite]) -> list[TrendWrite]:
    """What wins of each region and window."""
    folded: dict[tuple[str, str], TrendWrite] = {}
    for write in writes:
        key = (write.trend.region, write.trend.window)
        known = folded.get(key)
        if known is None or write.order > known.order:
            folded[key] = write
    return list(folded.values())


def _serving(client: redis.Blocking) -> int:
    return trending.serving_version(cast("bytes | None", client.get(SERVING_KEY)))


def _sorted(error: redis.Error) -> Exception:
    if redis.is_transient(error):
        metrics.BATCHES_RETRIED.labels(READ_MODEL, "redis").inc()
        return TransientError(f"redis: {error}".strip())
    return error


def create(context: StoreContext) -> RedisTrendStore:
    return RedisTrendStore(context)
