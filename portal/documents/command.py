"""What the management commands over configuration documents begin with: which files, and what is read from them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from portal.documents.reading import read_documents, sources

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from portal.documents.reading import Document


class DocumentsCommand(BaseCommand):
    """A command that is given documents by ``-f``. It asks for no system checks: those are about serving."""

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The files; each command adds what it takes beside them."""
        parser.add_argument(
            "-f",
            "--file",
            action="append",
            required=True,
            metavar="FILE",
            help="A YAML file, a directory of them, or - for standard input; may be given several times.",
        )


def documents_of(options: dict[str, Any]) -> list[Document]:
    """The documents of the files that were named. Raises ``DocumentsRefused``, with every fault of every file."""
    return read_documents(sources(options["file"]), os.environ)
