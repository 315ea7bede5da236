"""The partner that an address names, for the calls that work on what belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partners import profiles
from portal.api.problems import not_found

if TYPE_CHECKING:
    from partners.profiles import Profile


def party(slug: str) -> Profile:
    """The partner of this name. Raises ``ApiError``."""
    found = profiles.profile(slug)
    if found is None:
        raise not_found()
    return found
