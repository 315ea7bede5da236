"""``manage.py populate``: what an installation has after years, into a database that exists to be measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.demo.population import Size, populate

if TYPE_CHECKING:
    from argparse import ArgumentParser


DEFAULTS: Final = {"partners": 2000, "mappings": 50_000, "exchanges": 1_000_000, "events": 5_000_000}


class Command(BaseCommand):
    """Refuses to run anywhere but in a demo, unless told that the database is one to be thrown away."""

    help = "Fill a scratch database with partners, mappings, exchanges and audit events, to measure pages with."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, default in DEFAULTS.items():
            parser.add_argument(f"--{name}", type=int, default=default, help=f"How many; {default:,} if left out.")
        parser.add_argument("--scratch", action="store_true", help="This database is to be thrown away afterwards.")

    def handle(self, *_arguments: str, **options: Any) -> None:
        if not (settings.HANDOVER.demo or options["scratch"]):
            raise CommandError(
                "HANDOVER_DEMO is not 1, and audit events can never be deleted again. Nothing was written."
                " Say --scratch if this database is to be thrown away afterwards."
            )
        size = Size(**{name: options[name] for name in DEFAULTS})
        if size.partners < 1 or min(size.mappings, size.exchanges) < 0 or size.exchanges > size.events:
            raise CommandError("--partners must be 1 or more, and --exchanges at most --events. Nothing was written.")
        try:
            count = populate(size, timezone.now())
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{size.partners:,} partners, {size.mappings:,} mappings and {count:,} events were added.")
