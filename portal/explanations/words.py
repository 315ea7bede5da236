"""The words of every reason and every step. Total: tests compare the keys with ``Reason`` and ``Rule``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from policy.reasons import Reason, Rule
from portal.explanations.explanation import Explanation
from portal.explanations.limits import LIMITS
from portal.explanations.policies import POLICIES
from portal.explanations.requests import REQUESTS
from portal.explanations.tokens import TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {**REQUESTS, **TOKENS, **POLICIES, **LIMITS}

RULES: Final[Mapping[Rule, _StrPromise]] = {
    Rule.REQUEST: _("Request well formed"),
    Rule.CLIENT: _("Client authenticated"),
    Rule.POSSESSION: _("Key possessed"),
    Rule.ISSUER: _("Issuer trusted"),
    Rule.SUBJECT_TOKEN: _("Subject token genuine and in force"),
    Rule.ACTOR_TOKEN: _("Actor token genuine and in force"),
    Rule.TRUST_RULES: _("Conditions of the trust"),
    Rule.TARGET: _("Target registered"),
    Rule.MAPPING: _("Mapping found"),
    Rule.DELEGATION: _("Delegation allowed"),
    Rule.SCOPE: _("Scopes within every limit"),
    Rule.LIFETIME: _("Lifetime bounded"),
    Rule.SUBJECT: _("Subject named"),
    Rule.RECORD: _("Recorded once"),
}

GROUPS: Final[Mapping[str, _StrPromise]] = {
    "request": _("The request"),
    "client": _("The client"),
    "grant": _("The code or refresh token"),
    "proof": _("Proof of possession"),
    "token": _("The token"),
    "policy": _("The rules"),
    "limit": _("The limits"),
    "server": _("Ourselves"),
}
"""The first word of a reason, for grouping a long list of them."""

UNKNOWN: Final = Explanation(
    _("Reason not known here"),
    _("The event names a reason that this version of the portal does not know."),
    _("Look it up in the version that wrote the event."),
)


def explain(reason: str) -> Explanation:
    """The words of a reason. An event of a newer version may name one we do not know, which is no reason to fail."""
    try:
        return EXPLANATIONS[Reason(reason)]
    except ValueError:
        return UNKNOWN
