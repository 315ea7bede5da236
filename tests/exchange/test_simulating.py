"""The simulator beside the endpoint: for every reason the same step (random requests: ``test_previews``).

The cases are generated from ``Reason``: each has a request that is refused for it, or says why no simulation can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exchange.simulation import Outcome
from policy.places import places_of
from policy.reasons import Reason
from portal.generated_docs import errors_page
from tests.exchange.trial_worlds import ARCHIVE, endpoint
from tests.exchange.trials import Trial, Verdict, judged, path
from tests.world import JWT, LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests import services as plugin
    from tests.world import World

OTHERS = {"sub": "somebody-else"}
CHAIN = {"sub": "robot-1", "act": {"sub": "robot-2"}}
TRIALS: dict[Reason, Trial] = {
    Reason.PARAMETER_MISSING: Trial(parameters={"subject_token_type": None}),
    Reason.PARAMETER_UNEXPECTED: Trial(parameters={"actor_token_type": JWT}),
    Reason.GRANT_TYPE_UNSUPPORTED: Trial(grant="password"),
    Reason.TOKEN_TYPE_UNSUPPORTED: Trial(parameters={"subject_token_type": "urn:x"}),
    Reason.SCOPE_MALFORMED: Trial(parameters={"scope": "a  b"}),
    Reason.TARGET_MALFORMED: Trial(parameters={"resource": "not-a-uri"}),
    Reason.CLIENT_UNKNOWN: Trial(client="nobody"),
    Reason.CLIENT_PUBLIC: Trial(client="heron-public"),
    Reason.CLIENT_SUSPENDED: Trial(client="kestrel-gone"),
    Reason.PARTNER_INACTIVE: Trial(client="idle-backend"),
    Reason.METHOD_NOT_REGISTERED: Trial(client="kestrel-methodless"),
    Reason.GRANT_TYPE_NOT_ALLOWED: Trial(client="kestrel-grants"),
    Reason.PROOF_MISSING: Trial(client="kestrel-proving"),
    Reason.CERTIFICATE_MISSING: Trial(client="kestrel-certified"),
    Reason.ISSUER_UNTRUSTED: Trial(signer="other_idp"),
    Reason.TOKEN_TOO_LARGE: Trial(text="x" * 16_385),
    Reason.TOKEN_MALFORMED: Trial(text="no-token", parameters={"subject_token_type": JWT}),
    Reason.TOKEN_ENCRYPTED: Trial(text="a.b.c.d.e", parameters={"subject_token_type": JWT}),
    Reason.HEADER_REFUSED: Trial(header={"jku": "https://keys.example"}),
    Reason.ALGORITHM_REFUSED: Trial(header={"alg": "PS256"}),
    Reason.KEY_UNKNOWN: Trial(header={"kid": "nobody-has-this"}),
    Reason.KEYS_UNAVAILABLE: Trial(client="heron-gateway", signer="stale"),
    Reason.SIGNATURE_WRONG: Trial(spoil=True),
    Reason.TYPE_MISMATCH: Trial(claims={"nonce": "n"}),
    Reason.CLAIM_MALFORMED: Trial(claims={"sub": None}),
    Reason.TOKEN_EXPIRED: Trial(claims={"exp": 1_700_000_000}),
    Reason.TOKEN_NOT_YET_VALID: Trial(claims={"nbf": 4_000_000_000}),
    Reason.LIFETIME_TOO_LONG: Trial(claims={"exp": 4_000_000_000}),
    Reason.AUDIENCE_MISMATCH: Trial(claims={"aud": "https://elsewhere.example"}),
    Reason.SENDER_CONSTRAINED: Trial(claims={"cnf": {"jkt": "somebody's"}}),
    Reason.TOKEN_REVOKED: Trial(client="ledger-service", before="suspend", parameters={"audience": REPORTS}),
    Reason.TRUST_RULE_UNMET: Trial(client="heron-gateway", signer="strict", claims={"tier": "silver"}),
    Reason.TRUST_RULE_FAULT: Trial(client="heron-gateway", signer="strict", claims={"tier": ["gold"]}),
    Reason.TARGET_MISSING: Trial(parameters={"audience": None}),
    Reason.TARGET_UNKNOWN: Trial(parameters={"audience": "https://nowhere.example"}),
    Reason.TARGET_NOT_MAPPED: Trial(client="fjord-backend", signer="other_idp", parameters={"audience": REPORTS}),
    Reason.TARGETS_DISAGREE: Trial(parameters={"audience": [LEDGER, ARCHIVE]}),
    Reason.PARTNER_NOT_ACTIVATED: Trial(client="nova-backend", signer="nova"),
    Reason.MAPPING_RULE_UNMET: Trial(claims={"tier": "silver"}),
    Reason.MAPPING_RULE_FAULT: Trial(claims={"tier": ["gold"]}),
    Reason.ACTOR_REQUIRED: Trial(client="heron-gateway", signer="people"),
    Reason.ACTOR_NOT_NAMED: Trial(claims={"may_act": OTHERS}),
    Reason.ACTOR_FOREIGN: Trial(client="heron-gateway", signer="services", actor=OTHERS),
    Reason.CHAIN_REFUSED: Trial(claims={"act": {"sub": "robot-1", "exp": 1}}),
    Reason.CHAIN_TOO_DEEP: Trial(claims={"act": CHAIN}),
    Reason.CHAIN_LOOP: Trial(
        client="heron-gateway",
        signer="people",
        claims={"act": {"sub": "heron-gateway", "iss": "https://services.heron.example"}},
        actor={"sub": "heron-gateway"},
    ),
    Reason.SCOPE_UNKNOWN: Trial(parameters={"scope": "ledger.burn"}),
    Reason.SCOPE_NOT_GRANTED: Trial(parameters={"scope": "ledger.admin"}),
    Reason.SUBJECT_UNUSABLE: Trial(claims={"sub": "x" * 300}),
    Reason.LIFETIME_EXHAUSTED: Trial(claims={"exp": {"now": -5}, "iat": {"now": -60}}),
}
WIRE_ONLY = "what is tried is no body of bytes"
NO_CREDENTIALS = "the client is supposed to have proven itself"
NO_PROOF = "a proof is supposed, never made"
SPENDS = "nothing is spent here, so nothing was spent before"
ASKS = "only the issuer, or our ledger, can say it"
NO_GRANT = "a person's code or device is no token"
NO_LIMITS = "nobody is charged for a try"
NO_LEDGER = "nothing is recorded"
NEVER: dict[Reason, str] = {
    **dict.fromkeys((Reason.METHOD_NOT_ALLOWED, Reason.REQUEST_MALFORMED, Reason.REQUEST_TOO_LARGE), WIRE_ONLY),
    **dict.fromkeys((Reason.REQUEST_TOO_SLOW, Reason.PARAMETER_REPEATED, Reason.CERTIFICATE_MALFORMED), WIRE_ONLY),
    **dict.fromkeys((Reason.CREDENTIALS_MISSING, Reason.CREDENTIALS_SEVERAL), NO_CREDENTIALS),
    **dict.fromkeys((Reason.CREDENTIALS_MALFORMED, Reason.CLIENT_ID_MISMATCH, Reason.SECRET_WRONG), NO_CREDENTIALS),
    **dict.fromkeys((Reason.ASSERTION_REFUSED, Reason.CERTIFICATE_REFUSED, Reason.WORKLOAD_REFUSED), NO_CREDENTIALS),
    **dict.fromkeys((Reason.WORKLOAD_RULE_UNMET, Reason.WORKLOAD_RULE_FAULT), NO_CREDENTIALS),
    **dict.fromkeys((Reason.PROOF_INVALID, Reason.NONCE_MISSING), NO_PROOF),
    **dict.fromkeys((Reason.ASSERTION_REPLAYED, Reason.PROOF_REPLAYED, Reason.TOKEN_REPLAYED), SPENDS),
    **dict.fromkeys((Reason.TOKEN_UNKNOWN, Reason.TOKEN_OF_OTHERS, Reason.TOKEN_INACTIVE), ASKS),
    Reason.INTROSPECTION_FAILED: ASKS,
    **{reason: NO_GRANT for reason in Reason if reason.startswith("grant.")},
    **{reason: NO_LIMITS for reason in Reason if reason.startswith("limit.")},
    **{reason: NO_LEDGER for reason in Reason if reason.startswith("server.")},
}
IN_OTHER_WORDS = {Reason.CLIENT_UNKNOWN, Reason.METHOD_NOT_REGISTERED}
"""Where the endpoint names the credentials that came, which nobody presents here."""
NOT_TYPED = {Reason.SIGNATURE_WRONG}
"""What lies in the signature, which typed claims do not have."""


@pytest.fixture(scope="module")
def world(services: plugin.Services, django_db_blocker: Any) -> Iterator[World]:
    with endpoint(services, django_db_blocker) as furnished:
        yield furnished


@pytest.fixture(scope="module")
def verdicts(world: World) -> dict[Reason, Verdict]:
    """Every trial once, that of the revoked token last: it changes the configuration."""
    order = sorted(TRIALS, key=lambda reason: TRIALS[reason].before)
    return dict(zip(order, judged(world, [TRIALS[reason] for reason in order]), strict=True))


def test_each_reason_has_a_trial_or_says_why_it_cannot_have_one() -> None:
    assert TRIALS.keys() | NEVER.keys() == set(Reason)
    assert not TRIALS.keys() & NEVER.keys()


@pytest.mark.parametrize("reason", list(TRIALS))
def test_endpoint_simulator_and_documentation_name_the_same_step(
    verdicts: dict[Reason, Verdict], reason: Reason
) -> None:
    verdict = verdicts[reason]
    assert verdict.event["reason"] == reason
    assert verdict.pasted.outcome is Outcome.REFUSED
    assert verdict.pasted.reason is reason
    recorded = verdict.event["data"]["steps"]
    assert path(verdict.pasted.steps) == path(recorded)
    assert verdict.pasted.steps[-1] == tuple(recorded[-1]) or reason in IN_OTHER_WORDS
    (row,) = [line for line in errors_page().splitlines() if line.startswith(f"| `{reason}` |")]
    assert f"`{recorded[-1][0]}`" in row.split("|")[2]
    assert recorded[-1][0] in places_of(reason)


@pytest.mark.parametrize("reason", [reason for reason in TRIALS if reason not in NOT_TYPED])
def test_claims_that_were_typed_come_to_the_same_end_as_a_signed_token(
    verdicts: dict[Reason, Verdict], reason: Reason
) -> None:
    typed = verdicts[reason].typed
    assert (typed.reason, path(typed.steps)) == (reason, path(verdicts[reason].pasted.steps))


def test_a_wrong_signature_is_all_that_typed_claims_hide(verdicts: dict[Reason, Verdict]) -> None:
    assert verdicts[Reason.SIGNATURE_WRONG].typed.outcome is Outcome.GRANTED
