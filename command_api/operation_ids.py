"""One operation id, one operation: which were accepted before, with which content, and where they stand in the log.

    claim ──► Claimed ──► settle(positions) ──► claimed again: the positions, and nothing is appended twice
                 │  └───► settle(none) (Kafka failed) ──► claimed again ──► Claimed
                 └─────── crashed: the lease ends     ──► claimed again ──► Claimed

The content's digest is kept from the first claim on, also when appending failed: it may be in the log already, so
another content under the same id would make two facts with one event id. All operations of a request are claimed, or
none, in the same round trip that takes the request out of its user's rate limit.

A user's operations of one day are the fields of one Redis hash, eight bytes of id and eight of digest each: an
operation takes 32 to 55 bytes, and a day is forgotten as a whole.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

import msgspec

from runtime.connections.redis_batches import RedisBatches, Script
from runtime.http.rate_limit import TAKE, Decision, Quota, decision_of

KEEP_DAYS: Final = 4
"""Whole days before today: between 96 and 120 hours."""
LEASE_SECONDS: Final = 30
"""How long an operation may be in the works; longer than the producer tries, so that a lease ends only by a crash."""
ID_BYTES: Final = 8
DIGEST_BYTES: Final = 8


class Once(msgspec.Struct, frozen=True, gc=False):
    """What may be accepted once: the operation, by the id of its event, and the digest of its content."""

    event_id: str
    digest: bytes

    @property
    def field(self) -> bytes:
        """Of one user's ids of five days, half of a UUID tells apart all but one pair in billions."""
        return UUID(self.event_id).bytes[:ID_BYTES]


class Limited(msgspec.Struct, frozen=True):
    """The user's rate limit is used up."""

    decision: Decision


class Conflicting(msgspec.Struct, frozen=True):
    """The operations at these places came with another content before. Nothing was claimed."""

    decision: Decision
    places: tuple[int, ...]


class InProgress(msgspec.Struct, frozen=True):
    """Another request with some of the operations has not finished. Nothing was claimed."""

    decision: Decision


class Claimed(msgspec.Struct, frozen=True):
    """The caller owns the operations whose place in `known` is None and must call `settle`; the others were accepted
    before, at `partition:offset`. `receipt` is for `settle`."""

    decision: Decision
    known: tuple[str | None, ...]
    receipt: bytes = b""


Claim = Limited | Conflicting | InProgress | Claimed


class OperationIds(Protocol):
    async def claim(self, user_id: str, quota: Quota, operations: Sequence[Once]) -> Claim:
        """Takes one request out of the user's rate limit and claims the operations, which differ in their ids.

        Raises `runtime.connections.redis.Error` when the store is away.
        """
        ...

    def settle(self, receipt: bytes, positions: Mapping[Once, str | None]) -> None:
        """What became of claimed operations: `partition:offset`, or None for those to be claimed again.

        Before every later claim of this process, and soon; nobody waits for it, since the log has what matters. When it
        fails, a repetition appends the same events under the same ids once the lease is over.
        """
        ...


_CLAIM = Script(
    TAKE
    + f"""
local took = take(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))
if took[1] == 0 then return {{'limited', took}} end
local count = (#ARGV - 3) / 2
if count == 0 then return {{'claimed', took, {{}}, ''}} end
local now = tonumber(redis.call('TIME')[1])
local today = math.floor(now / 86400)
local fields, known, others, busy = {{}}, {{}}, {{}}, false
for i = 1, count do fields[i] = ARGV[2 + 2 * i] end
for day = today, today - {KEEP_DAYS}, -1 do
  local values = redis.call('HMGET', KEYS[2] .. day, unpack(fields))
  for i = 1, count do known[i] = known[i] or values[i] end
end
for i = 1, count do
  local value = known[i]
  known[i] = ''
  if value then
    local state = string.sub(value, {DIGEST_BYTES + 1}, {DIGEST_BYTES + 1})
    local rest = string.sub(value, {DIGEST_BYTES + 2})
    if string.sub(value, 1, {DIGEST_BYTES}) ~= ARGV[3 + 2 * i] then others[#others + 1] = i - 1
    elseif state == 'P' then known[i] = rest
    elseif tonumber(rest) > now then busy = true end
  end
end
if #others > 0 then return {{'conflicting', took, others}} end
if busy then return {{'busy', took}} end
local mine = {{}}
for i = 1, count do
  if known[i] == '' then
    mine[#mine + 1] = fields[i]
    mine[#mine + 1] = ARGV[3 + 2 * i] .. 'L' .. (now + ARGV[3])
  end
end
local key = KEYS[2] .. today
if #mine > 0 then
  redis.call('HSET', key, unpack(mine))
  redis.call('EXPIRE', key, {(KEEP_DAYS + 1) * 86400})
end
return {{'claimed', took, known, key}}
"""
)


class RedisOperationIds:
    def __init__(
        self,
        redis: RedisBatches,
        service: str,
        *,
        prefix: str = "",
        lease_seconds: int = LEASE_SECONDS,
    ) -> None:
        self._redis = redis
        self._rates = f"{prefix}rate_limit:v1:{service}:"
        self._operations = f"{prefix}operations:v1:{service}:"
        self._lease = lease_seconds

    async def claim(self, user_id: str, quota: Quota, operations: Sequence[Once]) -> Claim:
        # Braces: in a cluster both keys of a user are in one place.
        keys = (f"{self._rates}{{{user_id}}}", f"{self._operations}{{{user_id}}}:")
        args: list[object] = [quota.interval_us, quota.burst, self._lease]
        for each in operations:
            args += (each.field, each.digest)
        state, took, *rest = await self._redis.run_script(_CLAIM, keys, args)
        decision = decision_of(took)
        match state:
            case b"limited":
                return Limited(decision)
            case b"conflicting":
                return Conflicting(decision, tuple(rest[0]))
            case b"busy":
                return InProgress(decision)
            case _:
                return Claimed(decision, tuple(place.decode() or None for place in rest[0]), rest[1])

    def settle(self, receipt: bytes, positions: Mapping[Once, str | None]) -> None:
        found: list[bytes] = []
        for each, position in positions.items():
            found += (each.field, each.digest + (b"L0" if position is None else b"P" + position.encode()))
        if found:
            self._redis.soon("HSET", receipt, *found)
