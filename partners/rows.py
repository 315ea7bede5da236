"""What every table of this app has, and the one row that counts the changes of all of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7


class Row(models.Model):
    """What every table here has: a UUIDv7 as public id, and the two instants an admin asks for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Registry(models.Model):
    """One row: the epoch that every configuration change bumps, under the ledger's exclusive lock."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.BigIntegerField(default=1)
    catalogue_version = models.BigIntegerField(default=1)
    keys_version = models.BigIntegerField(default=1)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="registry_has_one_row", condition=Q(id=1))
        ]

    def __str__(self) -> str:
        return f"epoch {self.epoch}"
