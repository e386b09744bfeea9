"""The picture of an evening is a PNG; without the library one line says so before anything starts."""

import importlib.util
from pathlib import Path

import pytest

from proofs.load import picture
from proofs.load.minutes import minute
from proofs.load.requests import Answer
from proofs.system import SystemFailed


def test_a_picture(tmp_path: Path) -> None:
    picture.require()
    path = tmp_path / "of" / "evening.png"
    answers = [Answer("playback", "playback", 0.02, 202, 30)]  # of the other kinds nothing is known
    picture.draw([minute(60.0 * number, answers, [], {"services": 10_000_000}) for number in (1, 2)], path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n")


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemFailed, match="matplotlib"):
        picture.require()
