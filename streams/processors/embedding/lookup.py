"""The embedding decision: look up what is remembered, embed what changed, remember it; one transaction a batch."""

from collections.abc import Sequence
from typing import Protocol

from runtime.connections.postgres import Cursor
from runtime.embedding import Embedder, EmbeddingUnavailable, Vectors
from runtime.settings import Settings
from runtime.sql import beside
from streams.engine.outcome import FatalError, InvalidEvent
from streams.engine.spec import Decision, Received, Rejected
from streams.processors.embedding.transform import Remembered, TitleEvent, embedded, plan, title_event

_SQL = beside(__file__)
_PART = 8


class TextModel(Protocol):
    """What the lookup needs of an embedder."""

    @property
    def model(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def documents(self, texts: Sequence[str]) -> Vectors: ...


class EmbeddingLookup:
    def __init__(self, model: TextModel) -> None:
        self._model = model

    def decide(self, cursor: Cursor, batch: Sequence[Received]) -> Decision:
        decision = Decision()
        events: list[TitleEvent] = []
        for received in batch:
            try:
                events.append(title_event(received.event))
            except InvalidEvent as error:
                decision.rejected.append(Rejected(received, error))
        cursor.execute(_SQL["remembered_texts"], {"title_ids": sorted({event.title_id for event in events})})
        remembered = {title_id: Remembered(version, hash_) for title_id, version, hash_ in cursor}
        todo = plan(self._model.model, events, remembered)
        if todo.wanted:
            for start in range(0, len(todo.wanted), _PART):
                part = todo.wanted[start : start + _PART]
                vectors = self._embed([wanted.text for wanted in part])
                decision.events.extend(
                    embedded(wanted, self._model.model, self._model.dimension, vector.astype("<f4").tobytes())
                    for wanted, vector in zip(part, vectors, strict=True)
                )
                # On a machine with other things to do a batch may take longer than the server lets an idle transaction
                # be (8 s, against owners that froze). An owner that is at work says so.
                cursor.execute(_SQL["still_here"])
            # Sorted, so that two workers lock rows in one order.
            rows = sorted((wanted.title_id, wanted.version, wanted.text_hash) for wanted in todo.wanted)
            cursor.execute(
                _SQL["remember_texts"],
                {
                    "title_ids": [row[0] for row in rows],
                    "versions": [row[1] for row in rows],
                    "text_hashes": [row[2] for row in rows],
                },
            )
        if todo.forgotten:
            cursor.execute(_SQL["forget_texts"], {"title_ids": sorted(todo.forgotten)})
        return decision

    def _embed(self, texts: Sequence[str]) -> Vectors:
        try:
            return self._model.documents(texts)
        except EmbeddingUnavailable as error:
            raise FatalError(str(error)) from error


def create(settings: Settings) -> EmbeddingLookup:
    """Raises EmbeddingUnavailable at once when the model folder is incomplete; loads the model with the first text."""
    embedder = Embedder(settings.embedding, cached_queries=0)
    embedder.check()
    return EmbeddingLookup(embedder)
