"""``manage.py drift``: say how the configuration in force and YAML documents differ, both ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import CommandError
from django.db import OperationalError

from audit.events import SYSTEM
from partners.errors import ConfigurationError
from portal.documents.command import DocumentsCommand, documents_of
from portal.documents.drifting import drift
from portal.documents.errors import DocumentsRefused

if TYPE_CHECKING:
    from argparse import ArgumentParser

DIFFERENT: Final = 2


class Command(DocumentsCommand):
    """Nothing is written. Exits with 2 where the two differ, and with 1 where the files could not be applied."""

    help = "Compare configuration documents with what is in force (docs/configuration.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--partner", metavar="NAME", help="In force, look at this partner's and its targets only.")
        parser.add_argument("--json", action="store_true", help="Print the differences as JSON.")

    def handle(self, *_arguments: str, **options: Any) -> None:
        try:
            found = drift(documents_of(options), SYSTEM, partner=options["partner"] or "")
        except DocumentsRefused as refused:
            raise CommandError(f"{refused}\nThe files could not be applied, so they were not compared.") from refused
        except (ConfigurationError, OperationalError) as error:
            raise CommandError(f"Nothing was compared: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(found.document(), indent=2, ensure_ascii=False))
        else:
            for line in found.lines():
                self.stdout.write(line)
        if found.differences:
            raise SystemExit(DIFFERENT)
