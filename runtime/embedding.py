"""Text to vectors with a local ONNX model; nothing is ever downloaded.

The folder holds `model.onnx`, `tokenizer.json`, `config.json`, `tokenizer_config.json` and `special_tokens_map.json`.
Vectors are float32 of unit length: mean pooling, then normalised, as sentence-transformers' MiniLM models are made for.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from runtime.settings import EmbeddingSettings

if TYPE_CHECKING:  # some 40 MB with the ONNX runtime; a process that knows the unit but never embeds does without
    from fastembed import TextEmbedding

Vectors = NDArray[np.float32]

FILES: Final = ("model.onnx", "tokenizer.json", "config.json", "tokenizer_config.json", "special_tokens_map.json")

_BATCH: Final = 1
"""Texts a run of the model. On one thread larger batches are no faster (1: 80 texts/s, 16: 84, 64: 55, more memory),
and alone a text always gives the same bytes: a replay makes the same event."""
_MAX_CHARACTERS: Final = 4000
"""The model reads 256 word pieces; without a cut the tokenizer would chew through a megabyte first."""


class EmbeddingUnavailable(Exception):
    """The model folder is missing, incomplete or of another dimension; the message says what to do."""


class Embedder:
    """Loads the model at first use and keeps it. Safe to call from several threads; one runs the model at a time."""

    def __init__(self, settings: EmbeddingSettings, *, cached_queries: int = 1024) -> None:
        self._settings = settings
        self._cached_queries = cached_queries
        self._queries: OrderedDict[str, tuple[float, ...]] = OrderedDict()
        self._lock = threading.Lock()
        self._model: TextEmbedding | None = None
        self._workers = ThreadPoolExecutor(settings.threads, thread_name_prefix="embedding")

    @property
    def model(self) -> str:
        """The id written into events."""
        return self._settings.model

    @property
    def dimension(self) -> int:
        return self._settings.dimension

    def check(self) -> None:
        """Raises EmbeddingUnavailable when a file of the model is missing. Does not load it."""
        folder = Path(self._settings.model_path)
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise EmbeddingUnavailable(
                f"embedding model {self.model}: {folder} lacks {', '.join(missing)}; "
                "run `make assets` or set MG_EMBEDDING_PATH to a folder that has them"
            )

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), in the order given. Blocks for about 12 ms a text of 40 words on one core."""
        found: Vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        with self._lock:
            model = self._loaded()

            def part(start: int) -> None:
                mine = [text[:_MAX_CHARACTERS] for text in texts[start :: self._settings.threads]]
                for place, vector in enumerate(model.embed(mine, batch_size=_BATCH)):
                    found[start + place * self._settings.threads] = vector

            # The model leaves the interpreter's lock while it computes; one text a run on one core each is as fast as
            # it gets (threads inside a run only pay off for longer texts).
            list(self._workers.map(part, range(min(self._settings.threads, len(texts)))))
        return found

    def query(self, text: str) -> tuple[float, ...]:
        """One vector, from a bounded cache of the most recent queries if it is there. Blocks for about 4 ms if not."""
        with self._lock:
            cached = self._queries.get(text)
            if cached is not None:
                self._queries.move_to_end(text)
                return cached
            vector = next(iter(self._loaded().embed([text[:_MAX_CHARACTERS]], batch_size=_BATCH)))
            found = tuple(vector.astype(np.float32).tolist())
            self._queries[text] = found
            while len(self._queries) > self._cached_queries:
                self._queries.popitem(last=False)
            return found

    def _loaded(self) -> "TextEmbedding":
        if self._model is None:
            self.check()
            self._model = self._load()
        return self._model

    def _load(self) -> "TextEmbedding":
        from fastembed import TextEmbedding  # noqa: PLC0415 - see above
        from fastembed.common.model_description import ModelSource, PoolingType  # noqa: PLC0415 - see above

        # fastembed keeps custom models in a list of the process: the folder is in the name so that two never mix.
        name = f"local/{self._settings.model}@{self._settings.model_path}"
        known = {description["model"].lower() for description in TextEmbedding.list_supported_models()}
        if name.lower() not in known:
            TextEmbedding.add_custom_model(
                model=name,
                pooling=PoolingType.MEAN,
                normalization=True,
                sources=ModelSource(hf="local/none"),
                dim=self.dimension,
                model_file="model.onnx",
            )
        # The arena never gives memory back: with texts of changing lengths it grows to several hundred megabytes.
        model = TextEmbedding(
            name,
            specific_model_path=str(self._settings.model_path),
            threads=1,
            enable_cpu_mem_arena=False,
        )
        produced = len(next(iter(model.embed(["dimension"], batch_size=1))))
        if produced != self.dimension:
            raise EmbeddingUnavailable(
                f"embedding model {self.model} makes vectors of {produced} numbers, not {self.dimension}: "
                "set MG_EMBEDDING_DIMENSION to it"
            )
        return model
