"""Watching the issuers of trusts in use: who is due is looked at, and what changed since the last look is noticed.

Taking a turn moves its next one on, in a transaction of its own, so no two workers look at once and a worker that dies
costs one look. The looks of an hour are spread over it. Nothing that verifies or grants waits for any of this
(RFC 9700 section 2.5).
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from exchange import alerts, outbound
from exchange.alerts import Concerned
from exchange.models import Looked, SeenKey, TrustWatch
from exchange.noticing import CHECKED, Held, notice
from exchange.observing import Picture, look_at
from partners import watched
from partners.errors import IllegalTransition

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from exchange.outbound import Outbound
    from partners.watched import WatchedTrust

PERIOD: Final = timedelta(hours=1)
AT_ONCE: Final = 4
SECONDS: Final = 20.0
"""How long one wake-up goes on: keys have to be fetched by the same workers, each minute."""
FORGOTTEN_AFTER: Final = timedelta(days=180)

REST: Final = timedelta(seconds=30)

log = structlog.get_logger(__name__)


class TooSoon(IllegalTransition):
    """The issuer was asked a moment ago. The message says what to do."""


class NotWatched(IllegalTransition):
    """The trust is not in use, so nobody looks at its issuer. The message says what to do."""


def watch_due(now: datetime, *, http: Outbound | None = None) -> int:
    """Look at every issuer whose turn it is, for a third of a minute; answers how many. Idempotent: turns are taken."""
    enrol(now)
    stop, client = time.monotonic() + SECONDS, http or outbound.client()

    def work(_number: int) -> int:
        looked = 0
        try:
            while time.monotonic() < stop and (row := take_turn(now)) is not None:
                _watch(row, client, now)
                looked += 1
        except DatabaseError as error:
            log.warning("watch.failed", error=type(error).__name__)
        finally:
            if not connection.in_atomic_block:
                connection.close()
        return looked

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="watch") as threads:
        return sum(threads.map(work, range(AT_ONCE)))


def enrol(now: datetime) -> None:
    """A row for each trust in use that has none, its first look within ten minutes; none for what is out of use."""
    in_use = dict(watched.in_use())
    known = dict(TrustWatch.objects.values_list("trust", "partner"))
    TrustWatch.objects.bulk_create(
        [
            TrustWatch(trust_id=trust, partner_id=in_use[trust], next_at=now + random.random() * PERIOD / 6)  # noqa: S311
            for trust in in_use.keys() - known.keys()
        ],
        ignore_conflicts=True,
    )
    for trust in known.keys() - in_use.keys():
        with transaction.atomic():
            alerts.end_all(known[trust], [trust], now)
            TrustWatch.objects.filter(trust=trust).delete()


def take_turn(now: datetime) -> TrustWatch | None:
    """One row whose turn has come; its next turn is an hour later, a little more or less."""
    with transaction.atomic(durable=True):
        due = TrustWatch.objects.filter(next_at__lte=now).order_by("next_at")
        row = due.select_for_update(skip_locked=True).first()
        if row is not None:
            row.next_at = now + PERIOD * random.uniform(0.9, 1.1)  # noqa: S311 - spread, not secret
            row.save(update_fields=["next_at"])
        return row


def watch(trust_id: UUID, now: datetime, *, http: Outbound | None = None) -> None:
    """Look at one trust now, whether or not its turn has come. One that is not in use is not looked at."""
    row = TrustWatch.objects.filter(trust=trust_id).first()
    if row is not None:
        _watch(row, http or outbound.client(), now)


def look_now(trust_id: UUID, now: datetime) -> None:
    """Somebody wants to see what is there now. Raises ``TooSoon``, and ``NotWatched`` where nobody looks at all.

    Whoever presses a button again and again must not make us ask another organisation again and again.
    """
    with transaction.atomic(durable=True):
        row = TrustWatch.objects.select_for_update().filter(trust=trust_id).first()
        if row is None:
            raise NotWatched(_("This trust is not looked at yet, or no more. Reload the page to see where it stands."))
        if row.asked_at is not None and row.asked_at > now - REST:
            raise TooSoon(_("Somebody looked less than half a minute ago. Reload the page to see what came of it."))
        row.asked_at = now
        row.save(update_fields=["asked_at"])
    watch(trust_id, now)


def sweep(now: datetime) -> None:
    """Delete what was over half a year ago. Idempotent: time decides."""
    long_ago = now - FORGOTTEN_AFTER
    alerts.sweep(long_ago)
    Looked.objects.filter(last_at__lt=long_ago).delete()
    SeenKey.objects.filter(gone_at__lt=long_ago).delete()


def _watch(row: TrustWatch, http: Outbound, now: datetime) -> None:
    trust = watched.trusts([row.trust_id]).get(row.trust_id)
    if trust is None:
        return
    if not connection.in_atomic_block:
        connection.close()  # no connection is held while the network is waited for
    picture = look_at(http, trust) if trust.is_asked else Picture()
    write(trust, picture, now)


def write(trust: WatchedTrust, picture: Picture, now: datetime) -> None:
    """Keep what one look brought, and raise and end alerts by it, all in one transaction under the row's lock."""
    with transaction.atomic(durable=True):
        row = TrustWatch.objects.select_for_update().filter(trust=trust.id).first()
        if row is None:
            return
        if row.location != trust.location:
            _begin_anew(row, trust)
        keys = {key.thumbprint: key for key in row.keys.filter(gone_at=None)}
        noticed = notice(trust, Held(row=row, keys=keys), picture, now)
        about = Concerned(partner_id=trust.partner_id, partner=trust.partner, trust=trust.id, issuer=trust.issuer)
        checked = CHECKED if not picture.error else CHECKED - {alerts.AlertKind.WEAK_KEY}
        alerts.settle(about, noticed, checked, now)
        if trust.is_asked:
            _keep(row, picture, now)
        else:
            row.save()


def _begin_anew(row: TrustWatch, trust: WatchedTrust) -> None:
    """Somebody here pointed the trust elsewhere: what the other place was like is no news."""
    row.keys.all().delete()
    row.location, row.seen_at, row.failing_since, row.last_error = trust.location, None, None, ""
    row.jwks_uri, row.token_endpoint, row.advertised, row.certificate_ends_at = "", "", [], None


def _keep(row: TrustWatch, picture: Picture, now: datetime) -> None:
    _keep_look(row, picture, now)
    row.last_error = picture.error
    if picture.error:
        row.failing_since = row.failing_since or now
        row.save()
        return
    _keep_keys(row, picture, now)
    row.failing_since, row.seen_at = None, now
    row.jwks_uri, row.token_endpoint = picture.jwks_uri, picture.token_endpoint
    row.advertised, row.certificate_ends_at = list(picture.advertised), picture.certificate_ends_at
    row.save()


def _keep_look(row: TrustWatch, picture: Picture, now: datetime) -> None:
    """Looks that come to the same are one row: what is kept is when something was otherwise."""
    last = row.looks.order_by("-last_at").first()
    if last is not None and last.detail == picture.error:
        Looked.objects.filter(pk=last.pk).update(last_at=now, count=last.count + 1)
    else:
        row.looks.create(is_whole=not picture.error, detail=picture.error, first_at=now, last_at=now)


def _keep_keys(row: TrustWatch, picture: Picture, now: datetime) -> None:
    shown = {key.thumbprint: key for key in picture.keys}
    known = {key.thumbprint: key for key in row.keys.all()}
    row.keys.filter(thumbprint__in=shown).update(last_seen_at=now, gone_at=None)
    row.keys.filter(gone_at=None).exclude(thumbprint__in=shown).update(gone_at=now)
    SeenKey.objects.bulk_create(
        SeenKey(
            watch=row,
            thumbprint=thumbprint,
            kid=key.kid,
            kind=key.kind,
            strength=key.strength,
            first_seen_at=now,
            last_seen_at=now,
        )
        for thumbprint, key in shown.items()
        if thumbprint not in known
    )
