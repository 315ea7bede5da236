"""What a request proves to hold, and what the new token is bound to (RFC 9449 section 6, RFC 8705 section 3)."""

from __future__ import annotations

from typing import Any, Final, cast

import pytest

from exchange.caller import Incoming
from exchange.possession import CERTIFICATE, NOTHING, Possession, possess
from exchange.protocol.client_certificate import ClientCertificate
from exchange.protocol.errors import OAuthError
from exchange.protocol.form import Form
from policy.facts import Actor
from policy.reasons import Reason, Rule
from tests.exchange.judged import Case
from tests.fuzz.signed import KEYS, NOW
from tests.policy.examples import make_client, make_trust
from tests.protocol.test_words_of_proofs import URL, proof

BOUND: Final = ClientCertificate(der=b"", chain=(), thumbprint="thumb")
JKT: Final = KEYS["ES256"].thumbprint()


def incoming(*proofs: str, certificate: ClientCertificate | None = None) -> Incoming:
    return Incoming(form=Form({}), authorization=(), proofs=proofs, certificate=certificate, limits=cast("Any", None))


def possessed(request: Incoming, **client: Any) -> Possession:
    return possess(request, make_client(**client), url=URL, now=NOW)


def refused(request: Incoming, **client: Any) -> tuple[Reason, Rule, str, str]:
    with pytest.raises(OAuthError) as caught:
        possessed(request, **client)
    (step,) = caught.value.steps
    return caught.value.reason, step.rule, step.expected, step.received


def test_nothing_is_proven_by_nothing() -> None:
    assert possessed(incoming()) is NOTHING
    assert NOTHING.binding(Case().accepted(), None) == {}


def test_a_client_that_is_held_to_bound_tokens_must_prove_something() -> None:
    assert refused(incoming(), dpop_bound_access_tokens=True) == (
        *(Reason.PROOF_MISSING, Rule.POSSESSION),
        *("a DPoP proof", "none"),
    )
    assert refused(incoming(proof()), tls_client_certificate_bound_access_tokens=True) == (
        *(Reason.CERTIFICATE_MISSING, Rule.POSSESSION),
        *("a client certificate", "none"),
    )


def test_a_proof_binds_to_its_key() -> None:
    found = possessed(incoming(proof()), dpop_bound_access_tokens=True)
    assert found.proof is not None
    assert found.proven == {"jkt": JKT}
    assert found.binds_to_certificate is False
    assert found.binding(Case().accepted(), None) == {"jkt": JKT}


def test_a_proof_is_for_this_method_and_address() -> None:
    assert refused(incoming(proof(htm="GET")))[2] == "htm POST"
    assert refused(incoming(proof(htu="https://a.example")))[2] == f"htu {URL}"


def test_a_nonce_is_asked_of_clients_that_are_held_to_one() -> None:
    assert refused(incoming(proof()), requires_dpop_nonce=True)[0] is Reason.NONCE_MISSING
    assert possessed(incoming(proof(nonce="any"))).proof is not None


def test_a_certificate_binds_where_the_client_is_registered_so() -> None:
    free = possessed(incoming(certificate=BOUND))
    assert (free.proof, free.proven, free.binds_to_certificate) == (None, {CERTIFICATE: "thumb"}, False)
    assert free.binding(Case().accepted(), None) == {}
    held = possessed(incoming(certificate=BOUND), tls_client_certificate_bound_access_tokens=True)
    assert held.binds_to_certificate is True
    assert held.binding(Case().accepted(), None) == {CERTIFICATE: "thumb"}


def test_both_bind_together() -> None:
    held = possessed(incoming(proof(), certificate=BOUND), tls_client_certificate_bound_access_tokens=True)
    assert held.proven == {"jkt": JKT, CERTIFICATE: "thumb"}
    assert held.binding(Case().accepted(), None) == {"jkt": JKT, CERTIFICATE: "thumb"}


def test_a_token_that_is_bound_to_a_certificate_makes_none_that_is_not() -> None:
    found = possessed(incoming(certificate=BOUND))
    bound = Case(claims={"cnf": {CERTIFICATE: "thumb"}}, possession=found).accepted()
    by_key = Possession(proof=None, proven={"jkt": "x"}, binds_to_certificate=False)
    other = Case(claims={"cnf": {"jkt": "x"}}, possession=by_key)
    for subject, actor in ((bound, None), (Case().accepted(), Actor(token=bound, trust=make_trust()))):
        assert found.binding(subject, actor) == {CERTIFICATE: "thumb"}
    assert found.binding(other.accepted(), Actor(token=Case().accepted(), trust=make_trust())) == {}


def test_a_key_that_is_named_must_be_proven() -> None:
    found = possessed(incoming(proof(), certificate=BOUND))
    found.require(JKT)
    found.require("")
    NOTHING.require("")
    for held, named in ((found, "other"), (found, "thumb"), (NOTHING, JKT)):
        with pytest.raises(OAuthError) as caught:
            held.require(named)
        assert caught.value.reason is Reason.SENDER_CONSTRAINED
        (step,) = caught.value.steps
        assert (step.rule, step.expected, step.received) == (
            *(Rule.POSSESSION, "the key of the refresh token"),
            "another or none",
        )
