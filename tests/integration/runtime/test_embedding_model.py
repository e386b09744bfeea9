"""The real model: unit vectors, by sense, the same for the same text whatever else is in the batch."""

import numpy as np
import pytest

from devstack.assets import ensure_assets, model_folder
from runtime.embedding import Embedder, EmbeddingUnavailable
from runtime.settings import EmbeddingSettings, home_from


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    ensure_assets(home_from())
    return Embedder(EmbeddingSettings(model_path=model_folder(home_from())), cached_queries=2)


def test_like_senses_are_near(embedder: Embedder) -> None:
    found = embedder.documents(["a film about sharks", "robots in space", "a love story in Paris"])
    assert found.shape == (3, 384)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    for query, nearest in (("dangerous fish in the sea", 0), ("androids on a starship", 1), ("romance in France", 2)):
        assert int(np.argmax(found @ np.array(embedder.query(query)))) == nearest


def test_a_text_has_one_vector_whatever_its_batch(embedder: Embedder) -> None:
    texts = ["short", "a much longer text about a harbour and its pilot " * 4, "short"]
    together = embedder.documents(texts)
    assert together[0].tobytes() == together[2].tobytes() == embedder.documents(["short"])[0].tobytes()
    assert together[1].tobytes() == embedder.documents([texts[1]])[0].tobytes()


def test_recent_queries_are_kept_and_old_ones_forgotten(embedder: Embedder) -> None:
    first = embedder.query("one")
    assert embedder.query("one") is first
    embedder.query("two")
    embedder.query("three")
    assert embedder.query("one") is not first
    assert embedder.query("one") == first


def test_odd_and_huge_texts_have_vectors(embedder: Embedder) -> None:
    found = embedder.documents(["", "💩", "\u202eשלום", "x" * 1_000_000, "a\x00b"])
    assert np.isfinite(found).all()


def test_another_dimension_is_refused(embedder: Embedder) -> None:
    wrong = Embedder(EmbeddingSettings(model="m", dimension=8, model_path=model_folder(home_from())))
    with pytest.raises(EmbeddingUnavailable, match="384 numbers, not 8"):
        wrong.query("x")
