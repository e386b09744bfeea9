"""Commands of `mg device`: a person with a device in hand, in words."""

import asyncio
import contextlib
import json
import re
import shlex
from collections.abc import Callable
from typing import Final

from sync_client import DeviceCommand, Progress, SyncClient, SyncClientError

HELP: Final = """\
add TITLE [PLACE]              put on the watchlist, at its end or at number PLACE
remove TITLE                   take off the watchlist
move TITLE PLACE               to number PLACE
watch TITLE POSITION [LENGTH]  stop at POSITION (seconds, m:ss or h:mm:ss)
watched TITLE, unwatched TITLE mark
prefer NAME VALUE              set a preference (JSON or a word); null takes it back
offline, online                stop and start syncing
sync                           send and fetch once, and say how it went
wait                           until everything is sent and seen
show                           what this device shows, and what waits
dismiss                        forget what was rejected
quit"""
_TIME: Final = re.compile(r"(?:(\d{1,3}):)?(?:(\d{1,5}):)?(\d{1,7}(?:\.\d{1,3})?)")


class Misunderstood(Exception):
    """The line is no command; the message says what is wrong with it."""


class Shell:
    """`say` shows a line. `quitting` is true after `quit`; `failures` counts lines that did not work."""

    def __init__(self, client: SyncClient, say: Callable[[str], None]) -> None:
        self._client = client
        self._say = say
        self._syncing: asyncio.Task[None] | None = None
        self._shown = self._visible()
        self.quitting = False
        self.failures = 0

    @property
    def online(self) -> bool:
        return self._syncing is not None

    async def execute(self, line: str) -> None:
        try:
            words = shlex.split(line, comments=True)
            if words:
                await self._command(words[0].lower(), words[1:])
        except (SyncClientError, Misunderstood, ValueError) as error:
            self.failures += 1
            self._say(f"! {error}")
        self._shown = self._visible()

    async def go_offline(self) -> None:
        syncing, self._syncing = self._syncing, None
        if syncing is not None:
            syncing.cancel()
            await asyncio.gather(syncing, return_exceptions=True)

    def changed(self) -> None:
        """Says what looks different, when it was not this device that did it."""
        before, self._shown = self._shown, self._visible()
        for old, new in zip(before, self._shown, strict=True):
            if old != new:
                self._say(f"~ {new}")

    def told(self, command: DeviceCommand) -> None:
        about = " ".join(
            part
            for part in (command.title_id, command.position_ms is not None and clock_of(command.position_ms))
            if part
        )
        self._say(f"~ {command.device_id} asks: {command.command} {about}".rstrip())

    async def _command(self, name: str, words: list[str]) -> None:
        client = self._client
        match name, words:
            case "add", [title]:
                client.add(title)
            case "add", [title, place]:
                client.add(title, _place(place))
            case "remove", [title]:
                client.remove(title)
            case "move", [title, place]:
                client.move(title, _place(place))
            case "watch", [title, position]:
                client.set_progress(title, _milliseconds(position))
            case "watch", [title, position, length]:
                client.set_progress(title, _milliseconds(position), _milliseconds(length))
            case "watched", [title]:
                client.mark_watched(title)
            case "unwatched", [title]:
                client.mark_unwatched(title)
            case "prefer", [preference, value]:
                client.set_preference(preference, _value(value))
            case _:
                await self._about_syncing(name, words)

    async def _about_syncing(self, name: str, words: list[str]) -> None:
        match name, words:
            case "online", []:
                await self._go_online()
            case "offline", []:
                await self.go_offline()
            case "sync", []:
                await self._sync()
            case "wait", []:
                await self.wait()
            case "show", []:
                self._show()
            case "dismiss", []:
                for rejected in self._client.rejected():
                    self._client.dismiss(rejected.operation_id)
            case "help", []:
                self._say(HELP)
            case (("quit" | "exit"), []):
                self.quitting = True
            case _:
                known = next((line.strip() for line in HELP.splitlines() if line.split()[0].strip(",") == name), None)
                raise Misunderstood(
                    f"use: {' '.join(known.split())}" if known else f"no command {name!r}; `help` lists them"
                )

    async def _go_online(self) -> None:
        if self._syncing is None:
            self._syncing = asyncio.create_task(self._client.run())
            self._syncing.add_done_callback(self._ended)
            await asyncio.sleep(0)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._say(f"! offline: {error}")
            self.failures += 1
            if self._syncing is task:
                self._syncing = None

    async def _sync(self) -> None:
        sent = await self._client.flush(patience=5)
        await self._client.pull(patience=5)
        rejected = f", {sent.rejected} rejected" if sent.rejected else ""
        self._say(f"sent {sent.accepted}{rejected}; up to date")

    async def wait(self, seconds: float = 60.0) -> None:
        """Until nothing waits. Raises Misunderstood when that does not happen."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.online:
                    status = self._client.status()
                    if status.pulled and not status.waiting and not status.accepted:
                        return
                    await asyncio.sleep(0.02)
        if not self.online:
            raise Misunderstood("offline; `online` first")
        raise Misunderstood(f"not done after {seconds:g} s: {self._client.status().trouble or 'still trying'}")

    def _show(self) -> None:
        status = self._client.status()
        for line in self._visible():
            self._say(line)
        if status.pulled or status.waiting:
            self._say(f"watched: {', '.join(self._client.watched()) or 'nothing'}")
        for name, value in self._client.preferences().items():
            self._say(f"prefers: {name} = {json.dumps(value, ensure_ascii=False)}")
        for rejected in self._client.rejected():
            self._say(f"rejected: {rejected.operation.subject[1]} ({rejected.reason})")
        where = "live" if status.live else "online" if self.online else "offline"
        trouble = f" ({status.trouble})" if status.trouble else ""
        self._say(f"{where}{trouble}; {status.waiting} to send, {status.accepted} sent and not seen yet")

    def _visible(self) -> tuple[str, str]:
        titles = ", ".join(f"{number} {title}" for number, title in enumerate(self._client.watchlist(), 1))
        going_on = ", ".join(map(_described, self._client.continue_watching()))
        return f"watchlist: {titles or 'empty'}", f"continue: {going_on or 'nothing'}"


def _described(progress: Progress) -> str:
    length = f" of {clock_of(progress.duration_ms)}" if progress.duration_ms else ""
    return f"{progress.title_id} at {clock_of(progress.position_ms or 0)}{length}"


def clock_of(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _milliseconds(text: str) -> int:
    found = _TIME.fullmatch(text)
    if not found:
        raise Misunderstood(f"{text!r} is no time: seconds, m:ss or h:mm:ss")
    parts = [part for part in found.groups() if part is not None]
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + float(part)
    return round(seconds * 1000)


def _place(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:9]) < 1:
        raise Misunderstood(f"{text!r} is no place: 1 is the first")
    return int(text[:9]) - 1


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
