"""An installation of a run's own: durable PostgreSQL, Redis, settings as in production, every table."""

from __future__ import annotations

import logging
import os
import secrets
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING

from portal.embedded.addresses import APPLICATION, OWNER
from tests.own_services import own_services
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.own_services import OwnServices


@contextmanager
def installed() -> Iterator[tuple[OwnServices, str]]:
    """The services and the issuer. Django is set up inside: what needs its models is imported there."""
    with own_services() as services:
        issuer = f"http://127.0.0.1:{free_port()}"
        os.environ.update(_environment(services, issuer))
        _migrate()
        yield services, issuer


def _migrate() -> None:
    import django  # noqa: PLC0415 - the environment comes first
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    call_command("migrate", verbosity=0, interactive=False)


def _environment(services: OwnServices, issuer: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "portal.settings.base",
        "HANDOVER_ISSUER": issuer,
        "HANDOVER_KEK": b64encode(secrets.token_bytes(32)).decode(),
        "DATABASE_URL": services.postgres.url(APPLICATION),
        "DATABASE_OWNER_URL": services.postgres.url(OWNER),
        "REDIS_URL": services.redis.url(),
    }
