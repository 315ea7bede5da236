"""What a partner gets before its activation: tokens of a minute, for test targets, and no bridge from there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from policy.claim_rules import Verdict
from policy.facts import Actor
from policy.mapping import MappingSource
from policy.origin import Origin
from policy.reasons import Reason, Rule, Step
from tests.policy.examples import (
    ISSUER,
    LEDGER,
    NOW,
    REPORTS,
    Asked,
    catalogue,
    granted,
    make_client,
    make_facts,
    make_mapping,
    make_partner,
    make_target,
    make_token,
    make_trust,
    refused,
)

if TYPE_CHECKING:
    from policy.facts import Facts
    from policy.tokens import HypotheticalToken

REHEARSING = make_partner(is_active=False, is_rehearsing=True)
TEST = make_target(is_test=True)
REAL = make_target(REPORTS)
ANOTHER_TEST = replace(make_target(REPORTS), is_test=True)
NOT_YET = "a test target: partner kestrel is not activated yet"
IN_A_TEST = {"targets": catalogue(TEST, REAL), "mappings": (make_mapping(TEST), make_mapping(REAL))}


def facts(**changes: Any) -> Facts[HypotheticalToken]:
    """A good exchange for the test target, changed."""
    return make_facts(**{**IN_A_TEST, **changes})


def own(audience: str, **changes: Any) -> Facts[HypotheticalToken]:
    """The exchange of a token of ours, by a client of ours."""
    origin = Origin(client=make_client(partner=changes.pop("partner", None)), issuer=None, is_trusted=True)
    return replace(
        facts(client=make_client(partner=None), subject=make_token(audience=(audience,)), **changes),
        source=MappingSource.OWN_TOKEN,
        trust=None,
        origins=(origin,),
    )


FOR_A_TEST = "a test target: the subject token is for one"
WAYS = {
    "its client asks": facts(client=make_client(partner=REHEARSING)),
    "its issuer vouches": facts(trust=make_trust(partner=REHEARSING)),
    "its issuer vouches for the actor": facts(
        actor=Actor(token=make_token("peer", issuer=ISSUER), trust=make_trust(partner=REHEARSING, accepts_actors=True))
    ),
    "a token of ours was issued to it": own(REPORTS, partner=REHEARSING),
    "a token of ours is for a test target": own(LEDGER),
}


@pytest.mark.parametrize("rehearsal", WAYS.values(), ids=WAYS.keys())
def test_a_rehearsal_gets_a_token_of_a_minute_for_a_test_target(rehearsal: Facts[HypotheticalToken]) -> None:
    outcome = granted(rehearsal)
    assert outcome.expires_at - NOW == timedelta(seconds=60)
    assert [step.received for step in outcome.steps if step.rule is Rule.LIFETIME] == ["60 s"]
    told = NOT_YET if rehearsal is not WAYS["a token of ours is for a test target"] else FOR_A_TEST
    assert Step(Rule.TARGET, Verdict.PASSED, told, "ledger") in outcome.steps


@pytest.mark.parametrize("rehearsal", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("audience", [(REPORTS,), (LEDGER, REPORTS)])
def test_a_rehearsal_never_reaches_a_real_target(
    rehearsal: Facts[HypotheticalToken], audience: tuple[str, ...]
) -> None:
    outcome = refused(replace(rehearsal, request=Asked(audience=audience)))
    assert outcome.reason is Reason.PARTNER_NOT_ACTIVATED
    assert outcome.steps[-1].received == "reports"


def test_several_targets_are_named_one_after_the_other() -> None:
    both = {"targets": catalogue(TEST, ANOTHER_TEST), "request": Asked(audience=(LEDGER, REPORTS))}
    mappings = make_mapping(TEST), make_mapping(ANOTHER_TEST)
    outcome = granted(facts(client=make_client(partner=REHEARSING), mappings=mappings, **both))
    assert Step(Rule.TARGET, Verdict.PASSED, NOT_YET, "ledger reports") in outcome.steps
    real = {"targets": catalogue(make_target(), REAL), "mappings": (make_mapping(), make_mapping(REAL))}
    stopped = refused(facts(**{**both, **real, "client": make_client(partner=REHEARSING)}))
    assert stopped.steps[-1] == Step(Rule.TARGET, Verdict.REFUSED, NOT_YET, "ledger reports")


def test_a_token_whose_client_is_gone_is_refused_for_that() -> None:
    gone = Origin(client=None, issuer=None, is_trusted=True)
    assert refused(replace(own(REPORTS), origins=(gone,))).reason is Reason.TOKEN_REVOKED


def test_an_activated_partner_gets_its_usual_lifetime_also_for_a_test_target() -> None:
    assert granted(facts()).expires_at - NOW > timedelta(seconds=60)


def test_a_token_of_ours_for_a_real_target_leads_to_both() -> None:
    assert granted(own(REPORTS)).audience == (LEDGER,)
    assert granted(own(REPORTS, request=Asked(audience=(REPORTS,)))).audience == (REPORTS,)


def test_a_partner_is_served_while_it_rehearses_and_while_it_is_active() -> None:
    assert REHEARSING.is_served
    assert make_partner().is_served
    assert not make_partner(is_active=False).is_served
