"""How a workload without a secret proves itself: the columns of a client that its own platform vouches for."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from partners.constraints import MAX_LIFETIME

SHORTEST_LIFETIME: Final = timedelta(seconds=1)
DEFAULT_LIFETIME: Final = timedelta(minutes=15)


class Workload(models.Model):
    """Columns of ``Client``; without an issuer it is none. The platform's keys are the client's key source."""

    workload_issuer = models.CharField(max_length=512, blank=True)
    workload_audiences = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    workload_algorithms = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    workload_rules = models.JSONField(default=list, blank=True)
    workload_lifetime = models.DurationField(default=DEFAULT_LIFETIME)

    class Meta:
        abstract = True


workload_is_narrowed: Final = (
    models.CheckConstraint(name="client_workload_has_rules", condition=Q(workload_issuer="") | ~Q(workload_rules=[])),
    models.CheckConstraint(
        name="client_workload_lifetime_is_at_most_1_h",
        condition=Q(workload_lifetime__gte=SHORTEST_LIFETIME, workload_lifetime__lte=MAX_LIFETIME),
    ),
)
