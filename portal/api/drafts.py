"""The draft that an address names, for what is tried with it before anybody publishes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partners import excerpts, records
from portal.api import objects
from portal.api.conditions import require_match
from portal.api.problems import not_found

if TYPE_CHECKING:
    from rest_framework.request import Request

    from partners.excerpts import Draft


def draft_of(partner: str, mapping: str) -> Draft:
    """The draft of a partner's mapping. Raises ``ApiError``."""
    found = excerpts.draft_named(partner, mapping)
    if found is None:
        raise not_found()
    return found


def matched_draft(request: Request, partner: str, mapping: str) -> Draft:
    """The draft, in the version that the caller read where ``If-Match`` says one. Raises ``ApiError``."""
    found = draft_of(partner, mapping)
    require_match(request, objects.shown(records.draft(partner, mapping)), is_optional=True)
    return found
