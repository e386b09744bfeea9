"""Commands of many callers in one round trip.

While one round trip is under way, whoever comes waits and then shares the next one: a busy process uses one connection
and pays for one system call where it would pay for dozens, an idle one waits for nothing. Commands are carried out in
the order in which they came, those of `run` and those of `soon` alike.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError

from runtime import logging
from runtime.connections import redis
from runtime.connections.redis_link import RedisLink

_LOG = logging.get(__name__)
_SOON_SECONDS = 0.005
_MOST_AT_ONCE = 100


class Script:
    """A Lua script, sent by its hash."""

    def __init__(self, text: str) -> None:
        self.text = text
        # Redis names scripts by this hash; nothing depends on its strength.
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class _Waiting(NamedTuple):
    command: tuple[Any, ...]
    reply: "asyncio.Future[Any]"


class RedisBatches:
    """On a connection of its own, made like those of `client`. Not for blocking commands."""

    def __init__(self, client: redis.Redis) -> None:
        self._link = RedisLink(client)
        self._waiting: list[_Waiting] = []
        self._sender: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, *command: Any) -> Any:
        """The reply of one command. Raises redis.Error; the command may then have been carried out all the same."""
        reply = self._enqueue(command)
        self._start()
        return await reply

    def soon(self, *command: Any) -> None:
        """For a command whose reply nobody waits for: it goes with the next round trip, or with one of its own after a
        few milliseconds. When it fails, a log line says so."""
        self._enqueue(command).add_done_callback(_log_failure)
        if self._sender is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SOON_SECONDS, self._start)

    async def run_script(self, script: Script, keys: Sequence[str | bytes], args: Sequence[Any]) -> Any:
        """The reply of a script, which is loaded when the server does not know it. Raises redis.Error."""
        try:
            return await self.run("EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:
            return await self.run("EVAL", script.text, len(keys), *keys, *args)

    async def close(self) -> None:
        """Returns when everything has its reply."""
        self._start()
        if self._sender is not None:
            await self._sender
        await self._link.close()

    def _enqueue(self, command: tuple[Any, ...]) -> "asyncio.Future[Any]":
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(command, reply))
        return reply

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sender is None and self._waiting:
            self._sender = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                await self._send(batch)
        finally:
            # Only a batch that could not be sent leaves somebody waiting: nobody may wait for ever.
            for each in self._waiting:
                each.reply.cancel()
            self._waiting = []
            self._sender = None

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        replies: Sequence[Any]
        try:
            replies = await self._link.ask([each.command for each in batch])
        except redis.Error as error:
            replies = [error] * len(batch)
        except BaseException:
            for each in batch:
                each.reply.cancel()
            raise
        for each, reply in zip(batch, replies, strict=True):
            if each.reply.done():  # its caller went away
                continue
            if isinstance(reply, Exception):
                each.reply.set_exception(reply)
            else:
                each.reply.set_result(reply)


def _log_failure(reply: "asyncio.Future[Any]") -> None:
    if not reply.cancelled() and (error := reply.exception()) is not None:
        _LOG.warning("redis_command_failed", error=type(error).__name__)
