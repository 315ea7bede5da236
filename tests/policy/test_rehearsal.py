"""What a partner gets before its activation: tokens of a minute, for test targets, and no bridge from there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from policy.facts import Actor
from policy.mapping import MappingSource
from policy.origin import Origin
from policy.reasons import Reason, Rule
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
    assert any(step.rule is Rule.TARGET and "a test target" in step.expected for step in outcome.steps)


@pytest.mark.parametrize("rehearsal", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("audience", [(REPORTS,), (LEDGER, REPORTS)])
def test_a_rehearsal_never_reaches_a_real_target(
    rehearsal: Facts[HypotheticalToken], audience: tuple[str, ...]
) -> None:
    outcome = refused(replace(rehearsal, request=Asked(audience=audience)))
    assert outcome.reason is Reason.PARTNER_NOT_ACTIVATED
    assert outcome.steps[-1].received == "reports"


def test_an_activated_partner_gets_its_usual_lifetime_also_for_a_test_target() -> None:
    assert granted(facts()).expires_at - NOW > timedelta(seconds=60)


def test_a_token_of_ours_for_a_real_target_leads_to_both() -> None:
    assert granted(own(REPORTS)).audience == (LEDGER,)
    assert granted(own(REPORTS, request=Asked(audience=(REPORTS,)))).audience == (REPORTS,)


def test_a_partner_is_served_while_it_rehearses_and_while_it_is_active() -> None:
    assert REHEARSING.is_served
    assert make_partner().is_served
    assert not make_partner(is_active=False).is_served
