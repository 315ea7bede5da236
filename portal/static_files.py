"""Collecting the static files of an installation: hashed names, compressed copies, not twice for the same files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.management import call_command

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    for name, path in _sources():
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources() -> Iterator[tuple[str, Path]]:
    for directory in map(Path, settings.STATICFILES_DIRS):
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            yield path.relative_to(directory).as_posix(), path


@register(Tags.staticfiles, deploy=True)
def check_collected(**_options: Any) -> list[CheckMessage]:  # noqa: ANN401 - Django's signature
    """Pages name their files by the manifest; without it each of them would be an error 500."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    collected = json.loads(manifest.read_text(encoding="utf-8"))["paths"] if manifest.is_file() else {}
    missing = [name for name, _path in _sources() if name not in collected]
    if not missing:
        return []
    hint = "Run: python manage.py collectstatic --noinput"
    return [Error(f"{len(missing)} static files are not collected.", hint=hint, id="handover.E060")]
