"""Log lines: JSON with an event name, the same from the standard library, and no local variables in tracebacks."""

import json
import logging as standard
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from runtime import logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is configured for the whole process; other tests get back what they had."""
    root = standard.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    levels = {name: standard.getLogger(name).level for name in standard.root.manager.loggerDict}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()
    for name in standard.root.manager.loggerDict:
        standard.getLogger(name).setLevel(levels.get(name, standard.NOTSET))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_is_one_object_with_event_keys_and_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("info", "json", process="test")
    logging.get("here").info("event_seen", title="Amélie\nline two", count=2)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "event_seen", "title": "Amélie\nline two", "count": 2, "level": "info", "process": "test",
    }  # fmt: skip


def test_records_of_the_standard_library_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("info", "json", process="test")
    standard.getLogger("some.library").warning("disk %s full", "nearly")
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["process"]) == ("disk nearly full", "warning", "test")


def test_levels_and_chatty_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("info", "json")
    logging.get("here").debug("hidden")
    standard.getLogger("httpx").info("GET http://…?token=1")
    assert lines(capsys) == []
    logging.configure("debug", "json")
    logging.get("here").debug("shown")
    assert [line["event"] for line in lines(capsys)] == ["shown"]


def test_configuring_again_replaces_the_handler(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure()
    logging.configure()
    logging.get("here").info("once")
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize("style", ["json", "console"])
def test_tracebacks_show_no_local_variables(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("info", style)

    def fails() -> None:
        local = "whsec_" + "hidden"
        raise ValueError(len(local))

    try:
        fails()
    except ValueError:
        logging.get("here").exception("it_failed")
    text = capsys.readouterr().err
    assert "it_failed" in text
    assert "ValueError: 12" in text
    assert "whsec_hidden" not in text
