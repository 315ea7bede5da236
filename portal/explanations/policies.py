"""Reasons that lie in our rules, and those that lie in ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from policy.reasons import Reason
from portal.explanations.explanation import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES: Final[Mapping[Reason, Explanation]] = {
    Reason.TRUST_RULE_UNMET: Explanation(
        _("Trust condition not met"),
        _("The token is genuine, but it does not meet a condition of the trust."),
        _("Compare what was expected with what came. One of the two has to change."),
    ),
    Reason.TRUST_RULE_FAULT: Explanation(
        _("Trust condition not decidable"),
        _("A condition of the trust could not be evaluated, because the claim is of another kind than it expects."),
        _("This is a fault in the configuration. Mend the condition or the claim."),
    ),
    Reason.TARGET_MISSING: Explanation(
        _("No target named"),
        _("The request names no target, and the partner has no default target."),
        _("Send audience or resource, or give the partner a default target."),
    ),
    Reason.TARGET_UNKNOWN: Explanation(
        _("Target unknown"),
        _("A target in the request is not registered. One unknown name refuses the whole request."),
        _("Check the spelling, or register the target."),
    ),
    Reason.TARGET_NOT_MAPPED: Explanation(
        _("Target not mapped"),
        _("No published mapping leads from this partner's token to the target."),
        _("Publish a mapping, or let the caller ask for a target that is mapped."),
    ),
    Reason.TARGETS_DISAGREE: Explanation(
        _("Targets disagree"),
        _(
            "The targets asked for would name the subject or carry claims differently, or want tokens of different"
            " formats: one token cannot serve them all."
        ),
        _("Ask for one target at a time."),
    ),
    Reason.PARTNER_NOT_ACTIVATED: Explanation(
        _("Partner not activated yet"),
        _("Until a partner is activated, it and what came of its tokens get tokens for test targets only."),
        _("Ask for a test target. Once that works, a second person activates the partner."),
    ),
    Reason.MAPPING_RULE_UNMET: Explanation(
        _("Mapping condition not met"),
        _("A mapping leads to the target, but the token does not meet its condition."),
        _("Compare what was expected with what came. One of the two has to change."),
    ),
    Reason.MAPPING_RULE_FAULT: Explanation(
        _("Mapping not decidable"),
        _("A condition, the scopes or a claim of a mapping could not be worked out. No other mapping was tried."),
        _("This is a fault in the configuration. Mend what the mapping says, or the claim it reads."),
    ),
    Reason.ACTOR_REQUIRED: Explanation(
        _("Actor token required"),
        _("The mapping allows delegation only, and the request says nobody who acts."),
        _("Send an actor token, or allow impersonation in the mapping."),
    ),
    Reason.ACTOR_NOT_NAMED: Explanation(
        _("Actor not allowed"),
        _("The subject token says who may act for it, and this is somebody else."),
        _("Let the actor that may_act names make the exchange."),
    ),
    Reason.ACTOR_FOREIGN: Explanation(
        _("Actor of somebody else"),
        _("The actor token is not of an issuer that is trusted for this partner."),
        _("Send an actor token of the same partner."),
    ),
    Reason.CHAIN_REFUSED: Explanation(
        _("Delegation chain refused"),
        _("The subject token brings a chain of actors that is malformed or not accepted from this issuer."),
        _("The step says what is wrong with the chain."),
    ),
    Reason.CHAIN_TOO_DEEP: Explanation(
        _("Delegation chain too deep"),
        _("With this exchange the chain of actors would be longer than the trust or the mapping allows."),
        _("Shorten the chain, or raise the depth where that is meant."),
    ),
    Reason.CHAIN_LOOP: Explanation(
        _("Delegation chain in a circle"),
        _("The same actor would be in the chain twice."),
        _("Find out why a service calls itself through others."),
    ),
    Reason.SCOPE_UNKNOWN: Explanation(
        _("Scope unknown"),
        _("A scope in the request is not in the target's catalogue."),
        _("Check the spelling, or add the scope to the catalogue."),
    ),
    Reason.SCOPE_NOT_GRANTED: Explanation(
        _("No scope left"),
        _("None of the requested scopes is within the token's rights, the mapping and the client's ceiling."),
        _("The step shows what could have been granted, and what was asked for."),
    ),
    Reason.SUBJECT_UNUSABLE: Explanation(
        _("Subject not usable"),
        _("The claim that names the subject is absent, too long or not printable."),
        _("Choose another claim in the mapping, or let the issuer mend this one."),
    ),
    Reason.LIFETIME_EXHAUSTED: Explanation(
        _("No time left"),
        _("Less than a second would have been left of the token to be issued."),
        _("Get a fresh token before each exchange."),
    ),
    Reason.LEDGER_UNAVAILABLE: Explanation(
        _("Store not reachable"),
        _("The exchange could not be recorded, so nothing was issued."),
        _("Look after the database. Callers were told to try again."),
    ),
    Reason.OVERLOADED: Explanation(
        _("Too many at once"),
        _("More requests were waiting than can be answered in time, so this one was turned away at once."),
        _("Callers were told to try again. If it lasts, add processes."),
    ),
    Reason.INTERNAL: Explanation(
        _("Fault of ours"),
        _("Handover failed while it answered. Nothing was issued."),
        _("The log has the cause under this reference."),
    ),
}
