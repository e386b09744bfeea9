"""What an embedder says when its model is not there."""

from pathlib import Path

import pytest

from runtime.embedding import FILES, Embedder, EmbeddingUnavailable
from runtime.settings import EmbeddingSettings


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    embedder = Embedder(EmbeddingSettings(model="tiny", model_path=tmp_path / "nothing"))
    for use in (embedder.check, lambda: embedder.query("x"), lambda: embedder.documents(["x"])):
        with pytest.raises(EmbeddingUnavailable, match=r"tiny.*nothing lacks model\.onnx.*MG_EMBEDDING_PATH"):
            use()


def test_an_incomplete_folder_names_the_missing_file(tmp_path: Path) -> None:
    for name in FILES[1:]:
        (tmp_path / name).write_text("{}")
    with pytest.raises(EmbeddingUnavailable, match=r"lacks model\.onnx;"):
        Embedder(EmbeddingSettings(model_path=tmp_path)).check()
