"""Bookmarks in PostgreSQL, and who may move them: one leader a provider, by an advisory lock of the session."""

import msgspec

from bootstrap.pulling.source import Bookmark
from runtime.connections import postgres
from runtime.sql import beside

_SQL = beside(__file__)


class LeadershipLost(Exception):
    """Another puller moved the bookmark, or the session that held the lock ended."""


class Bookmarks:
    """Of one provider, on one session of its own. Methods block and raise `postgres.Error` when the server is away."""

    def __init__(self, dsn: str, provider: str) -> None:
        self._provider = provider
        self._connection = postgres.connect_plain(dsn, f"mg-pull-{provider}")

    def become_leader(self) -> bool:
        """False while another session leads. The lock ends with the session, whatever ends it."""
        row = self._connection.execute(_SQL["become_leader"], {"provider": self._provider}).fetchone()
        return bool(row and row[0])

    def all(self) -> dict[str, Bookmark]:
        rows = self._connection.execute(_SQL["pull_bookmarks"], {"provider": self._provider})
        return {stream: msgspec.json.decode(text, type=Bookmark) for stream, text in rows}

    def begin(self, stream: str, bookmark: Bookmark) -> None:
        values = {"provider": self._provider, "stream": stream, "bookmark": _text(bookmark)}
        self._connection.execute(_SQL["first_pull_bookmark"], values)

    def move(self, stream: str, expected: Bookmark, to: Bookmark) -> None:
        """Raises LeadershipLost when it is not where it was read."""
        values = {"provider": self._provider, "stream": stream, "expected": _text(expected), "bookmark": _text(to)}
        if self._connection.execute(_SQL["move_pull_bookmark"], values).rowcount != 1:
            raise LeadershipLost(f"the bookmark of {self._provider} {stream} was moved by another puller")

    def close(self) -> None:
        self._connection.close()


def _text(bookmark: Bookmark) -> str:
    return msgspec.json.encode(bookmark).decode()
