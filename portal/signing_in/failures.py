"""Sign-ins that failed, written down within bounds: whoever guesses must not be able to fill the audit trail.

The first failures of an address, and of all together, are written one by one, then only the tenth, the hundredth, the
thousandth, each with how many there were (as ``exchange.limits.floods`` does). A guessed name of nobody is not kept:
people type passwords into that field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from audit.events import UNAUTHENTICATED
from audit.person_events import SignInFailed
from partners.changes import changing
from portal.models import User
from portal.people.events import about

if TYPE_CHECKING:
    from audit.events import JSON

WINDOW: Final = 600
OF_ADDRESS: Final = 5
OF_ALL: Final = 100

log = structlog.get_logger(__name__)


def note(address: str, email: str) -> None:
    """A password was wrong, or nobody has the account. Without a count nothing is written: there would be no bound."""
    try:
        of_address, of_all = _count(f"sign-in-failed:{address}"), _count("sign-in-failed")
    except RedisError as error:
        log.warning("sign_in.failed", why="not counted", error=type(error).__name__)
        return
    if not (_is_written(of_address, OF_ADDRESS) and _is_written(of_all, OF_ALL)):
        return
    person = None if "\x00" in email else User.objects.filter(email__iexact=email).first()
    whose: dict[str, JSON] = {"person": None, "email": ""} if person is None else about(person)
    with changing(UNAUTHENTICATED) as change:
        change.record(SignInFailed(data=whose | {"address": address, "count": of_address, "count_of_all": of_all}))


def _count(key: str) -> int:
    cache.add(key, 0, WINDOW)
    try:
        return int(cache.incr(key))
    except ValueError:  # it ended between the two
        return 1


def _is_written(count: int, first: int) -> bool:
    return count <= first or str(count).strip("0") == "1"
