"""``demo-info``: the addresses, clients, secrets and sign-ins of the demo, for people and for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.demo import keepsakes, organisation
from portal.embedded.announcement import lines

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Only of the demo: its passwords are made to be shown."""

    help = "Print the demo's addresses, clients, secrets and sign-ins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="as one JSON object, for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.HANDOVER.demo:
            raise CommandError("This is not a demo installation (HANDOVER_DEMO is 0): there is nothing to show.")
        info = organisation.describe()
        self.stdout.write(
            json.dumps(info, indent=2) if options["json"] else "\n".join(lines(info, keepsakes.directory()))
        )
