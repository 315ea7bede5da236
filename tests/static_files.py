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


def _shared_directory(factory: pytest.TempPathFactory) -> Path:
    """The temporary directory that all workers of this run share."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def collected(factory: pytest.TempPathFactory) -> Path:
    """Collect them into a directory of their own, unless another worker did: collecting clears what is there."""
    from django.conf import settings  # noqa: PLC0415 - the settings in use now
    from django.test import override_settings  # noqa: PLC0415

    directory = _shared_directory(factory) / "static"
    directory.mkdir(exist_ok=True)
    with (
        (directory.parent / "static.lock").open("w") as lock,
        override_settings(STATIC_ROOT=directory, STORAGES=base.STORAGES),
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        static_files.collect()
    assert directory != settings.STATIC_ROOT
    return directory
