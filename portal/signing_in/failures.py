"""Proofs that failed, written down within bounds: whoever guesses must not be able to fill the audit trail.

The first failures of an address or of a person's factors, and of all together, are written one by one, then only the
tenth, the hundredth, the thousandth, each with how many there were (as ``exchange.limits.floods`` does). A guessed name
of nobody is not kept: people type passwords into that field. Factors have counts of their own: whoever is asked for one
knew the password, and must not hide among those who did not.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from audit.events import UNAUTHENTICATED
from audit.person_events import FactorFailed, SignInFailed
from partners.changes import changing
from portal.models import User
from portal.people.events import about, actor_of

if TYPE_CHECKING:
    from audit.events import JSON, Actor, Event

WINDOW: Final = 600
OF_ADDRESS: Final = 5
OF_PERSON: Final = 5
OF_ALL: Final = 100

log = structlog.get_logger(__name__)


class Purpose(StrEnum):
    """What a factor was asked for."""

    SIGN_IN = "sign-in"
    CONFIRM = "confirm"


def note(address: str, email: str) -> None:
    """A password was wrong, or nobody has the account. Without a count nothing is written: there would be no bound."""
    counts = _counted("sign-in-failed", address, OF_ADDRESS)
    if counts is None:
        return
    person = None if "\x00" in email else User.objects.filter(email__iexact=email).first()
    whose: dict[str, JSON] = {"person": None, "email": ""} if person is None else about(person)
    _write(SignInFailed(data=whose | {"address": address} | counts), UNAUTHENTICATED)


def note_factor(address: str, person: User, factor: str, purpose: Purpose) -> None:
    """A code or a passkey was wrong: whoever came in so far is not known to be the person. Counted as ``note`` does."""
    counts = _counted("factor-failed", str(person.pk), OF_PERSON)
    if counts is None:
        return
    data = about(person) | {"factor": factor, "purpose": str(purpose), "address": address}
    _write(FactorFailed(data=data | counts), actor_of(person) if purpose == Purpose.CONFIRM else UNAUTHENTICATED)


def _write(event: Event, actor: Actor) -> None:
    with changing(actor) as change:
        change.record(event)


def _counted(what: str, whose: str, first: int) -> dict[str, JSON] | None:
    """How many there were by now, if this one is to be written down."""
    try:
        count, of_all = _count(f"{what}:{whose}"), _count(what)
    except RedisError as error:
        log.warning("sign_in.failed", why="not counted", error=type(error).__name__)
        return None
    if _is_written(count, first) and _is_written(of_all, OF_ALL):
        return {"count": count, "count_of_all": of_all}
    return None


def _count(key: str) -> int:
    cache.add(key, 0, WINDOW)
    try:
        return int(cache.incr(key))
    except ValueError:  # it ended between the two
        return 1


def _is_written(count: int, first: int) -> bool:
    return count <= first or str(count).strip("0") == "1"
