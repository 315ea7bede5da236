"""Validators and database constraints that the models of this app share; they mirror the limits in ``policy``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

slug_validator = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z",
    "Use 1 to 63 lower-case letters, digits and hyphens, no hyphen at the ends.",
)
scope_validator = RegexValidator(
    r"\A[\x21\x23-\x5B\x5D-\x7E]{1,128}\Z", "Use 1 to 128 of the characters of RFC 6749 section 3.3."
)

MAX_LIFETIME: Final = timedelta(hours=1)
MAX_LEEWAY: Final = timedelta(seconds=60)


def one_of(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    """The column holds one of these words."""
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__in": choices.values}))


def between(field: str, low: Any, high: Any, name: str) -> models.CheckConstraint:  # noqa: ANN401
    """The column is within these bounds, both included."""
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__gte": low, f"{field}__lte": high}))
