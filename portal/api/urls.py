"""The addresses of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import include, path, re_path, register_converter

from portal.api import (
    access,
    alerts,
    back_tests,
    canaries,
    clients,
    description,
    domains,
    endings,
    exchanges,
    findings,
    golden,
    history,
    introspection,
    mappings,
    me,
    onboarding,
    overview,
    own_mappings,
    partner_people,
    partners,
    people,
    people_acts,
    proposals,
    shadows,
    simulations,
    suggestions,
    targets,
    trust_health,
    trusts,
    waiting_keys,
)
from portal.api.nowhere import Nowhere

if TYPE_CHECKING:
    from django.urls import URLPattern

    from portal.api.endpoint import Endpoint

app_name = "api"


class ScopeConverter:
    """A scope in an address: the characters that RFC 6749 section 3.3 gives it."""

    regex = r"[!#-\[\]-~]{1,128}"

    @staticmethod
    def to_python(value: str) -> str:
        """The scope itself."""
        return value

    to_url = to_python


register_converter(ScopeConverter, "scope")


def _below(place: str, *found: tuple[str, type[Endpoint], str]) -> list[URLPattern]:
    """The addresses that begin with one place: how each goes on, what answers there, and its name."""
    return [path(place + rest, endpoint.as_view(), name=name) for rest, endpoint, name in found]


ADDRESSES: list[URLPattern] = [
    *_below(
        "",
        ("openapi.json", description.Description, "description"),
        ("me", me.Me, "me"),
        ("overview", overview.Overview, "overview"),
        ("search", findings.Findings, "search"),
        ("partners", partners.Partners, "partners"),
        ("endings", endings.Endings, "endings"),
        ("access", access.Access, "access"),
        ("simulations", simulations.Simulations, "simulations"),
    ),
    *_below(
        "partners/<slug:partner>",
        ("", partners.Partner, "partner"),
        ("/pass-test", partners.PassTest, "partner-pass-test"),
        ("/activate", partners.Activate, "partner-activate"),
        ("/suspend", partners.Suspend, "partner-suspend"),
        ("/reinstate", partners.Reinstate, "partner-reinstate"),
        ("/offboard", partners.Offboard, "partner-offboard"),
        ("/health", trust_health.PartnerHealth, "health"),
        ("/history", history.History, "history"),
        ("/canaries", canaries.Canaries, "canaries"),
        ("/canaries/run", canaries.Run, "canaries-run"),
        ("/domains", domains.Domains, "domains"),
        ("/examine", onboarding.Examine, "examine"),
        ("/integration", onboarding.Integration, "integration"),
        ("/rehearsal", onboarding.Rehearsal, "rehearsal"),
        ("/suggestions", suggestions.Suggestions, "suggestions"),
    ),
    *_below(
        "partners/<slug:partner>/trusts",
        ("", trusts.Trusts, "trusts"),
        ("/<slug:trust>", trusts.Trust, "trust"),
        ("/<slug:trust>/withdraw", trusts.Withdraw, "trust-withdraw"),
        ("/<slug:trust>/health", trust_health.TrustHealth, "trust-health"),
        ("/<slug:trust>/look", trust_health.Look, "trust-look"),
        ("/<slug:trust>/introspection-secret", introspection.Secret, "introspection-secret"),
    ),
    *_below(
        "partners/<slug:partner>/waiting-keys",
        ("", waiting_keys.WaitingKeys, "waiting-keys"),
        ("/<uuid:source>", waiting_keys.WaitingKey, "waiting-key"),
        ("/<uuid:source>/confirm", waiting_keys.Confirm, "waiting-key-confirm"),
    ),
    *_below(
        "partners/<slug:partner>/people",
        ("", partner_people.PartnerPeople, "insiders"),
        ("/<uuid:person>", partner_people.PartnerPerson, "insider"),
        ("/<uuid:person>/close", partner_people.Close, "insider-close"),
    ),
    *_below(
        "partners/<slug:partner>/invitations",
        ("", partner_people.Invitations, "invitations"),
        ("/<uuid:invitation>", partner_people.Invitation, "invitation"),
        ("/<uuid:invitation>/revoke", partner_people.Revoke, "invitation-revoke"),
    ),
    *_below(
        "partners/<slug:partner>/proposals",
        ("", proposals.Proposals, "proposals"),
        ("/<uuid:proposal>", proposals.Proposal, "proposal"),
        ("/<uuid:proposal>/approve", proposals.Approve, "proposal-approve"),
        ("/<uuid:proposal>/decline", proposals.Decline, "proposal-decline"),
    ),
    *_below(
        "partners/<slug:partner>/mappings",
        ("", mappings.Mappings, "mappings"),
        ("/<slug:mapping>", mappings.Mapping, "mapping"),
        ("/<slug:mapping>/versions", mappings.Versions, "versions"),
        ("/<slug:mapping>/draft", mappings.Draft, "draft"),
        ("/<slug:mapping>/draft/blocked-by", golden.BlockedBy, "draft-blocked-by"),
        ("/<slug:mapping>/draft/back-test", back_tests.BackTest, "back-test"),
        ("/<slug:mapping>/draft/back-test/differences", back_tests.Differences, "back-test-differences"),
        ("/<slug:mapping>/shadow", shadows.Shadow, "shadow"),
        ("/<slug:mapping>/shadow/stop", shadows.Stop, "shadow-stop"),
        ("/<slug:mapping>/shadow/differences", shadows.Differences, "shadow-differences"),
        ("/<slug:mapping>/publish", mappings.Publish, "publish"),
        ("/<slug:mapping>/withdraw", mappings.Withdraw, "withdraw"),
    ),
    *_below(
        "connect/domain",
        ("", domains.OwnDomain, "own-domain"),
        ("/look", domains.Look, "own-domain-look"),
    ),
    *_below(
        "own-mappings",
        ("", own_mappings.Mappings, "own-mappings"),
        ("/<slug:mapping>", own_mappings.Mapping, "own-mapping"),
        ("/<slug:mapping>/versions", own_mappings.Versions, "own-versions"),
        ("/<slug:mapping>/draft", own_mappings.Draft, "own-draft"),
        ("/<slug:mapping>/publish", own_mappings.Publish, "own-publish"),
        ("/<slug:mapping>/withdraw", own_mappings.Withdraw, "own-withdraw"),
    ),
    *_below(
        "clients",
        ("", clients.Clients, "clients"),
        ("/<uuid:client>", clients.Client, "client"),
        ("/<uuid:client>/suspend", clients.Suspend, "client-suspend"),
        ("/<uuid:client>/reinstate", clients.Reinstate, "client-reinstate"),
        ("/<uuid:client>/secrets", clients.Secrets, "secrets"),
        ("/<uuid:client>/secrets/<int:slot>", clients.Secret, "secret"),
    ),
    *_below(
        "targets",
        ("", targets.Targets, "targets"),
        ("/<slug:target>", targets.Target, "target"),
        ("/<slug:target>/scopes/<scope:scope>", targets.Scope, "scope"),
    ),
    *_below(
        "alerts",
        ("", alerts.Alerts, "alerts"),
        ("/<uuid:alert>", alerts.Alert, "alert"),
        ("/<uuid:alert>/acknowledge", alerts.Acknowledge, "alert-acknowledge"),
    ),
    *_below(
        "golden-tokens",
        ("", golden.GoldenTokens, "golden-tokens"),
        ("/run", golden.RunOfPartner, "golden-tokens-run"),
        ("/<uuid:case>", golden.GoldenToken, "golden-token"),
        ("/<uuid:case>/run", golden.Run, "golden-token-run"),
    ),
    *_below(
        "people",
        ("", people.People, "people"),
        ("/<uuid:person>", people.Person, "person"),
        ("/<uuid:person>/give-role", people_acts.GiveRole, "person-give-role"),
        ("/<uuid:person>/take-role", people_acts.TakeRole, "person-take-role"),
        ("/<uuid:person>/close", people_acts.Close, "person-close"),
        ("/<uuid:person>/open", people_acts.Open, "person-open"),
        ("/<uuid:person>/end-sessions", people_acts.EndSessions, "person-end-sessions"),
        ("/<uuid:person>/send-link", people.SendLink, "person-send-link"),
        ("/<uuid:person>/link", people_acts.Link, "person-link"),
        ("/<uuid:person>/unlink", people_acts.Unlink, "person-unlink"),
        ("/<uuid:person>/consents", people.Consents, "consents"),
        ("/<uuid:person>/consents/<uuid:client>", people.Consent, "consent"),
    ),
    *_below(
        "exchanges",
        ("", exchanges.Exchanges, "exchanges"),
        ("/<uuid:reference>/try", simulations.Again, "exchange-try"),
        ("/<uuid:reference>", exchanges.Exchange, "exchange"),
    ),
]
"""What there is, in version 1."""

urlpatterns = [path("v1/", include(ADDRESSES)), re_path("", Nowhere.as_view())]
