"""``manage.py apply``: bring YAML documents into force, or show what that would change."""

from __future__ import annotations

import getpass
import json
import os
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import CommandError
from django.db import IntegrityError, OperationalError

from audit.events import Actor, ActorKind
from partners.errors import ConfigurationError
from portal.documents.applying import Options, apply
from portal.documents.command import DocumentsCommand, documents_of
from portal.documents.errors import DocumentsRefused

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from portal.documents.plan import Plan

CHANGES: Final = 2
LONGEST_AUTHOR: Final = 254


class Command(DocumentsCommand):
    """All documents are checked before any is written, and all are written in one transaction, or none."""

    help = "Apply configuration documents (docs/configuration.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--plan", action="store_true", help="Show what would change and write nothing.")
        parser.add_argument(
            "--detailed-exitcode",
            action="store_true",
            help=f"With --plan: exit with {CHANGES} when there is something to change.",
        )
        parser.add_argument(
            "--prune",
            action="store_true",
            help="Suspend the partners and clients, and withdraw the trusts and mappings, that the files lack.",
        )
        parser.add_argument(
            "--reinstate", action="store_true", help="Bring back what is suspended and declared active."
        )
        parser.add_argument("--author", help="Who the audit trail names; by default the user of this system.")
        parser.add_argument("--json", action="store_true", help="Print the plan, or the faults, as JSON.")

    def handle(self, *_arguments: str, **options: Any) -> None:
        try:
            plan = self._apply(options)
        except DocumentsRefused as refused:
            self._refuse(refused, is_json=options["json"])
        except (ConfigurationError, IntegrityError, OperationalError) as error:
            raise CommandError(_in_words(error)) from error
        self._print(plan, is_json=options["json"], is_rehearsal=options["plan"])
        if options["plan"] and options["detailed_exitcode"] and plan.has_changes:
            raise SystemExit(CHANGES)

    def _apply(self, options: dict[str, Any]) -> Plan:
        actor = Actor(ActorKind.USER, _author(options["author"]))
        wanted = Options(prunes=options["prune"], reinstates=options["reinstate"], is_rehearsal=options["plan"])
        return apply(documents_of(options), actor, wanted)

    def _refuse(self, refused: DocumentsRefused, *, is_json: bool) -> None:
        if not is_json:
            count = len(refused.faults)
            raise CommandError(f"{refused}\n{count} {'fault' if count == 1 else 'faults'}. Nothing was written.")
        faults = [
            {"file": item.file, "line": item.line, "object": item.subject, "field": item.field, "message": item.message}
            for item in refused.faults
        ]
        self.stdout.write(json.dumps({"written": False, "faults": faults}, indent=2, ensure_ascii=False))
        raise SystemExit(1)

    def _print(self, plan: Plan, *, is_json: bool, is_rehearsal: bool) -> None:
        if is_json:
            written = plan.has_changes and not is_rehearsal
            self.stdout.write(json.dumps({"written": written, **plan.document()}, indent=2, ensure_ascii=False))
            return
        for line in plan.lines():
            self.stdout.write(line)
        if is_rehearsal:
            self.stdout.write("This is the plan. Nothing was written.")


def _author(given: str | None) -> str:
    """The author as the audit trail shows it. Raises ``CommandError`` for one that it could not show."""
    try:
        author = getpass.getuser() if given is None else given
    except (KeyError, OSError):
        author = f"uid {os.getuid()}"
    if not author.strip() or len(author) > LONGEST_AUTHOR or not author.isprintable():
        raise CommandError(f"--author must be one line of 1 to {LONGEST_AUTHOR} printable characters.")
    return author


def _in_words(error: Exception) -> str:
    if isinstance(error, IntegrityError):
        return "Somebody else changed the same objects at this moment. Nothing was written. Apply again."
    if isinstance(error, OperationalError):
        return "The database did not answer in time. Nothing was written. Look after it, then apply again."
    return f"{error} Nothing was written."
