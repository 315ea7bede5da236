"""Our targets and their scope catalogues: what can be asked for at all. Part of ``models``, and as private."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from uuid_utils.compat import uuid7

from partners.constraints import MAX_LIFETIME, between, one_of, scope_validator, slug_validator
from partners.rows import Row
from partners.states import FormatOfTokens, ScopeRisk


class Target(Row):
    """A resource of ours that tokens are minted for. Its names are approved here before a token may carry them."""

    name = models.CharField(max_length=63, unique=True, validators=[slug_validator])
    title = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True, max_length=2000)
    audience = models.CharField(max_length=255, unique=True)
    resources = ArrayField(models.CharField(max_length=512), default=list, blank=True)
    lifetime = models.DurationField(default=timedelta(minutes=5))
    is_active = models.BooleanField(default=True)
    is_test = models.BooleanField(default=False, help_text="Nothing real is behind it.")
    token_format = models.CharField(max_length=10, choices=FormatOfTokens.choices, default=FormatOfTokens.JWT)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            between("lifetime", timedelta(seconds=30), MAX_LIFETIME, "target_lifetime_is_30_s_to_1_h"),
            one_of("token_format", FormatOfTokens, "target_token_format_is_known"),
        ]

    def __str__(self) -> str:
        return self.title or self.name


class Scope(models.Model):
    """One entry of a target's scope catalogue, with what it lets a caller do and how much harm that can be."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    target = models.ForeignKey(Target, models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=128, validators=[scope_validator])
    description = models.CharField(max_length=500)
    risk = models.CharField(max_length=10, choices=ScopeRisk.choices, default=ScopeRisk.LOW)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["target", "name"], name="scope_is_named_once_per_target"),
            one_of("risk", ScopeRisk, "scope_risk_is_known"),
        ]

    def __str__(self) -> str:
        return self.name
