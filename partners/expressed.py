"""What a mapping says in CEL and carries over, as columns: limits here, the language in ``policy.expressions``."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import F, Func, Q, TextField
from django.db.models.functions import Cast, Length
from django.db.models.lookups import Exact, LessThanOrEqual

from policy.expression_grammar import MAX_SOURCE_BYTES

LONGEST_CLAIMS: Final = 64 * 1024


class Expressed(models.Model):
    """What a version of a mapping says in expressions, and whether it carries the login over. Empty: nothing."""

    condition = models.TextField(blank=True, default="")
    scopes_expression = models.TextField(blank=True, default="")
    claims = models.JSONField(default=dict, blank=True, help_text="Claims of the new token, each an expression.")
    carries_login = models.BooleanField(default=False)

    class Meta:
        abstract = True


def _is_object(field: str) -> Exact:
    return Exact(Func(F(field), function="jsonb_typeof", output_field=TextField()), "object")


expressions_are_bounded: Final = (
    models.CheckConstraint(
        name="mapping_condition_is_at_most_2_kb", condition=LessThanOrEqual(Length("condition"), MAX_SOURCE_BYTES)
    ),
    models.CheckConstraint(
        name="mapping_scopes_expression_is_at_most_2_kb",
        condition=LessThanOrEqual(Length("scopes_expression"), MAX_SOURCE_BYTES),
    ),
    models.CheckConstraint(
        name="mapping_claims_are_an_object_of_at_most_64_kb",
        condition=Q(_is_object("claims"), LessThanOrEqual(Length(Cast("claims", TextField())), LONGEST_CLAIMS)),
    ),
)
