"""The static files as an installation serves them, collected once for all workers of a run."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from portal import static_files
from portal.settings import base

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def shared_directory(factory: pytest.TempPathFactory) -> Path:
    """The temporary directory that all workers of this run share."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def collected(directory: Path) -> Path:
    """Collect them there, unless another worker did."""
    from django.conf import settings  # noqa: PLC0415 - the settings in use now
    from django.test import override_settings  # noqa: PLC0415

    directory.mkdir(exist_ok=True)
    with (
        (directory.parent / "static.lock").open("w") as lock,
        override_settings(STATIC_ROOT=directory, STORAGES=base.STORAGES),
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        static_files.collect()
    assert directory != settings.STATIC_ROOT
    return directory
