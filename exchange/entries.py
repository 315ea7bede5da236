"""What one answer writes: its audit event, its token and family rows, and the identifiers it spends (RFC 8693 s6).

Built before the commit, from values only; the ledger turns a batch of entries into one call of the database.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson
from msgspec import Struct

from audit import events
from audit.envelope import Envelope, seal
from audit.identifiers import new_id, text_of
from policy.claim_rules import Verdict
from policy.delegation import depth
from policy.reasons import Reason, Rule, Step, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from exchange.jwt_checks import Wrong
    from exchange.protocol.errors import OAuthError
    from exchange.protocol.response import Answer
    from exchange.signed_token import SignedToken
    from exchange.spending import SpendOnce
    from exchange.trail import Trail
    from policy.tokens import VerifiedToken

SEPARATOR: Final = "\x1f"


class UnfitValue(ValueError):
    """A value holds U+001F or NUL, which would shift the columns of others, or a lone surrogate, which is no text."""


class Entry(Struct, frozen=True, kw_only=True):
    """One answer, yes or no, that must be durable before it leaves."""

    epoch: int
    envelope: Envelope
    signed: SignedToken | None
    client_pk: str
    spends: tuple[SpendOnce, ...]
    rests_on: tuple[str, ...] = ()
    """Tokens of ours that must not have been revoked when this is committed."""

    def columns(self) -> tuple[str, ...]:
        """The values of ``exchange_record``'s answer columns, in its order."""
        envelope, event = self.envelope, self.envelope.event
        return (
            envelope.id,
            event.kind,
            event.outcome,
            event.reason,
            "" if event.partner_id is None else text_of(event.partner_id),
            event.client,
            event.target,
            str(envelope.actor),
            envelope.correlation_id,
            envelope.canonical,
            envelope.mac.hex(),
            envelope.kek_id,
            *(_NO_TOKEN if self.signed is None else self._token_columns(self.signed)),
        )

    def _token_columns(self, signed: SignedToken) -> tuple[str, ...]:
        granted, lineage = signed.granted, signed.lineage
        return (
            signed.id,
            lineage.family_id,
            self.client_pk,
            signed.kid,
            granted.subject,
            " ".join(granted.audience),
            " ".join(sorted(granted.scope)),
            str(signed.issued_at),
            str(signed.expires_at),
            lineage.root_issuer,
            lineage.root_token_id,
            str(depth(granted.act)),
            lineage.parent_id,
            signed.digest,
            "" if signed.stored is None else orjson.dumps(signed.stored).decode(),
        )


_NO_TOKEN: Final = ("",) * 15


def join(values: Iterable[str]) -> bytes:
    """One column of a batch as the database takes it. Raises ``UnfitValue``."""
    listed = tuple(values)
    text = SEPARATOR.join(listed)
    if text.count(SEPARATOR) != max(len(listed) - 1, 0) or "\0" in text:
        raise UnfitValue("a value holds a separator")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise UnfitValue("a value holds a lone surrogate") from error


def parameters(entries: list[Entry]) -> list[bytes]:
    """The parameters of ``exchange_record``: the epoch, a joined text per column, and the spends sorted by key.

    Sorted, because two batches that insert the same keys in different order would deadlock.
    """
    spends = sorted(
        (
            (spend.purpose, spend.issuer, spend.jti, index, spend.expires_at)
            for index, entry in enumerate(entries, 1)
            for spend in entry.spends
        ),
        key=lambda row: row[:3],
    )
    return [
        str(entries[0].epoch).encode(),
        *(join(column) for column in zip(*(entry.columns() for entry in entries), strict=True)),
        join(str(row[3]) for row in spends),
        join(row[0] for row in spends),
        join(row[1] for row in spends),
        join(row[2] for row in spends),
        join(repr(row[4].timestamp()) for row in spends),
        *_rests(entries),
    ]


def _rests(entries: list[Entry]) -> tuple[bytes, bytes]:
    """What the answers rest on: the place of each in the batch, and the token's id. Mostly nothing."""
    rests = [(str(index), token_id) for index, entry in enumerate(entries, 1) for token_id in entry.rests_on]
    return join(index for index, _ in rests), join(token_id for _, token_id in rests)


def granted_entry(
    signed: SignedToken,
    trail: Trail,
    spends: tuple[SpendOnce, ...],
    *,
    rests_on: tuple[VerifiedToken, ...],
    epoch: int,
    now: datetime,
) -> Entry:
    """The entry of a token that may leave once it is committed."""
    client = trail.authenticated_client
    assert client is not None
    partner = client.client.partner
    recorded = (Step(Rule.RECORD, Verdict.PASSED, "recorded before the answer", signed.event_id),)
    event = events.ExchangeGranted(
        partner_id=partner.id if partner else None,
        partner=partner.slug if partner else "",
        client=client.client.client_id,
        target=trail.target(),
        data=trail.document((*signed.granted.steps, *recorded), signed),
    )
    actor = events.Actor(events.ActorKind.CLIENT, client.client.client_id)
    envelope = seal(event, actor, event_id=signed.event_id, correlation_id=trail.correlation_id, at=now)
    return Entry(
        epoch=epoch,
        envelope=envelope,
        signed=signed,
        client_pk=text_of(client.client.id),
        spends=spends,
        rests_on=tuple(token.token_id for token in rests_on),
    )


def relayed_entry(answer: Answer, trail: Trail, *, epoch: int, now: datetime) -> Entry:
    """The entry of an answer that django-oauth-toolkit gave, granted or refused."""
    client = trail.authenticated_client
    partner = client.client.partner if client else None
    is_granted = answer.status == HTTPStatus.OK
    kind = events.ExchangeGranted if is_granted else events.ExchangeRefused
    event = kind(
        partner_id=partner.id if partner else None,
        partner=partner.slug if partner else "",
        client=trail.client_id(),
        reason="" if is_granted else Reason.GRANT_REFUSED,
        data=trail.document(()) | {"status": answer.status} | ({} if is_granted else {"error": _error(answer)}),
    )
    actor = events.Actor(events.ActorKind.CLIENT, trail.client_id())
    envelope = seal(event, actor, event_id=new_id(), correlation_id=trail.correlation_id, at=now)
    return Entry(epoch=epoch, envelope=envelope, signed=None, client_pk="", spends=trail.unspent())


def _error(answer: Answer) -> str:
    """The OAuth error code of an answer in JSON."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    return shown(body.get("error")) if isinstance(body, dict) else ""


def noted_entry(kind: type[events.Event], wrong: Wrong | None, trail: Trail, *, epoch: int, now: datetime) -> Entry:
    """The entry of a question about a token, asked in vain when ``wrong`` says why."""
    client = trail.authenticated_client
    partner = client.client.partner if client else None
    steps = () if wrong is None else (Step(Rule.SUBJECT_TOKEN, Verdict.REFUSED, wrong.expected, wrong.received),)
    event = kind(
        partner_id=partner.id if partner else None,
        partner=partner.slug if partner else "",
        client=trail.client_id(),
        reason="" if wrong is None else wrong.reason,
        data=trail.document(steps),
    )
    actor = events.Actor(events.ActorKind.CLIENT, client.client.client_id) if client else events.UNAUTHENTICATED
    envelope = seal(event, actor, event_id=new_id(), correlation_id=trail.correlation_id, at=now)
    return Entry(epoch=epoch, envelope=envelope, signed=None, client_pk="", spends=trail.unspent())


def refused_entry(error: OAuthError, trail: Trail, *, epoch: int, now: datetime) -> Entry:
    """The entry of a refusal, with what was known so far. A proven assertion is spent by a refused request too."""
    client = trail.authenticated_client
    partner = client.client.partner if client else None
    event = _kind_of(error)(
        partner_id=partner.id if partner else None,
        partner=partner.slug if partner else "",
        client=trail.client_id(),
        target=trail.target(),
        reason=error.reason,
        data=trail.document(error.steps) | {"error": error.error, "status": error.status},
    )
    actor = events.Actor(events.ActorKind.CLIENT, client.client.client_id) if client else events.UNAUTHENTICATED
    envelope = seal(event, actor, event_id=new_id(), correlation_id=trail.correlation_id, at=now)
    return Entry(epoch=epoch, envelope=envelope, signed=None, client_pk="", spends=trail.unspent())


_WAITS: Final = frozenset({Reason.GRANT_PENDING, Reason.GRANT_POLLED_TOO_FAST})


def _kind_of(error: OAuthError) -> type[events.Event]:
    """A device that is to ask again was not refused (RFC 8628 section 3.5)."""
    if error.reason in _WAITS:
        return events.DevicePolled
    failed = error.status == HTTPStatus.UNAUTHORIZED
    return events.ClientAuthenticationFailed if failed else events.ExchangeRefused


def counted_entry(event: events.FailuresCounted | events.GuessingNoticed, *, epoch: int, now: datetime) -> Entry:
    """The entry of failures that were counted; it answers no request and has a reference of its own."""
    envelope = seal(event, events.UNAUTHENTICATED, event_id=new_id(), correlation_id=new_id(), at=now)
    return Entry(epoch=epoch, envelope=envelope, signed=None, client_pk="", spends=())
