"""``manage.py golden``: try the golden tokens again, as after a release, and fail where one is red."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from exchange import golden

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Claims, ``kid`` and ``alg`` are checked; the signature was checked when a case was kept, and is not again."""

    help = "Try the golden tokens again; fails where one comes to another end than it must."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", metavar="NAME", default="", help="Only those of this partner.")

    def handle(self, *_arguments: str, **options: Any) -> None:
        try:
            checked = golden.run_all(options["partner"])
        except OperationalError as error:
            raise CommandError("The database did not answer in time. Look after it, then try again.") from error
        red = [one for one in checked if not one.is_green]
        for one in red:
            self.stderr.write(f"{one.case.partner.slug}: {one.difference}")
        self.stdout.write(f"{len(checked)} golden tokens tried, {len(red)} red. Signatures are not checked again.")
        if red:
            raise CommandError("Golden tokens are red. Look at them in the portal under /simulator/cases.")
