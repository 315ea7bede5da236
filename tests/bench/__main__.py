"""The benchmark: ``python -m tests.bench``. ``make bench`` runs it.

It starts a durable PostgreSQL and a Redis of its own, measures, prints the report, and ends with 1 when a gate of the
report was measured and missed.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from base64 import b64encode
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from portal.embedded.addresses import APPLICATION, OWNER
from tests.own_services import own_services
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.own_services import OwnServices


def main(arguments: Sequence[str]) -> int:
    """Run the command; answers its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each cell of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 16, 64], help="numbers of callers at once")
    parser.add_argument("--write", type=Path, help="write the report to this file as well")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead")
    options = parser.parse_args(arguments)
    with own_services() as services:
        issuer = f"http://127.0.0.1:{free_port()}"
        os.environ.update(_environment(services, issuer))
        return _run(services, issuer, options)


def _environment(services: OwnServices, issuer: str) -> dict[str, str]:
    """What Django reads: an installation of this run's own, as in production."""
    return {
        "DJANGO_SETTINGS_MODULE": "portal.settings.base",
        "HANDOVER_ISSUER": issuer,
        "HANDOVER_KEK": b64encode(secrets.token_bytes(32)).decode(),
        "DATABASE_URL": services.postgres.url(APPLICATION),
        "DATABASE_OWNER_URL": services.postgres.url(OWNER),
        "REDIS_URL": services.redis.url(),
    }


def _run(services: OwnServices, issuer: str, options: argparse.Namespace) -> int:
    import django  # noqa: PLC0415 - the environment comes first

    django.setup()

    from django.core.management import call_command  # noqa: PLC0415

    from tests.bench import contenders, figures, generator, report  # noqa: PLC0415
    from tests.bench.session import Session  # noqa: PLC0415
    from tests.bench.stage import Stage  # noqa: PLC0415

    call_command("migrate", verbosity=0, interactive=False)
    with Stage(services) as stage:
        name, send = generator.chosen()
        session = Session(stage, [*contenders.exchanges(stage, issuer), contenders.toolkit(stage)], send)
        session.warm_up(max(options.concurrency))
        for number in range(options.rounds):
            _say(f"Round {number + 1} of {options.rounds}")
            session.round(tuple(options.concurrency), options.seconds, _say)
        ratios = figures.ratios(session)
        text = report.markdown(session, generator=name, seconds=options.seconds)
        if options.write:
            options.write.write_text(text, encoding="utf-8")
        shown = {"rows": [asdict(row) for row in figures.rows(session)], "ratios": [asdict(entry) for entry in ratios]}
        sys.stdout.write(json.dumps(shown | {"floors": figures.floors(session)}) if options.json else text)
    return int(any(not entry.passes for entry in ratios if entry.connections == figures.GATE_CONNECTIONS))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
