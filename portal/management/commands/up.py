"""``up``: listed here for ``manage.py help``; ``manage.py`` runs it before Django is loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from portal.embedded import command

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Starts everything and keeps it running."""

    help = command.__doc__

    def add_arguments(self, parser: CommandParser) -> None:
        command.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        sys.exit(command.run(port=options["port"], reset=options["reset"], stop=options["stop"]))
