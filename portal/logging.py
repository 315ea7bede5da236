"""Log lines: one JSON object each, to standard error, with no way for a secret to ride along.

Exceptions are shown as a chain of types, messages and places. Local variables are never shown: a frame of the lane
holds the caller's Authorization header (CWE-532). The processor ``redact`` is a backstop for what should not come here.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import Processor

_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")
_LINK: Final = re.compile(r"(/(?:invitation|welcome)/)[A-Za-z0-9_-]{16,}")
"""A link whose address alone lets somebody in: Django names the address of each request that it refuses."""
_SECRET_NAMES: Final = frozenset(
    {
        "authorization",
        "password",
        "secret",
        "client_secret",
        "token",
        "subject_token",
        "actor_token",
        "client_assertion",
        "access_token",
        "refresh_token",
        "cookie",
        "dpop",
    }
)
REDACTED: Final = "[redacted]"


def redact(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001
    """Blank what is named like a secret, and whatever looks like a JWT or lets somebody in, in any text."""
    for name, value in event.items():
        if name.lower() in _SECRET_NAMES:
            event[name] = REDACTED
        elif isinstance(value, str):
            event[name] = _LINK.sub(rf"\1{REDACTED}", _TOKEN.sub(REDACTED, value))
    return event


def _json(event: object, **options: Any) -> str:  # noqa: ANN401 - structlog's serializer contract
    return orjson.dumps(event, default=options.get("default", str)).decode()


_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    redact,
]


def configure_structlog() -> None:
    """Send structlog's lines to standard error as JSON. Called once, when settings are read."""
    structlog.configure(
        processors=[*_SHARED, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": [structlog.stdlib.add_logger_name, *_SHARED],
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_json),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}
"""The standard library's loggers (Django's, Celery's, libraries') in the same form."""
