"""Where in the line each reason can end it: the words that audit, simulator and documentation have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policy.reasons import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN: Final = (Rule.SUBJECT_TOKEN, Rule.ACTOR_TOKEN)
_OF_GROUP: Final[Mapping[str, tuple[Rule, ...]]] = {
    "request": (Rule.REQUEST,),
    "client": (Rule.CLIENT,),
    "proof": (Rule.POSSESSION,),
    "grant": (Rule.SUBJECT_TOKEN,),
    "token": _TOKEN,
    "limit": (Rule.CLIENT,),
    "server": (Rule.RECORD,),
}
"""By the first word of a reason, where nothing more is said below."""
_APART: Final[Mapping[Reason, tuple[Rule, ...]]] = {
    Reason.CERTIFICATE_MALFORMED: (Rule.REQUEST,),
    Reason.ASSERTION_REPLAYED: (Rule.RECORD,),
    Reason.PROOF_REPLAYED: (Rule.RECORD,),
    Reason.ISSUER_UNTRUSTED: (Rule.ISSUER, *_TOKEN),
    Reason.TOKEN_TOO_LARGE: (Rule.REQUEST,),
    Reason.SENDER_CONSTRAINED: (*_TOKEN, Rule.POSSESSION),
    Reason.TOKEN_REPLAYED: (Rule.RECORD,),
    Reason.TOKEN_REVOKED: (Rule.RECORD, Rule.TRUST_RULES),
    Reason.TRUST_RULE_UNMET: (Rule.TRUST_RULES,),
    Reason.TRUST_RULE_FAULT: (Rule.TRUST_RULES,),
    Reason.TARGET_MISSING: (Rule.TARGET,),
    Reason.TARGET_UNKNOWN: (Rule.TARGET,),
    Reason.TARGET_NOT_MAPPED: (Rule.MAPPING,),
    Reason.TARGETS_DISAGREE: (Rule.TARGET, Rule.MAPPING, Rule.SUBJECT),
    Reason.PARTNER_NOT_ACTIVATED: (Rule.TARGET,),
    Reason.MAPPING_RULE_UNMET: (Rule.MAPPING,),
    Reason.MAPPING_RULE_FAULT: (Rule.MAPPING, Rule.SCOPE),
    Reason.ACTOR_REQUIRED: (Rule.DELEGATION,),
    Reason.ACTOR_NOT_NAMED: (Rule.DELEGATION,),
    Reason.ACTOR_FOREIGN: (Rule.DELEGATION,),
    Reason.CHAIN_REFUSED: (Rule.DELEGATION,),
    Reason.CHAIN_TOO_DEEP: (Rule.DELEGATION,),
    Reason.CHAIN_LOOP: (Rule.DELEGATION,),
    Reason.SCOPE_UNKNOWN: (Rule.SCOPE,),
    Reason.SCOPE_NOT_GRANTED: (Rule.SCOPE,),
    Reason.SUBJECT_UNUSABLE: (Rule.SUBJECT,),
    Reason.LIFETIME_EXHAUSTED: (Rule.LIFETIME,),
    Reason.LIMIT_ADDRESS: (Rule.REQUEST,),
    Reason.LIMIT_SUBJECT: (Rule.SUBJECT_TOKEN,),
}


def places_of(reason: Reason) -> tuple[Rule, ...]:
    """The steps at which a request can be refused for this reason, the usual one first."""
    return _APART.get(reason) or _OF_GROUP[reason.partition(".")[0]]
