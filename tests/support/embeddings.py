"""Embeddings for tests: short vectors, made by hand."""

import struct
from collections.abc import Sequence

from schemas.envelope import derived_id
from schemas.types.catalog import TitleEmbedded
from tests.support.titles import WHEN

MODEL = "test-model"
DIMENSION = 4


def embedded(
    title_id: str, version: int = 1, vector: Sequence[float] = (1.0, 0.0, 0.0, 0.0), model: str = MODEL
) -> TitleEmbedded:
    return TitleEmbedded(
        event_id=derived_id(title_id, "test-embedding", version),
        occurred_at=WHEN,
        title_id=title_id,
        version=version,
        model=model,
        dimension=len(vector),
        text_hash=f"hash-{title_id}-{version}",
        vector=struct.pack(f"<{len(vector)}f", *vector),
    )
