"""``manage.py demo_data``: the demo organisation, at the first start of a demo."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.demo import organisation


class Command(BaseCommand):
    """Safe to run at every start. Refuses to run anywhere but in a demo."""

    help = "Load the demo organisation (only where HANDOVER_DEMO is 1)."
    requires_system_checks = ()

    def handle(self, *_arguments: str, **_options: Any) -> None:
        try:
            has_changes = organisation.load()
        except organisation.NotADemo as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The demo organisation is ready." if has_changes else "The demo organisation was ready.")
