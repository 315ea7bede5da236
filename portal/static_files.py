"""Collecting the static files of an installation: hashed names, compressed copies, and not twice for the same files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management import call_command

STAMP: Final = ".collected"
MADE_BY: Final = "1"
"""Changes when the same sources have to be collected anew, because they are processed in another way."""


def collect() -> bool:
    """Bring ``STATIC_ROOT`` up to date; answers whether there was anything to do. Compressing takes seconds."""
    root = Path(settings.STATIC_ROOT)
    stamp, current = root / STAMP, _digest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == current:
        return False
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(current, encoding="ascii")
    return True


def _digest() -> str:
    """One hash over the names and contents of all sources."""
    digest = hashlib.sha256(MADE_BY.encode())
    for directory in map(Path, settings.STATICFILES_DIRS):
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            content = hashlib.sha256(path.read_bytes()).digest()
            digest.update(str(path.relative_to(directory)).encode() + b"\0" + content)
    return digest.hexdigest()
