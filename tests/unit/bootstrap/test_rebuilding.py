"""The order of a rebuild, and that nothing switches when filling fails."""

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap import rebuilding
from bootstrap.rebuilding import RebuildError, rebuild_read_model
from runtime.health import UnitHealth
from runtime.settings import Settings
from streams.engine.outcome import FatalError, TransientError
from streams.engine.spec import Complete, MaterializerSpec, StoreContext, at_once
from tests.support import webhooks


class Stage:
    """A read model whose versions and materializer are of paper; `steps` is what was done, in order."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.said: list[str] = []
        self.context: StoreContext | None = None
        self.group = ""
        self.fail: BaseException | None = None
        self.caught_up: Iterator[bool | Exception] = iter([False, TransientError("kafka is away"), True])
        self.health: UnitHealth | None = None

    def sleep(self, seconds: float) -> None:
        if seconds > 1:
            self.steps.append(f"wait {seconds}")
        threading.Event().wait(0.001)

    def spec(self) -> MaterializerSpec:
        return MaterializerSpec("title_catalog", lambda *_: (), self.store, lambda _: Versions(self), "", "")

    def store(self, context: StoreContext) -> Any:
        self.context = context
        return None


class Versions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def serving(self) -> int:
        return 4

    def create(self, version: int) -> None:
        self._stage.steps.append(f"create {version}")

    def switch(self, version: int, complete: Complete = at_once) -> None:
        assert complete is not at_once, "the materializer is asked"
        self._stage.steps.append(f"switch {version}")

    def drop(self, version: int) -> None:
        self._stage.steps.append(f"drop {version}")


def paper_materializer(stage: Stage) -> Callable[..., Any]:
    class PaperMaterializer:
        def __init__(
            self, _spec: Any, _store: Any, _settings: Settings, _producer: Any, health: UnitHealth, *, group: str
        ) -> None:
            self._stopped = threading.Event()
            self._health = health
            stage.group = group

        def run(self) -> None:
            if stage.fail is not None:
                raise stage.fail
            self._health.progressed(7, 1.0)
            self._stopped.wait(5)
            stage.steps.append("filled")

        def stop(self) -> None:
            self._stopped.set()

        def caught_up(self) -> bool:
            found = next(stage.caught_up)
            if isinstance(found, Exception):
                raise found
            return found

    return PaperMaterializer


class PaperProducer:
    def __init__(self, *_: Any) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr(rebuilding, "Materializer", paper_materializer(stage))
    monkeypatch.setattr(rebuilding, "EventProducer", PaperProducer)
    monkeypatch.setattr("bootstrap.rebuilding.units.materializer", lambda _: stage.spec())
    monkeypatch.setattr("bootstrap.rebuilding.time.sleep", stage.sleep)
    return stage


def test_fill_then_switch_then_drop_after_a_grace_period(stage: Stage, tmp_path: Path) -> None:
    settings = webhooks.settings(tmp_path, group_prefix="mg-")
    assert rebuild_read_model("title_catalog", settings, stage.said.append).version == 5
    assert stage.steps == [
        "create 5",
        "switch 5",
        "filled",
        "wait 6.0",
        "drop 4",
    ]
    assert stage.group == "mg-title-catalog-v5", "a group of its own: the serving one must not rebalance"
    assert stage.context == StoreContext(settings, "title_catalog", 5)
    assert stage.said[0] == "title_catalog: filling version 5 beside version 4"
    assert stage.said[1].startswith("title_catalog: switched to version 5; 7 events in ")
    assert stage.said[2] == "title_catalog: dropped version 4"


def test_the_old_version_can_be_kept(stage: Stage, tmp_path: Path) -> None:
    rebuild_read_model("title_catalog", webhooks.settings(tmp_path), stage.said.append, keep_old=True)
    assert stage.steps == ["create 5", "switch 5", "filled"], "it goes on until it serves"


def test_a_failure_while_filling_switches_nothing(stage: Stage, tmp_path: Path) -> None:
    stage.fail = FatalError("5000 invalid events in a row")
    stage.caught_up = itertools.repeat(False)
    with pytest.raises(RebuildError, match="title_catalog: 5000 invalid events in a row") as caught:
        rebuild_read_model("title_catalog", webhooks.settings(tmp_path), stage.said.append)
    assert caught.value.__cause__ is stage.fail
    assert stage.steps == ["create 5"]


def test_an_error_while_waiting_stops_the_materializer(stage: Stage, tmp_path: Path) -> None:
    stage.caught_up = iter([False, KeyError("a bug")])
    with pytest.raises(KeyError):
        rebuild_read_model("title_catalog", webhooks.settings(tmp_path), stage.said.append)
    assert stage.steps == ["create 5", "filled"]
    assert all(not thread.name.startswith("rebuild:") for thread in threading.enumerate())


def test_an_unknown_read_model(tmp_path: Path) -> None:
    with pytest.raises(RebuildError, match="no read model called nonsense"):
        rebuild_read_model("nonsense", webhooks.settings(tmp_path), print)
