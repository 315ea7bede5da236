"""What is worth an alert between two looks at an issuer, and what its tokens show (RFC 8725 s3.1, RFC 7519 s4.1.6).

The first look raises nothing that is a change: what an issuer was like before anybody looked is nobody's news.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from audit.selectors import last_seen
from audit.usage import tokens_seen
from exchange.alerts import AlertKind, Noticed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from exchange.models import SeenKey, TrustWatch
    from exchange.observing import Picture
    from partners.watched import WatchedTrust

UNREACHABLE_AFTER: Final = timedelta(hours=3)
CERTIFICATE_AHEAD: Final = timedelta(days=14)
SKEW: Final = timedelta(seconds=2)
"""Less is within what clocks and the wire differ by."""
LOOKED_BACK: Final = timedelta(days=7)
DORMANT: Final = timedelta(days=30)
CHECKED: Final = frozenset(
    {
        AlertKind.UNREACHABLE,
        AlertKind.CERTIFICATE_ENDS,
        AlertKind.WEAK_KEY,
        AlertKind.CLOCK_AHEAD,
        AlertKind.DORMANT,
    }
)
"""The states of things that a look finds out about: an open alert of these that is not noticed again is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The last picture: the row, and the keys that were published then, by thumbprint."""

    row: TrustWatch
    keys: Mapping[str, SeenKey]


def notice(trust: WatchedTrust, held: Held, picture: Picture, now: datetime) -> list[Noticed]:
    """Everything worth an alert."""
    found = [*_clock(trust, now), *_dormant(trust, now)]
    if picture.error:
        found += _unreachable(trust, held, picture, now)
        return [*found, *_certificate(trust, held.row.certificate_ends_at, now)]
    found += [*_certificate(trust, picture.certificate_ends_at, now), *_weak(picture)]
    if held.row.seen_at is not None:
        found += [*_keys(held, picture), *_addresses(held, picture), *_algorithms(held, picture)]
    return found


def _unreachable(trust: WatchedTrust, held: Held, picture: Picture, now: datetime) -> Iterator[Noticed]:
    since = held.row.failing_since
    if since is not None and now - since >= UNREACHABLE_AFTER:
        until = trust.usable_until.isoformat() if trust.usable_until else ""
        detail = {"since": since.isoformat(), "why": picture.error, "usable_until": until}
        yield Noticed(kind=AlertKind.UNREACHABLE, detail=detail)


def _certificate(trust: WatchedTrust, ends_at: datetime | None, now: datetime) -> Iterator[Noticed]:
    if ends_at is not None and ends_at <= now + CERTIFICATE_AHEAD:
        host = urlsplit(trust.location).hostname or ""
        yield Noticed(kind=AlertKind.CERTIFICATE_ENDS, subject=host, detail={"ends_at": ends_at.isoformat()})


def _weak(picture: Picture) -> Iterator[Noticed]:
    for kid in picture.weak:
        yield Noticed(kind=AlertKind.WEAK_KEY, subject=kid, detail={})


def _keys(held: Held, picture: Picture) -> Iterator[Noticed]:
    shown = {key.thumbprint: key for key in picture.keys}
    weakest = min((key.strength for key in held.keys.values()), default=0)
    for thumbprint in sorted(shown.keys() - held.keys.keys()):
        key = shown[thumbprint]
        detail = {"kid": key.kid, "kind": key.kind}
        if key.strength < weakest:
            detail |= {"strength": str(key.strength), "before": str(weakest)}
            yield Noticed(kind=AlertKind.WEAKER_KEY, subject=thumbprint, detail=detail)
        else:
            yield Noticed(kind=AlertKind.KEY_ADDED, subject=thumbprint, detail=detail)
    for thumbprint in sorted(held.keys.keys() - shown.keys()):
        gone = held.keys[thumbprint]
        yield Noticed(kind=AlertKind.KEY_VANISHED, subject=thumbprint, detail={"kid": gone.kid, "kind": gone.kind})


def _addresses(held: Held, picture: Picture) -> Iterator[Noticed]:
    before, after = held.row.jwks_uri, picture.jwks_uri
    if before and after != before:
        yield Noticed(kind=AlertKind.JWKS_URI_CHANGED, subject=after, detail={"before": before})
    before, after = (urlsplit(url).netloc for url in (held.row.token_endpoint, picture.token_endpoint))
    if before and after != before:
        yield Noticed(kind=AlertKind.TOKEN_ENDPOINT_MOVED, subject=after, detail={"before": before})


def _algorithms(held: Held, picture: Picture) -> Iterator[Noticed]:
    """``none`` and the symmetric ones are never accepted here; an issuer that begins to offer them has a problem."""
    for name in sorted(set(picture.advertised) - set(held.row.advertised)):
        if name == "none" or name.startswith("HS"):
            yield Noticed(kind=AlertKind.WEAKER_ALGORITHM, subject=name, detail={})


def _clock(trust: WatchedTrust, now: datetime) -> Iterator[Noticed]:
    for tokens in tokens_seen(trust.partner_id, since=now - LOOKED_BACK):
        if tokens.issuer == trust.issuer and tokens.youngest is not None and tokens.youngest < -SKEW:
            seconds = int(-tokens.youngest.total_seconds())
            yield Noticed(kind=AlertKind.CLOCK_AHEAD, detail={"seconds": seconds})


def _dormant(trust: WatchedTrust, now: datetime) -> Iterator[Noticed]:
    """A partner that never exchanged is not dormant: it has not begun."""
    last = last_seen([trust.partner_id]).get(trust.partner_id)
    if last is not None and last < now - DORMANT:
        yield Noticed(kind=AlertKind.DORMANT, detail={"last": last.isoformat()})
