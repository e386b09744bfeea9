"""Structured logs: one JSON object a line, an event name and keys, never a sentence made of values."""

import logging
import sys
from typing import Any

import structlog

Logger = structlog.stdlib.BoundLogger


def configure(level: str = "info", style: str = "json", **bound: Any) -> None:
    """Sets up structlog and sends the standard library's records the same way. `style`: json or console."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if style == "json"
        # Plain tracebacks: the pretty ones print local variables, and those hold bodies, headers and secrets.
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("faust", "mode", "aiokafka", "httpx", "httpcore", "uvicorn", "kafka", "asyncio", "urllib3"):
        logging.getLogger(chatty).setLevel("WARNING" if level == "info" else level.upper())
    # Their finer lines quote addresses with the query, where a token may be, and headers.
    for telling in ("uvicorn", "uvicorn.error", "websockets", "websockets.server"):
        logging.getLogger(telling).setLevel("WARNING")
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**bound)


def get(name: str) -> Logger:
    logger: Logger = structlog.stdlib.get_logger(name)
    return logger
