"""One connection to Redis with the least there can be between it and the caller.

redis-py connects (addresses, TLS, authentication); from then on hiredis packs and parses, a whole batch at a time. That
takes 50 µs of a core for one command and 80 for ten, where the client takes 250 and 700: it starts a timer and several
coroutines a command.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from runtime.connections import redis

_READ_BYTES = 65_536


class RedisLink:
    """For one caller at a time. Connects when it is first used, and anew after a failure."""

    def __init__(self, client: redis.Redis) -> None:
        pool = client.connection_pool
        self._class = pool.connection_class
        # The second protocol: replies come one by one, and nothing else.
        self._options = pool.connection_kwargs | {"protocol": 2}
        self._seconds: float = pool.connection_kwargs.get("socket_timeout") or 1.0
        self._connection: Any = None
        self._replies = hiredis.Reader()

    async def ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Replies in the order of the commands; those that the server refuses are exceptions in their place.

        Raises redis.Error when the server is away or does not answer in time; the commands may then have been carried
        out all the same.
        """
        try:
            async with asyncio.timeout(self._seconds):
                reader, writer = await self._streams()
                writer.write(b"".join(map(hiredis.pack_command, commands)))
                found: list[Any] = []
                while len(found) < len(commands):
                    reply = self._replies.gets()
                    if reply is False:
                        data = await reader.read(_READ_BYTES)
                        if not data:
                            raise ConnectionError("closed by the server")
                        self._replies.feed(data)
                    else:
                        found.append(_refused(reply) if isinstance(reply, hiredis.ReplyError) else reply)
                return found
        except TimeoutError as error:
            await self.close()
            raise RedisTimeoutError(f"no answer within {self._seconds:g} s") from error
        except (OSError, hiredis.ProtocolError) as error:
            await self.close()
            raise RedisConnectionError(str(error)) from error
        except BaseException:
            # Replies of commands that were sent may still come: this connection must not be asked again.
            await self.close()
            raise

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connection is not None and self._connection._reader.at_eof():  # the server went away meanwhile
            await self.close()
        if self._connection is None:
            connection = self._class(**self._options)
            await connection.connect()  # type: ignore[no-untyped-call] # redis-py types it for callers of the client only
            self._connection, self._replies = connection, hiredis.Reader()
        return self._connection._reader, self._connection._writer


def _refused(reply: hiredis.ReplyError) -> ResponseError:
    text = str(reply)
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)
