"""Fetched key sets: whose turn it is to be fetched, and what becomes of an answer or of the lack of one.

The row is the truth and the lock: a fetch is claimed by one UPDATE before it begins, so that at most one happens per
half minute, whatever the number of processes, workers and unknown ``kid`` values (P13). Good keys leave only for other
good keys, by an admin's hand, or when they have not been confirmed for a day (stale-if-error, RFC 5861 section 4).

The registry's epoch moves only when keys do, or when ``usable_until`` has to: at most every ten minutes per source, so
keys may be refused up to ten minutes before a full day without an answer is over, never after it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypedDict

from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from audit.events import KeysRefreshed
from partners.models import KeySource
from partners.states import ClientState, KeyMethod, PartnerState, TrustState
from partners.takeover import CONFIRMED_AFTER, Verdict, judge, kids, thumbprints

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet
    from django_stubs_ext import WithAnnotations

    from audit.events import JSON
    from partners.changes import Change
    from partners.keysets import Key, LeftOut

    class _Clock(TypedDict):
        now: datetime

    Row = WithAnnotations[KeySource, _Clock]
    """A source together with the database's time, by which alone its instants are compared."""

CLAIM_HOLDS: Final = timedelta(seconds=30)
SHORTEST_PERIOD: Final = timedelta(minutes=5)
LONGEST_PERIOD: Final = timedelta(hours=1)
USABLE_FOR: Final = timedelta(hours=24)
USABLE_STEP: Final = timedelta(minutes=10)
MAX_ERROR: Final = 300


class NothingToConfirm(LookupError):
    """No such key set or address waits for confirmation (any more). The message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to fetch one source once, and what is needed to do it."""

    id: UUID
    method: str
    location: str
    jwks_uri: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a fetch brought. ``keys`` is None when the server said that nothing changed.

    ``proposed_uri`` is another address than ``jwks_uri`` that the discovery document names and that was not followed.
    """

    keys: tuple[Key, ...] | None
    left_out: tuple[LeftOut, ...]
    jwks_uri: str
    proposed_uri: str
    etag: str
    max_age: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The keys in force by name, whether a fetch is under way in any process, and when the next may be claimed."""

    kids: frozenset[str]
    is_under_way: bool
    claimable_in: timedelta


def due(limit: int, *, overdue_by: timedelta = timedelta(0)) -> list[UUID]:
    """The sources whose time has come (and passed by ``overdue_by``), longest waiting first; uploaded ones never."""
    in_use = Q(trust__state__in=[TrustState.ACTIVE, TrustState.QUARANTINED]) | Q(client__state=ClientState.ACTIVE)
    rows = (
        KeySource.objects.exclude(method=KeyMethod.UPLOADED)
        .exclude(partner__state=PartnerState.OFFBOARDED)
        .filter(in_use, _unclaimed())
        .annotate(due_at=Coalesce("next_fetch_at", "created_at"))
        .filter(due_at__lte=Now() - overdue_by)
        .order_by(F("next_fetch_at").asc(nulls_first=True), "id")
    )
    return list(rows.values_list("id", flat=True)[:limit])


def never_fetched(partner_id: UUID) -> list[UUID]:
    """The sources of one partner whose keys nobody has seen yet."""
    rows = KeySource.objects.exclude(method=KeyMethod.UPLOADED).filter(partner=partner_id, fetched_at=None)
    return list(rows.order_by("id").values_list("id", flat=True))


def claim(source_id: UUID, *, is_scheduled: bool) -> Claim | None:
    """Take the slot of the next half minute, before anything is fetched; None when another took it, or it is not due.

    One UPDATE without a join decides, so two processes cannot both win.
    """
    rows = KeySource.objects.filter(_unclaimed(), pk=source_id).exclude(method=KeyMethod.UPLOADED)
    if is_scheduled:
        rows = rows.filter(Q(next_fetch_at=None) | Q(next_fetch_at__lte=Now()))
    if not rows.update(claimed_at=Now()):
        return None
    row = KeySource.objects.filter(pk=source_id).first()
    if row is None:
        return None
    return Claim(id=row.id, method=row.method, location=row.location, jwks_uri=row.jwks_uri, etag=row.etag)


def standing(source_id: UUID) -> Standing:
    """How the source stands now. A source that is gone has no keys and nothing to wait for."""
    row = KeySource.objects.annotate(now=Now()).filter(pk=source_id).first()
    if row is None or row.claimed_at is None:
        return Standing(kids=_kids(row), is_under_way=False, claimable_in=timedelta(0))
    remaining = max(row.claimed_at + CLAIM_HOLDS - row.now, timedelta(0))
    is_under_way = bool(remaining) and (row.answered_at is None or row.answered_at < row.claimed_at)
    return Standing(kids=_kids(row), is_under_way=is_under_way, claimable_in=remaining)


def record_success(change: Change, claimed: Claim, answer: Answer) -> None:
    """Write down an answer: take its keys, hold them back, or only note that they are the same."""
    row = _locked(claimed)
    if row is None:
        return
    held, pending = row.jwks.get("keys", []), row.pending_jwks.get("keys", [])
    offered = held if answer.keys is None else answer.keys
    waited = None if row.pending_since is None else row.now - row.pending_since
    verdict = judge(held, offered, pending, waited=waited)
    row.answered_at = row.now
    if verdict in {Verdict.HELD, Verdict.WAITING}:
        _hold(change, row, offered, verdict)
    else:
        _take(change, row, offered, answer, is_new=verdict is Verdict.TAKEN)
    row.save()


def record_failure(change: Change, claimed: Claim, why: str, *, proposed_uri: str = "") -> None:
    """Write down that a fetch failed. The keys stay; the next try waits longer each time, at most an hour.

    The first failure of a row, and every other kind of failure, is an event; a repetition is a number.
    """
    row = _locked(claimed)
    if row is None:
        return
    why = why[:MAX_ERROR]
    if not row.failures or row.last_error != why:
        _record(change, row, "fetch_failed", {"why": why})
    row.failures += 1
    row.last_error = why
    row.answered_at = row.now
    row.next_fetch_at = row.now + min(CLAIM_HOLDS * 2 ** min(row.failures, 7), LONGEST_PERIOD)
    row.pending_jwks_uri = proposed_uri or row.pending_jwks_uri
    row.save()


def confirm_keys(change: Change, source_id: UUID) -> None:
    """An admin takes the key set that was held back. Raises ``NothingToConfirm``."""
    row = _with_now().get(pk=source_id)
    if row.pending_since is None:
        raise NothingToConfirm(
            "No key set waits for confirmation. Reload the page: it may have been confirmed already."
        )
    _replace(change, row, row.pending_jwks["keys"], "confirmed")
    row.usable_until = row.now + USABLE_FOR
    row.save()


def confirm_jwks_uri(change: Change, source_id: UUID, jwks_uri: str) -> None:
    """An admin approves the other address the issuer's discovery document names. Raises ``NothingToConfirm``."""
    row = _with_now().get(pk=source_id)
    if not jwks_uri or row.pending_jwks_uri != jwks_uri:
        raise NothingToConfirm("That address does not wait for confirmation. Reload the page to see the current one.")
    _record(change, row, "address_confirmed", {"old": row.jwks_uri, "new": jwks_uri})
    row.jwks_uri, row.pending_jwks_uri, row.etag, row.next_fetch_at = jwks_uri, "", "", None
    row.save()


def _unclaimed() -> Q:
    return Q(claimed_at=None) | Q(claimed_at__lte=Now() - CLAIM_HOLDS)


def _kids(row: KeySource | None) -> frozenset[str]:
    return kids(row.jwks.get("keys", [])) if row is not None else frozenset()


def _with_now() -> QuerySet[Row]:
    return KeySource.objects.select_related("partner").select_for_update(of=("self",)).annotate(now=Now())


def _locked(claimed: Claim) -> Row | None:
    """The row, unless an admin pointed the source elsewhere meanwhile: then the answer is another source's."""
    same = {"method": claimed.method, "location": claimed.location, "jwks_uri": claimed.jwks_uri}
    return _with_now().filter(pk=claimed.id, **same).first()


def _hold(change: Change, row: Row, offered: Sequence[Key], verdict: Verdict) -> None:
    if verdict is Verdict.HELD or row.pending_since is None:
        _record(change, row, "quarantined", _differences(row.jwks.get("keys", []), offered))
        row.pending_jwks, row.pending_since = {"keys": list(offered)}, row.now
    row.next_fetch_at = row.pending_since + CONFIRMED_AFTER


def _take(change: Change, row: Row, offered: Sequence[Key], answer: Answer, *, is_new: bool) -> None:
    noted: list[JSON] = [{"kid": key.kid, "why": key.why[:MAX_ERROR]} for key in answer.left_out]
    if answer.keys is None:
        noted = row.left_out
    reason = "recovered" if row.failures or row.pending_since else ""
    if is_new:
        row.left_out = noted
        _replace(change, row, offered, "confirmed" if row.pending_since else reason)
    elif reason or noted != row.left_out:
        row.left_out = noted
        _record(change, row, reason, {})
    _settle_address(change, row, answer)
    row.fetched_at, row.failures, row.last_error = row.now, 0, ""
    row.pending_jwks, row.pending_since = {}, None
    row.etag = answer.etag or row.etag if answer.keys is None else answer.etag
    row.next_fetch_at = row.now + _period(answer.max_age)
    if is_new or row.usable_until is None or row.now + USABLE_FOR - row.usable_until >= USABLE_STEP:
        row.usable_until = row.now + USABLE_FOR
        change.touch(row.partner_id)


def _settle_address(change: Change, row: Row, answer: Answer) -> None:
    if answer.proposed_uri and answer.proposed_uri != row.pending_jwks_uri:
        _record(change, row, "address_changed", {"old": answer.jwks_uri, "new": answer.proposed_uri})
    row.jwks_uri, row.pending_jwks_uri = answer.jwks_uri, answer.proposed_uri


def _replace(change: Change, row: Row, offered: Sequence[Key], reason: str) -> None:
    _record(change, row, reason, _differences(row.jwks.get("keys", []), offered))
    row.jwks, row.pending_jwks, row.pending_since = {"keys": list(offered)}, {}, None
    change.touch(row.partner_id)


def _differences(old: Sequence[Key], new: Sequence[Key]) -> dict[str, JSON]:
    before = {str(key.get("kid", "")): thumbprints([key]) for key in old}
    after = {str(key.get("kid", "")): thumbprints([key]) for key in new}
    replaced = {kid for kid in before.keys() & after.keys() if before[kid] != after[kid]}
    return {
        "added": [*sorted(after.keys() - before.keys())],
        "removed": [*sorted(before.keys() - after.keys())],
        "replaced": [*sorted(replaced)],
    }


def _record(change: Change, row: Row, reason: str, data: dict[str, JSON]) -> None:
    source: dict[str, JSON] = {"key_source": str(row.id), "location": row.location, "left_out": row.left_out}
    event = KeysRefreshed(
        partner_id=row.partner_id,
        partner=row.partner.slug if row.partner else "",
        target=row.location,
        reason=reason,
        data=source | data,
    )
    change.record(event)


def _period(max_age: timedelta | None) -> timedelta:
    """As the server says within our bounds, up to a tenth early so that sources do not come due together."""
    longest = LONGEST_PERIOD if max_age is None else min(max(max_age, SHORTEST_PERIOD), LONGEST_PERIOD)
    return longest * random.uniform(0.9, 1.0)  # noqa: S311 - spreads load, keeps no secret
