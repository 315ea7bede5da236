"""The Celery application: worker and beat wake up for work that stands in PostgreSQL; Redis only carries the wake-ups.

Beat keeps its schedule in memory. A file would be a pickle in a shared place, and there is nothing to remember: a task
that runs once too often finds nothing to do, and one that was missed is made up for by the next.
"""

from __future__ import annotations

import os

from celery import Celery
from celery.beat import Scheduler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.base")

app = Celery("handover")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class MemoryScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Celery's own scheduler without a file: every interval starts when beat does."""

    def setup_schedule(self) -> None:
        """Take the schedule from the settings, and nothing from the last run."""
        self.merge_inplace(self.app.conf.beat_schedule)
