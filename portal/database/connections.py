"""Database connections from URLs, with the timeouts that make a slow database shed load."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

CONNECT_TIMEOUT_SECONDS: Final = 1
STATEMENT_TIMEOUT_MS: Final = 2000
IDLE_IN_TRANSACTION_TIMEOUT_MS: Final = 60_000


def connection_parameters(url: str) -> dict[str, str]:
    """A ``postgresql://`` URL as libpq parameters. A ``host`` in the query may be a socket directory."""
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query))
    named = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    for name, value in named.items():
        if value is not None:
            parameters.setdefault(name, unquote(str(value)))
    parameters["dbname"] = unquote(parts.path.lstrip("/"))
    return parameters


def django_database(url: str) -> dict[str, Any]:
    """Django's ``DATABASES`` entry. Connections come from psycopg's pool: under ASGI none may be kept per thread."""
    parameters = connection_parameters(url)
    named = {key: parameters.pop(name, "") for key, name in _DJANGO_NAMES.items()}
    options: dict[str, Any] = {
        **parameters,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "tcp_user_timeout": 3000,
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}",
        "pool": {"min_size": 0, "max_size": 8, "timeout": CONNECT_TIMEOUT_SECONDS},
    }
    return {"ENGINE": "django.db.backends.postgresql", **named, "CONN_MAX_AGE": 0, "OPTIONS": options}


_DJANGO_NAMES: Final = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
