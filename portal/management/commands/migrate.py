"""``migrate``: Django's, as the owner of the tables, one node at a time; then months, grants, key, golden tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.utils import timezone

from audit import partitions
from exchange import golden, keys
from portal.database import grants
from portal.database.ownership import as_owner, one_at_a_time

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(migrate.Command):
    """Brings the database to the state of the code. Safe to run on every node at every start."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--no-signing-key", action="store_true", help="make no signing key where there is none")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises ``CommandError`` when the application's role is missing."""
        with one_at_a_time(waiting=lambda: self._say(options, "Waiting for another node that migrates.")):
            with as_owner(options["database"]):
                super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"] or options["app_label"]):
                self._finish(options)

    def _finish(self, options: dict[str, Any]) -> None:
        extension = partitions.extend(settings.HANDOVER.database_owner_url, now=timezone.now())
        if extension.added:
            self._say(options, f"Audit partitions added: {len(extension.added)}.")
        for table in extension.blocked:
            self._say(options, f"{table} was not added: the default partition holds events of that month already.")
        try:
            grants.apply(settings.HANDOVER.database_owner_url, settings.HANDOVER.database_url)
        except grants.RoleMissing as error:
            raise CommandError(str(error)) from error
        if not options["no_signing_key"]:
            keys.ensure_signing_key()
        golden.make_all_due()

    def _say(self, options: dict[str, Any], line: str) -> None:
        if options["verbosity"] > 0:
            self.stdout.write(line)
