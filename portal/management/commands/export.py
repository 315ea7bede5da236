"""``manage.py export``: write the configuration in force as documents that ``apply`` reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from partners import inventory
from partners.vocabulary import Kind
from portal.documents.exporting import export

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Applying what this writes changes nothing. Secrets are left out: only their hashes are kept."""

    help = "Write the configuration in force as documents (docs/configuration.md)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", metavar="NAME", help="Only this partner, with the targets it refers to.")
        parser.add_argument("-o", "--output", metavar="FILE", help="Where to write; by default standard output.")

    def handle(self, *_arguments: str, **options: Any) -> None:
        slug = options["partner"]
        try:
            found = inventory.of_partner(slug) if slug else inventory.everything()
        except OperationalError as error:
            raise CommandError("The database did not answer in time. Look after it, then export again.") from error
        if slug and (Kind.PARTNER, "", slug) not in found:
            raise CommandError(f"There is no partner named {slug!r}. List them with: manage.py export")
        text = export(item.declared for item in found.values())
        if not options["output"]:
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["output"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.") from error
