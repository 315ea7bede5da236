"""A recorded exchange as the question that it would be now: its times moved on, its key one that is there.

The claims are the recorded ones. What is supposed is the signature: the partner's key is theirs, and a token of our
own making in their name would be a way in. So a canary tells of rules, mappings, clients, targets and of keys that
ended, and never of the partner's own ability to sign.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from exchange.supposing import Typed
from portal.simulator.simulations import question_of

if TYPE_CHECKING:
    from datetime import datetime

    from audit.selectors import Record
    from exchange.registry import Registry
    from exchange.simulation import Question

_TIMES: Final = ("iat", "nbf", "exp", "auth_time")


def question_at(record: Record, now: datetime) -> Question | None:
    """What the exchange would ask at ``now``; None where nothing can be asked again.

    Tokens of our own are left out: the keys that signed them retire by plan, so an old one says nothing of a new one.
    """
    try:
        question = question_of(record)
    except ValueError:
        return None
    tokens = [token for token in (question.subject, question.actor) if isinstance(token, Typed)]
    data: dict[str, Any] = record.document.get("data") or {}
    is_complete = bool(tokens) or not data.get("subject")
    if not is_complete or any(token.claims.get("iss") == settings.HANDOVER.issuer for token in tokens):
        return None
    seconds = int((now - question.at).total_seconds())
    return replace(question, at=now, subject=_moved(question.subject, seconds), actor=_moved(question.actor, seconds))


def with_present_keys(question: Question, ground: Registry) -> Question:
    """The same question with tokens that name a key their issuer has now, where it has one for their algorithm.

    A partner that changed its keys as it should must not turn its canary red.
    """
    return replace(question, subject=_renamed(question.subject, ground), actor=_renamed(question.actor, ground))


def waits_for_keys(question: Question, ground: Registry) -> bool:
    """Whether the keys of an issuer were never fetched yet: then nobody can tell, and soon somebody will."""
    issuers = {token.claims.get("iss") for token in (question.subject, question.actor) if isinstance(token, Typed)}
    rings = [issuer.keys for (_partner, name), issuer in ground.issuers.items() if name in issuers]
    return any(ring.is_fetched and not ring.keys and ring.usable_until is None for ring in rings)


def _moved(token: object, seconds: int) -> Typed | None:
    if not isinstance(token, Typed):
        return None
    moved = {name: token.claims[name] + seconds for name in _TIMES if isinstance(token.claims.get(name), int)}
    return replace(token, claims={**token.claims, **moved})


def _renamed(token: object, ground: Registry) -> Typed | None:
    if not isinstance(token, Typed):
        return None
    rings = [issuer.keys for (_partner, name), issuer in ground.issuers.items() if name == token.claims.get("iss")]
    kid, algorithm = token.header.get("kid"), token.header.get("alg")
    for ring in rings:
        if kid in ring.keys:
            return token
        fitting = (name for name in ring.keys if (key := ring.find(name)) is not None and algorithm in key.algorithms)
        other = next(fitting, None)
        if other is not None:
            return replace(token, header={**token.header, "kid": other})
    return token
