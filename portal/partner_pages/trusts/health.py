"""The health of a partner's trust in words: what is unwise, what its tokens show, and how long nothing came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policy.lint import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from django.utils.functional import _StrPromise

    from audit.usage import TokensSeen
    from policy.lint import Finding

DORMANT: Final = timedelta(days=30)
SKEW: Final = timedelta(seconds=2)
"""Less is within what clocks and the wire differ by."""
CLOCK_AHEAD: Final = "clock_ahead"
DORMANT_FOR_LONG: Final = "dormant"
FAULTS: Final = (*(str(fault) for fault in Fault), CLOCK_AHEAD, DORMANT_FOR_LONG)
"""Every ``fault`` there is."""

_WORDS: Final[Mapping[Fault, tuple[_StrPromise, _StrPromise]]] = {
    Fault.AUDIENCE_ONLY: (
        gettext_lazy("The audience alone decides"),
        gettext_lazy(
            "Every token that this issuer signs for us is accepted, whoever it is for. Add a condition on a claim that"
            " only this partner's tokens have, such as the tenant."
        ),
    ),
    Fault.UNBOUNDED_PATTERN: (
        gettext_lazy("A pattern without bounds"),
        gettext_lazy("It matches texts that have nothing in common, so it holds nobody back. Name what must be there."),
    ),
    Fault.ONLY_EXISTS: (
        gettext_lazy("A claim must only be there"),
        gettext_lazy("Whatever its value is will do. Say which value is right."),
    ),
    Fault.RISKY_FOR_ALL: (
        gettext_lazy("A risky scope for every token"),
        gettext_lazy(
            "Neither the trust nor the mapping has a condition, and these scopes are given always. Let a scope of the"
            " partner's token be worth them instead, or add a condition."
        ),
    ),
    Fault.RISKY_IMPERSONATION: (
        gettext_lazy("A critical scope without an actor"),
        gettext_lazy("Nobody can tell who used it in whose name. Demand an actor token in the mapping."),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing to look at. ``fault`` is what programs go by; ``subject`` the trust, mapping or issuer it is about."""

    fault: str
    title: str
    subject: str
    detail: str
    words: str


def advice(
    findings: Iterable[Finding], seen: Iterable[TokensSeen], last: datetime | None, now: datetime
) -> tuple[Advice, ...]:
    """Everything to look at, what is unwise first."""
    unwise = (
        Advice(
            fault=found.fault,
            title=str(_WORDS[found.fault][0]),
            subject=found.subject,
            detail=found.detail,
            words=str(_WORDS[found.fault][1]),
        )
        for found in findings
    )
    return (*unwise, *_clocks(seen), *_dormant(last, now))


def _clocks(seen: Iterable[TokensSeen]) -> Iterator[Advice]:
    for tokens in seen:
        if tokens.youngest is not None and tokens.youngest < -SKEW:
            seconds = int(-tokens.youngest.total_seconds())
            yield Advice(
                fault=CLOCK_AHEAD,
                title=_("The issuer's clock is ahead"),
                subject=tokens.issuer,
                detail=_("by %(seconds)d seconds at least") % {"seconds": seconds},
                words=_(
                    "A token came before its own time of issue. Beyond the leeway of the trust its tokens are refused:"
                    " ask the partner to look at its clock."
                ),
            )


def _dormant(last: datetime | None, now: datetime) -> Iterator[Advice]:
    if last is not None and last < now - DORMANT:
        yield Advice(
            fault=DORMANT_FOR_LONG,
            title=_("Nothing has come for long"),
            subject="",
            detail=_("the last exchange was %(days)d days ago") % {"days": (now - last).days},
            words=_("A trust that nobody needs is a way in that nobody watches. Ask the partner, or suspend it."),
        )
