"""``manage.py docs``: write the pages that are generated from code, or with ``--check`` say which are out of step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.generated_docs import PAGES

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Write the documentation pages that are generated from code."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of step")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's contract
        stale = []
        for name, render in PAGES.items():
            path = Path(settings.BASE_DIR) / "docs" / name
            text = render()
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            stale.append(name)
            if not options["check"]:
                path.write_text(text, encoding="utf-8")
                self.stdout.write(f"docs/{name} written")
        if stale and options["check"]:
            raise CommandError(f"Out of step with the code: {', '.join(stale)}. Run: make docs")
