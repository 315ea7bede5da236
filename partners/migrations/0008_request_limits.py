"""How much a client or a partner may ask, where it is not what the installation says."""

from django.db import migrations, models
from django.db.models import Q

BOUNDS = {"requests_per_minute": 6_000_000, "burst": 1_000_000, "daily_quota": 1_000_000_000}
"""As they were when this was written: a migration does not change with the code."""


def _field(model, name):
    return migrations.AddField(model, name, models.PositiveIntegerField(blank=True, null=True))


def _bound(model, name, most):
    condition = Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 1, f"{name}__lte": most})
    return migrations.AddConstraint(
        model, models.CheckConstraint(condition=condition, name=f"{model}_{name}_is_in_range")
    )


class Migration(migrations.Migration):
    dependencies = [("partners", "0007_mapping_expressions")]

    operations = [
        operation
        for model in ("client", "partner")
        for name, most in BOUNDS.items()
        for operation in (_field(model, name), _bound(model, name, most))
    ]
