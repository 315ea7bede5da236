"""Why a request was refused, which rule said so, and the steps of a decision. Audit and metrics use these words."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from policy.claim_rules import Verdict


class Reason(StrEnum):
    """Every way to be refused. Seen by admins, audit, simulator and metrics; the wire sees the OAuth error only."""

    # the request itself
    METHOD_NOT_ALLOWED = "request.method_not_allowed"
    REQUEST_MALFORMED = "request.malformed"
    REQUEST_TOO_LARGE = "request.too_large"
    REQUEST_TOO_SLOW = "request.too_slow"
    PARAMETER_REPEATED = "request.parameter_repeated"
    PARAMETER_MISSING = "request.parameter_missing"
    PARAMETER_UNEXPECTED = "request.parameter_unexpected"
    GRANT_TYPE_UNSUPPORTED = "request.grant_type_unsupported"
    TOKEN_TYPE_UNSUPPORTED = "request.token_type_unsupported"
    SCOPE_MALFORMED = "request.scope_malformed"
    TARGET_MALFORMED = "request.target_malformed"
    # the client
    CREDENTIALS_MISSING = "client.credentials_missing"
    CREDENTIALS_SEVERAL = "client.credentials_several"
    CREDENTIALS_MALFORMED = "client.credentials_malformed"
    CERTIFICATE_MALFORMED = "client.certificate_malformed"
    CLIENT_ID_MISMATCH = "client.id_mismatch"
    CLIENT_UNKNOWN = "client.unknown"
    CLIENT_PUBLIC = "client.public"
    CLIENT_SUSPENDED = "client.suspended"
    PARTNER_INACTIVE = "client.partner_inactive"
    METHOD_NOT_REGISTERED = "client.method_not_registered"
    SECRET_WRONG = "client.secret_wrong"
    ASSERTION_REFUSED = "client.assertion_refused"
    ASSERTION_REPLAYED = "client.assertion_replayed"
    CERTIFICATE_REFUSED = "client.certificate_refused"
    WORKLOAD_REFUSED = "client.workload_refused"
    WORKLOAD_RULE_UNMET = "client.workload_rule_unmet"
    WORKLOAD_RULE_FAULT = "client.workload_rule_fault"
    GRANT_TYPE_NOT_ALLOWED = "client.grant_type_not_allowed"
    PROOF_INVALID = "proof.invalid"
    PROOF_REPLAYED = "proof.replayed"
    PROOF_MISSING = "proof.missing"
    NONCE_MISSING = "proof.nonce_missing"
    CERTIFICATE_MISSING = "proof.certificate_missing"
    GRANT_REFUSED = "grant.refused"
    GRANT_PENDING = "grant.pending"
    GRANT_POLLED_TOO_FAST = "grant.polled_too_fast"
    GRANT_DENIED = "grant.denied"
    GRANT_EXPIRED = "grant.expired"
    # the subject or actor token
    ISSUER_UNTRUSTED = "token.issuer_untrusted"
    TOKEN_TOO_LARGE = "token.too_large"
    TOKEN_MALFORMED = "token.malformed"
    TOKEN_ENCRYPTED = "token.encrypted"
    HEADER_REFUSED = "token.header_refused"
    ALGORITHM_REFUSED = "token.algorithm_refused"
    KEY_UNKNOWN = "token.key_unknown"
    KEYS_UNAVAILABLE = "token.keys_unavailable"
    SIGNATURE_WRONG = "token.signature_wrong"
    TYPE_MISMATCH = "token.type_mismatch"
    CLAIM_MALFORMED = "token.claim_malformed"
    TOKEN_EXPIRED = "token.expired"
    TOKEN_NOT_YET_VALID = "token.not_yet_valid"
    LIFETIME_TOO_LONG = "token.lifetime_too_long"
    AUDIENCE_MISMATCH = "token.audience_mismatch"
    SENDER_CONSTRAINED = "token.sender_constrained"
    TOKEN_REPLAYED = "token.replayed"
    TOKEN_REVOKED = "token.revoked"
    TOKEN_UNKNOWN = "token.unknown"
    TOKEN_OF_OTHERS = "token.of_others"
    TOKEN_INACTIVE = "token.inactive"
    INTROSPECTION_FAILED = "token.introspection_failed"
    # the decision
    TRUST_RULE_UNMET = "policy.trust_rule_unmet"
    TRUST_RULE_FAULT = "policy.trust_rule_fault"
    TARGET_MISSING = "policy.target_missing"
    TARGET_UNKNOWN = "policy.target_unknown"
    TARGET_NOT_MAPPED = "policy.target_not_mapped"
    TARGETS_DISAGREE = "policy.targets_disagree"
    PARTNER_NOT_ACTIVATED = "policy.partner_not_activated"
    MAPPING_RULE_UNMET = "policy.mapping_rule_unmet"
    MAPPING_RULE_FAULT = "policy.mapping_rule_fault"
    ACTOR_REQUIRED = "policy.actor_required"
    ACTOR_NOT_NAMED = "policy.actor_not_named"
    ACTOR_FOREIGN = "policy.actor_foreign"
    CHAIN_REFUSED = "policy.chain_refused"
    CHAIN_TOO_DEEP = "policy.chain_too_deep"
    CHAIN_LOOP = "policy.chain_loop"
    SCOPE_UNKNOWN = "policy.scope_unknown"
    SCOPE_NOT_GRANTED = "policy.scope_not_granted"
    SUBJECT_UNUSABLE = "policy.subject_unusable"
    LIFETIME_EXHAUSTED = "policy.lifetime_exhausted"
    # limits
    LIMIT_ADDRESS = "limit.address"
    LIMIT_CLIENT = "limit.client"
    LIMIT_PARTNER = "limit.partner"
    LIMIT_SUBJECT = "limit.subject"
    LIMIT_DAY = "limit.day"
    # ourselves
    LEDGER_UNAVAILABLE = "server.ledger_unavailable"
    OVERLOADED = "server.overloaded"
    INTERNAL = "server.internal"


class Rule(StrEnum):
    """The steps of an exchange, in order. A trace shows those after the refusing one as not reached."""

    REQUEST = "request"
    CLIENT = "client"
    POSSESSION = "possession"
    ISSUER = "issuer"
    SUBJECT_TOKEN = "subject_token"
    ACTOR_TOKEN = "actor_token"
    TRUST_RULES = "trust_rules"
    TARGET = "target"
    MAPPING = "mapping"
    DELEGATION = "delegation"
    SCOPE = "scope"
    SUBJECT = "subject"
    LIFETIME = "lifetime"
    RECORD = "record"


SHOWN_LENGTH: Final = 200


class Step(NamedTuple):
    """One rule's outcome, with what it expected and what it received. For admins and audit, never for the wire."""

    rule: Rule
    verdict: Verdict
    expected: str = ""
    received: str = ""


def shown(value: object) -> str:
    """A value fit for a trace: text, bounded, without line breaks or control characters (log injection, CWE-117)."""
    if value is None:
        return "absent"
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= SHOWN_LENGTH and text.isprintable():
        return text
    start = (character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:SHOWN_LENGTH])
    line = "".join(start)
    return line if len(text) <= SHOWN_LENGTH else line[:-1] + "…"
