"""How much a partner or a client may ask: columns that both tables have, and their limits."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

MAX_RATE: Final = 6_000_000
MAX_BURST: Final = 1_000_000
MAX_QUOTA: Final = 1_000_000_000

Constraints = list[models.BaseConstraint]


class Allowed(models.Model):
    """Null: what the installation says; of a day's quota, that there is none."""

    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    daily_quota = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        abstract = True


def allowed(owner: str, *others: models.BaseConstraint) -> Constraints:
    """The constraints of a table that has these columns, and its other ones.

    Every number that is set is at least 1, and at most what the arithmetic of the limits is exact for.
    """
    bounds = {"requests_per_minute": MAX_RATE, "burst": MAX_BURST, "daily_quota": MAX_QUOTA}
    ours = [
        models.CheckConstraint(
            name=f"{owner}_{field}_is_in_range",
            condition=Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": 1, f"{field}__lte": most}),
        )
        for field, most in bounds.items()
    ]
    return [*others, *ours]
