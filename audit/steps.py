"""The step at which an exchange was refused, as a question to the trail: its reasons, and what its event says of it.

A reason can belong to several steps, so it narrows what is read, and the event's own words decide.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db.models import Q

from policy.claim_rules import Verdict
from policy.places import places_of
from policy.reasons import Reason, Rule

if TYPE_CHECKING:
    from audit.selectors import Search


def by_reason(search: Search) -> tuple[Search, ...]:
    """The search itself, or one for each reason that can end an exchange at the step, where nothing else leads it."""
    is_led = search.reason or search.client or search.target or search.partners is not None or search.reference
    if not search.step or is_led:
        return (search,)
    return tuple(replace(search, reason=reason) for reason in Reason if Rule(search.step) in places_of(reason))


def refused_at(step: str) -> Q:
    """The events that were refused at this step, by what their canonical form holds.

    Text of others cannot look like it: in it the quotation marks are escaped.
    """
    ends = (f'["{Rule(step)}","{verdict}",' for verdict in (Verdict.REFUSED, Verdict.FAULT))
    return Q(canonical__contains=next(ends)) | Q(canonical__contains=next(ends))
