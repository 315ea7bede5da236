"""Trying canaries: of a partner whose configuration moved, and of every partner once an hour, since time moves too.

Taking a turn moves the next one on, so no two workers try at once. A canary is red when the exchange would be refused,
or would get fewer scopes; the alert it raises ends with the next green one. Nothing that grants looks here.
"""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import F, Q

from audit import histories, replays
from exchange import alerts
from exchange.alerts import AlertKind, Concerned, Noticed
from exchange.golden_forms import end_of
from exchange.ground import ground_of
from exchange.simulating import simulate
from exchange.simulation import Outcome
from partners import excerpts, overviews, watched
from portal.canaries.asking import question_at, waits_for_keys, with_present_keys
from portal.canaries.models import Canary, CanaryTurn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from audit.selectors import Record
    from exchange.simulation import Answer

PERIOD: Final = timedelta(hours=1)
MOST: Final = 10
"""More of a partner would say the same: each is another client or another target."""
KEPT_FOR: Final = timedelta(days=30)
"""An exchange that nobody made for so long is not what the partner does any more."""
SECONDS: Final = 20.0
"""How long one wake-up goes on: the same workers have more to do."""


def run_due(now: datetime) -> int:
    """Try the canaries of partners whose turn it is; answers of how many. Idempotent: turns are taken."""
    enrol(now)
    stop, tried = time.monotonic() + SECONDS, 0
    while time.monotonic() < stop and (partner_id := _take_turn(now)) is not None:
        run(partner_id, now)
        tried += 1
    return tried


def enrol(now: datetime) -> None:
    """A turn for each partner with a trust in use; who has none has no canaries, and no alert of them."""
    in_use = {partner for _trust, partner in watched.in_use()}
    known = set(CanaryTurn.objects.values_list("partner", flat=True))
    CanaryTurn.objects.bulk_create(
        [CanaryTurn(partner_id=partner, next_at=now) for partner in in_use - known], ignore_conflicts=True
    )
    for partner in known - in_use:
        with transaction.atomic():
            alerts.end_of_partner(partner, AlertKind.CANARY_RED, now)
            Canary.objects.filter(partner=partner).delete()
            CanaryTurn.objects.filter(partner=partner).delete()


def of_partner(partner_id: UUID) -> tuple[Canary, ...]:
    """The canaries of one partner, the red ones first."""
    return tuple(Canary.objects.filter(partner=partner_id).order_by("is_green", "client", "target"))


def run(partner_id: UUID, now: datetime) -> None:
    """Try the canaries of one partner now, and write down what came of them."""
    with transaction.atomic(durable=True):
        if CanaryTurn.objects.select_for_update().filter(partner=partner_id).first() is None:
            return
        name = overviews.names([partner_id])[partner_id]
        _follow(partner_id, now)
        cases = list(Canary.objects.filter(partner=partner_id).order_by("-granted_at", "id"))
        noticed = [red for case in _tried(cases, now) if (red := _noticed(case)) is not None]
        alerts.settle(Concerned(partner_id=partner_id, partner=name.slug), noticed, {AlertKind.CANARY_RED}, now)


def _take_turn(now: datetime) -> UUID | None:
    epoch, catalogue = excerpts.moved_at()
    with transaction.atomic(durable=True):
        moved = Q(partner__version__gt=F("checked_epoch")) | Q(checked_epoch__lt=catalogue)
        due = CanaryTurn.objects.filter(Q(next_at__lte=now) | moved).order_by("next_at")
        row = due.select_for_update(of=("self",), skip_locked=True).first()
        if row is None:
            return None
        row.checked_epoch = epoch
        row.next_at = now + PERIOD * random.uniform(0.9, 1.1)  # noqa: S311 - spread, not secret
        row.save(update_fields=["checked_epoch", "next_at"])
        return row.partner_id


def _follow(partner_id: UUID, now: datetime) -> None:
    """The newest grant of each client and target becomes what its canary asks; old ones go."""
    for record in reversed(histories.latest_granted(partner_id)):
        if question_at(record, now) is not None:
            Canary.objects.update_or_create(
                partner_id=partner_id,
                client=record.entry.client,
                target=record.entry.target,
                defaults={
                    "reference": record.entry.id,
                    "granted_at": record.entry.at,
                    "expected": _scopes(record),
                },
            )
    rows = Canary.objects.filter(partner=partner_id)
    rows.filter(granted_at__lt=now - KEPT_FOR).delete()
    kept = rows.order_by("-granted_at", "id").values_list("id", flat=True)[:MOST]
    rows.exclude(id__in=list(kept)).delete()


def _scopes(record: Record) -> list[str]:
    token: Mapping[str, Any] = (record.document.get("data") or {}).get("token") or {}
    return [str(scope) for scope in token.get("scope") or ()]


def _tried(cases: list[Canary], now: datetime) -> list[Canary]:
    """All of a partner on the same ground. Not known: only somebody who is not asked here could tell, as an issuer."""
    records = {record.entry.id: record for record in replays.of_ids([case.reference for case in cases])}
    asked = [
        (case, question)
        for case in cases
        if case.reference in records and (question := question_at(records[case.reference], now)) is not None
    ]
    if not asked:
        return []
    ground = ground_of([question for _case, question in asked])
    for case, question in asked:
        answer = simulate(with_present_keys(question, ground), ground)
        is_known = answer.outcome is not Outcome.UNDECIDED and not waits_for_keys(question, ground)
        case.found, case.checked_at = end_of(answer), now
        case.is_green = _is_green(case, answer) if is_known else None
        case.save(update_fields=["found", "is_green", "checked_at"])
    return [case for case, _question in asked]


def _is_green(case: Canary, answer: Answer) -> bool:
    return answer.outcome is Outcome.GRANTED and set(case.expected) <= set(answer.scope)


def _noticed(case: Canary) -> Noticed | None:
    if case.is_green is not False:
        return None
    detail = {
        "found": case.found,
        "expected": " ".join(case.expected),
        "last": case.granted_at.isoformat(),
    }
    return Noticed(kind=AlertKind.CANARY_RED, subject=f"{case.client} · {case.target}", detail=detail)
