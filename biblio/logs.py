"""Structured logs on stderr: a constant event name and fields; never a token, an address or an answer.

Event names never hold a variable; what varies goes into fields, so that logs can be counted. A processor drops
fields whose names say that they hold a secret: a last net, not a licence to log them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import stamina.instrumentation
import structlog
from stamina.instrumentation import RetryDetails

_SECRET_WORDS = ("token", "secret", "password", "email", "address", "answer", "ballot", "comment", "authorization")


def _drop_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in [key for key in event if any(word in key.lower() for word in _SECRET_WORDS)]:
        event[name] = "(not logged)"
    return event


def configure(*, as_json: bool = False, level: str = "INFO") -> None:
    """Set up logging once per process: readable lines, or JSON lines for a log collector. Output goes to stderr."""
    # Plain tracebacks: the pretty ones print local variables, and those may hold settings and people.
    stamina.instrumentation.set_on_retry_hooks([_say_retry])
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _drop_secrets,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def be_quiet() -> None:
    """Log errors alone from here on: for commands asked to be quiet, which say in words of their own what went wrong."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def _say_retry(details: RetryDetails) -> None:
    get_logger(__name__).info("trying again", attempt=details.retry_num, wait_s=round(details.wait_for, 1))


def get_logger(name: str) -> Any:
    """Return a logger that writes events of the module ``name``."""
    return structlog.get_logger(module=name)
