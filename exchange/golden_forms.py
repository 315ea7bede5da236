"""A golden token as its row keeps it: the question without a signature, and the end it comes to (RFC 7515 s3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from exchange.simulation import Outcome, Question
from exchange.supposing import Typed
from policy.claim_rules import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from exchange.registry import Registry
    from exchange.simulation import Answer
    from policy.claim_rules import ClaimRule
    from policy.mapping import ScopeMapping

ALWAYS_READ: Final = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "typ", "azp", "cnf", "scope", "scp", "act", "may_act"),
        *("client_id", "nonce", "at_hash", "c_hash", "s_hash", "auth_time", "acr", "amr", "fam", "src"),
    }
)
"""What the line itself reads of a token, whatever the rules say."""
_WORDS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is to be kept of one try: whose it is, what was asked, and the answer it got."""

    partner_id: UUID
    question: Question
    answer: Answer
    as_if_active: bool
    read: frozenset[str]
    """The names of claims that may be kept."""

    def document(self) -> dict[str, Any]:
        """The question as a row keeps it. Claims that nothing reads are left out: they are somebody's."""
        question = self.question
        return {
            "client_id": question.client_id,
            "grant_type": question.grant_type,
            "at": question.at.isoformat(),
            "parameters": {name: list(values) for name, values in question.parameters.items()},
            "subject": _document(question.subject, self.read),
            "actor": _document(question.actor, self.read),
            "has_proof": question.has_proof,
            "has_certificate": question.has_certificate,
            "as_if_active": self.as_if_active,
        }


def _document(token: object, read: frozenset[str]) -> dict[str, Any] | None:
    if not isinstance(token, Typed):
        return None
    claims = {name: value for name, value in token.claims.items() if name in read}
    return {"header": dict(token.header), "claims": claims}


def question_from(document: Mapping[str, Any]) -> Question:
    """The question that a row keeps."""
    return Question(
        client_id=document["client_id"],
        grant_type=document["grant_type"],
        at=datetime.fromisoformat(document["at"]),
        parameters={name: tuple(values) for name, values in document["parameters"].items()},
        subject=_typed(document["subject"]),
        actor=_typed(document["actor"]),
        has_proof=document["has_proof"],
        has_certificate=document["has_certificate"],
    )


def _typed(document: Mapping[str, Any] | None) -> Typed | None:
    return None if document is None else Typed(header=document["header"], claims=document["claims"])


def end_of(answer: Answer) -> dict[str, Any]:
    """What an answer comes to: granted with scopes, or refused for a reason at a step."""
    stops = {Verdict.REFUSED, Verdict.FAULT}
    step = next((str(step.rule) for step in answer.steps if step.verdict in stops), "")
    return {
        "outcome": answer.outcome.value,
        "reason": answer.reason.value if answer.reason else "",
        "step": step,
        "scope": list(answer.scope),
    }


def in_words(end: Mapping[str, Any]) -> str:
    """An end in words."""
    if end["outcome"] == Outcome.GRANTED:
        return _("granted: %(scope)s") % {"scope": " ".join(end["scope"]) or _("no scope")}
    if end["outcome"] == Outcome.REFUSED:
        return _("refused at %(step)s: %(reason)s") % {"step": end["step"], "reason": end["reason"]}
    return _("not decided")


def read_by(registry: Registry, client_id: str) -> frozenset[str]:
    """The names of the claims that the line, and the rules of the client's partner, read."""
    registered = registry.client(client_id)
    partner = None if registered is None else registered.client.partner
    theirs = registry.partners.get(None if partner is None else partner.id)
    names = set(ALWAYS_READ)
    if theirs is not None:
        for issuer in theirs.issuers:
            names.update(_of_rules(issuer.trust.rules))
        for mapping in (*theirs.mappings, *(mapping for issuer in theirs.issuers for mapping in issuer.mappings)):
            names.update(_of_mapping(mapping))
    return frozenset(names)


def _of_rules(rules: tuple[ClaimRule, ...]) -> Iterator[str]:
    """A claim's name may hold slashes, or be a path whose first part is the claim."""
    for rule in rules:
        yield rule.claim
        yield rule.claim.partition("/")[0]


def _of_mapping(mapping: ScopeMapping) -> Iterator[str]:
    yield from _of_rules(mapping.rules)
    yield mapping.subject_claim
    expressions = (mapping.condition, mapping.scopes_expression, *mapping.claims.values())
    for expression in expressions:
        for word in _WORDS.findall(expression.source) if expression is not None else ():
            yield word
            yield from word.split(".")
