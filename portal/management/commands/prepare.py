"""``prepare``: what a start of the demo needs, in one process: migrations, static files, demo data, its summary."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from portal import static_files
from portal.demo import organisation


class Command(BaseCommand):
    """Run by the supervisor before it starts the web server; safe to run again."""

    help = "Migrate, collect the static files, load the demo data where HANDOVER_DEMO is 1, and write what `up` prints."

    def handle(self, *_args: Any, **_options: Any) -> None:
        call_command("migrate", interactive=False)
        static_files.collect()
        if settings.HANDOVER.demo:
            call_command("demo_data")
            _write_private(Path(os.environ["HANDOVER_VAR"]) / "demo" / "info.json", organisation.describe())


def _write_private(path: Path, content: dict[str, Any]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)
